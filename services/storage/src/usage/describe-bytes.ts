const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** A number of bytes for people, in three digits and decimal units, as quotas are given: `95.2 GB`. */
export function describeBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Number(value.toPrecision(3)) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${units[unit]}`;
}
