/** For people: whole days where it is that, else seconds. */
export function formatDuration(seconds: number): string {
  const days = seconds / 86_400;
  return Number.isInteger(days) ? `${days} days` : `${seconds} seconds`;
}
