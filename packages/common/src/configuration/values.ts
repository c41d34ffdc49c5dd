import * as z from 'zod';

/** A place to listen at or to connect to. `port` 0 lets the system choose. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT` (`[…]:PORT` for IPv6), or gives undefined where the text is neither. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/@]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65535 ? undefined : { host, port };
}

/** Writes what `parseHostPort` reads. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `HOST:PORT`, read into its parts. */
export const hostPort = z.string('expected HOST:PORT').transform((text, context): HostPort => {
  const value = parseHostPort(text);
  if (value) return value;
  context.issues.push({ code: 'custom', message: 'expected HOST:PORT', input: text });
  return z.NEVER;
});

const byteUnits: Record<string, number> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** A number of bytes, as an integer or as text: `100GB`, `1.5 TiB`. */
export const byteSize = z
  .union([z.string(), z.number()], 'expected a size such as 100GB')
  .transform((value, context) => {
    const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(String(value));
    const unit = byteUnits[match?.[2] ?? '?'];
    const bytes = unit === undefined ? Number.NaN : Math.round(Number(match?.[1]) * unit);
    if (Number.isSafeInteger(bytes)) return bytes;
    const message =
      bytes > Number.MAX_SAFE_INTEGER
        ? 'expected a size such as 100GB, of less than 9007TB'
        : 'expected a size such as 100GB';
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  });

const durationUnits: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

/** What no lease, pause or age need exceed; far less than Postgres and timers can count. */
const longestDuration = 100 * 365.25 * 864e5;

/** A length of time as text, `31d`, `90s`, of at most 100 years, read into milliseconds. */
export const duration = z.string('expected a duration such as 31d').transform((text, context) => {
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/.exec(text);
  const unit = durationUnits[match?.[2] ?? ''];
  const milliseconds = unit === undefined ? Number.NaN : Math.round(Number(match?.[1]) * unit);
  if (milliseconds <= longestDuration) return milliseconds;
  const message =
    unit === undefined
      ? 'expected a duration such as 31d (ms, s, m, h, d)'
      : 'expected a duration such as 31d, of at most 100 years';
  context.issues.push({ code: 'custom', message, input: text });
  return z.NEVER;
});
