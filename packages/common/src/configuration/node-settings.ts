import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { WrittenConnectionTypes } from '../connections/connection-types.js';
import { refuseUnquoted } from './unquoted.js';
import { duration, hostPort } from './values.js';

const url = (protocols: string[], example: string) =>
  z.unknown().transform((value, context): string => {
    if (typeof value === 'string' && URL.canParse(value) && protocols.includes(new URL(value).protocol))
      return value;
    const message = `expected a URL such as ${example}`;
    if (value === undefined) context.addIssue({ code: 'custom', message });
    else refuseUnquoted(context, message);
    return z.NEVER;
  });

/** Where a NATS server is, in plain text or by TLS. */
export const busUrl = url(['nats:', 'tls:'], 'nats://host:4222');

/** The fields that every service's `node.yaml` has; each service spreads them into its own strict schema. */
export const nodeSettings = {
  nickname: z.string().min(1).max(100),
  grid: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'expected 1 to 40 of letters, digits, - and _'),
  postgres: url(['postgres:', 'postgresql:'], 'postgres://user@host:5432/database'),
  bus: busUrl,
  operator: z.strictObject({ listen: hostPort }),
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info') })
    .prefault({}),
};

/** The fields of `announcements` of nodes that remember announcements. */
export const announcementFields = {
  /** A server of which nothing new was heard, and which was not reached, for so long is forgotten. */
  forget_after: duration.refine((ms) => ms >= 1000, 'expected 1s or more').prefault('90d'),
};

/** What an operator tells `holdfast init` about any node. */
export interface NodeOptions {
  readonly nickname: string;
  readonly grid: string;
  readonly postgres: string;
  readonly bus: string;
  /** What the bus's certificate is checked by, in PEM; what the system trusts where not given. */
  readonly busCa?: string;
  /** `HOST:PORT` of /healthz, /readyz and /metrics. */
  readonly operator: string;
  /** Whether it makes no direct connection; it does where not given. */
  readonly anonymous?: boolean;
  /** How others are reached; directly where not given. */
  readonly connectionTypes?: WrittenConnectionTypes;
  /** The introducers that it uses instead of the one on its bus, by name; their URLs with the passwords. */
  readonly introducers?: Readonly<Record<string, { readonly url: string; readonly ca?: string | undefined }>>;
}

/** The common part of a new `node.yaml`: URLs without their passwords, which go to `private/`. */
export function nodeYamlFields(service: string, options: NodeOptions): Record<string, unknown> {
  return {
    service,
    nickname: options.nickname,
    grid: options.grid,
    postgres: withoutPassword(options.postgres).url,
    bus: withoutPassword(options.bus).url,
    operator: { listen: options.operator },
    log: { level: 'info' },
    ...(options.anonymous ? { anonymous: true } : {}),
  };
}

/**
 * How others are reached, where a new node is told: fields for `node.yaml`, or for the `connections.yaml` of a role that
 * has one.
 */
export function reachingFields({ connectionTypes, introducers }: NodeOptions): Record<string, unknown> {
  const named = Object.entries(introducers ?? {});
  return {
    ...(connectionTypes === undefined ? {} : { connection_types: connectionTypes }),
    ...(introducers === undefined
      ? {}
      : {
          introducers: Object.fromEntries(
            named.map(([name, { url }]) => [name, { url: withoutPassword(url).url }]),
          ),
        }),
  };
}

/** What the URLs in `options` are used with, as files for `private/`: their passwords, and whom to trust. */
export function accessFiles(options: NodeOptions): Record<string, string> {
  const files: Record<string, string> = {};
  const keep = (name: string, url: string, ca?: string) => {
    const { password } = withoutPassword(url);
    if (password !== '') files[`${name}.password`] = `${password}\n`;
    if (ca !== undefined) files[`${name}-ca.pem`] = ca;
  };
  keep('postgres', options.postgres);
  keep('bus', options.bus, options.busCa);
  for (const [name, { url, ca }] of Object.entries(options.introducers ?? {}))
    keep(`introducer-${name}`, url, ca);
  return files;
}

/** A URL of the configuration with the password from `private/NAME.password`, where there is one. */
export async function urlWithPassword(dir: string, name: string, configured: string): Promise<string> {
  const password = await readIfThere(dir, `${name}.password`);
  if (password === undefined) return configured;
  const url = new URL(configured);
  url.password = encodeURIComponent(password.trimEnd());
  return url.toString();
}

/** How a node reaches the bus, and as whom. */
export interface BusAccess {
  /** With the user's password, where there is one. */
  readonly url: string;
  /** In PEM: the only certificates that the bus is trusted by. Undefined for what the system trusts. */
  readonly ca: string | undefined;
  /** Reads both anew, where they are kept in files: the password may have been changed since. */
  readonly readAgain?: () => Promise<BusAccess>;
}

/** A bus of the configuration with what `private/` says of it: `NAME.password` and `NAME-ca.pem`, where they are. */
export async function busAccess(dir: string, name: string, configured: string): Promise<BusAccess> {
  const url = await urlWithPassword(dir, name, configured);
  const readAgain = () => busAccess(dir, name, configured);
  return { url, ca: await readIfThere(dir, `${name}-ca.pem`), readAgain };
}

async function readIfThere(dir: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(dir, 'private', name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A URL without its password, and the password as it was before it was put into a URL; empty where there is none. */
export function withoutPassword(text: string): { url: string; password: string } {
  if (!URL.canParse(text)) return { url: text, password: '' };
  const url = new URL(text);
  if (url.password === '') return { url: text, password: '' };
  const password = decodeURIComponent(url.password);
  url.password = '';
  return { url: url.toString(), password };
}
