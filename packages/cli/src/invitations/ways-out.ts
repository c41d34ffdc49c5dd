import { parseHostPort } from '@holdfast/common/configuration';
import {
  type ConnectionTypes,
  connectionTypes,
  type RevealingSettings,
  refuseRevealing,
  type WrittenConnectionTypes,
} from '@holdfast/common/connections';
import * as z from 'zod';
import { UsageError } from '../exit-status.js';
import type { JoinOptions } from './make-node.js';

/** How an invited node makes connections. */
export interface WaysOut {
  readonly anonymous: boolean;
  /** As its files are to say it; undefined for direct connections. */
  readonly written: WrittenConnectionTypes | undefined;
  readonly connectionTypes: ConnectionTypes | undefined;
}

/** Which kinds of address a proxy is used for: Tor carries to plain addresses, I2P to none but its own. */
const kindsOf = { tor: ['tcp', 'tor'], socks5: ['tcp', 'tor'], i2p: ['i2p'] } as const;

/** The options whose values a setting comes from. */
const optionOf: Readonly<Record<string, string>> = {
  postgres: '--postgres',
  operator: '--operator',
  listen: '--listen',
  locations: '--location',
  connection_types: '--proxy',
};

/**
 * Reads `--proxy` and `--anonymous`, and refuses what would tell where an anonymous node is before anything is told.
 *
 * @throws UsageError
 */
export function readWaysOut(options: JoinOptions & { readonly proxy?: readonly string[] }): WaysOut {
  const { proxy, anonymous = false } = options;
  const written = proxy && Object.assign({}, ...proxy.map(throughProxy));
  const types = written && connectionTypes.parse(written);
  const settings: RevealingSettings = {
    anonymous,
    postgres: options.postgres,
    operator: { listen: place(options.operator) },
    connection_types: types,
    ...(options.listen === undefined ? {} : { listen: place(options.listen) }),
    ...(options.location === undefined ? {} : { locations: options.location.map(place) }),
  };
  const { error } = z.custom<RevealingSettings>().superRefine(refuseRevealing).safeParse(settings);
  const issue = error?.issues[0];
  if (issue) throw new UsageError(`${optionOf[String(issue.path[0])]}: ${issue.message}`);
  return { anonymous, written, connectionTypes: types };
}

/** `HANDLER` or `HANDLER=ENDPOINT`: the part of the connection types that goes through this proxy. */
function throughProxy(text: string): WrittenConnectionTypes {
  const [, handler = '', endpoint] = /^(tor|socks5|i2p)(?:=(.+))?$/.exec(text) ?? [];
  const kinds = kindsOf[handler as keyof typeof kindsOf] ?? [];
  const written = { handler, ...(endpoint === undefined ? {} : { parameters: { endpoint } }) };
  const types = Object.fromEntries(kinds.map((kind) => [kind, written])) as WrittenConnectionTypes;
  if (kinds.length > 0 && connectionTypes.safeParse(types).success) return types;
  const expected =
    'expected tor or i2p, or one of tor, socks5 and i2p with its address, as tor=unix:/path or socks5=tcp:host:port';
  throw new UsageError(`--proxy ${text}: ${expected}`);
}

function place(text = '127.0.0.1:0') {
  return parseHostPort(text) ?? { host: text, port: 0 };
}
