/** Servers choose their names, and what they answer; a terminal would act on some of it. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}
