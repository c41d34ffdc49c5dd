import { request } from 'undici';
import { brokerResource } from './broker-url.js';
import { formatCheck, formatRepair } from './check-report.js';
import { BrokerError } from './errors.js';

/** Reading or making anew every share of a large file takes as long as it takes; not for ever. */
const answerMs = 24 * 60 * 60_000;

/** How a file is to be checked. */
export interface CheckOptions {
  readonly broker: string;
  readonly verify?: boolean;
  readonly addLease?: boolean;
  readonly json?: boolean;
}

/** The results of a check as the broker's web API gives them (webapi.rst, `t=check`, with `holdfast` for what is ours). */
export interface CheckAnswer {
  readonly results: {
    readonly healthy: boolean;
    readonly recoverable?: boolean;
    readonly 'count-happiness'?: number;
    readonly 'count-shares-good'?: number;
    readonly 'count-shares-needed'?: number;
    readonly 'count-shares-expected'?: number;
    readonly 'count-good-share-hosts'?: number;
    readonly 'list-corrupt-shares'?: readonly (readonly [
      server: string,
      storageIndex: string,
      share: number,
    ])[];
    readonly holdfast?: {
      readonly defect: string | null;
      readonly 'corrupt-shares': readonly {
        readonly share: number;
        readonly server: string;
        readonly reason: string;
      }[];
      readonly 'leaving-shares': readonly { readonly share: number; readonly server: string }[];
      readonly 'servers-failed': readonly { readonly server: string; readonly error: string }[];
    };
  };
}

/** The results of a repair, likewise; of a literal those of a check. */
export interface RepairAnswer {
  readonly 'repair-attempted': boolean;
  readonly 'repair-successful': boolean;
  readonly 'pre-repair-results': CheckAnswer;
  readonly 'post-repair-results': CheckAnswer;
  readonly holdfast?: {
    readonly 'shares-placed': readonly {
      readonly share: number;
      readonly server: string;
      readonly copied: boolean;
    }[];
    readonly 'not-placed': readonly string[];
    readonly 'bytes-read': number;
    readonly 'bytes-written': number;
  };
}

/** A file is not as it should be, which is what was asked; the report is out already. */
export class UnhealthyError extends Error {
  override readonly name = 'UnhealthyError';
}

/**
 * Checks a file by a broker and prints how it is doing.
 *
 * @throws UnhealthyError where it is not healthy; BrokerError
 */
export async function checkFile(capability: string, options: CheckOptions): Promise<void> {
  const answer = (await ask(capability, options, {})) as CheckAnswer;
  print(options, answer, () => formatCheck(answer));
  if (!answer.results.healthy) throw new UnhealthyError('the file is not healthy');
}

/**
 * Repairs a file by a broker and prints what was done.
 *
 * @throws UnhealthyError where it is not healthy after that; BrokerError, also where too few shares are left
 */
export async function repairFile(capability: string, options: CheckOptions): Promise<void> {
  const answer = (await ask(capability, options, { repair: 'true' })) as RepairAnswer | CheckAnswer;
  print(options, answer, () => ('results' in answer ? formatCheck(answer) : formatRepair(answer)));
  const { results } = 'results' in answer ? answer : answer['post-repair-results'];
  if (!results.healthy) throw new UnhealthyError('the file is not healthy after the repair');
}

function print({ json }: CheckOptions, answer: object, format: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(answer, undefined, 1)}\n` : format());
}

async function ask(
  capability: string,
  { broker, verify, addLease }: CheckOptions,
  more: Readonly<Record<string, string>>,
): Promise<unknown> {
  const url = brokerResource(broker, `uri/${encodeURIComponent(capability)}`);
  const wanted = { t: 'check', output: 'JSON', ...more };
  for (const [name, value] of Object.entries(wanted)) url.searchParams.set(name, value);
  if (verify) url.searchParams.set('verify', 'true');
  if (addLease) url.searchParams.set('add-lease', 'true');
  try {
    const { statusCode, body } = await request(url, { method: 'POST', headersTimeout: answerMs });
    const text = await body.text();
    if (statusCode !== 200) throw BrokerError.fromAnswer(statusCode, text);
    return JSON.parse(text);
  } catch (error) {
    throw BrokerError.fromTransport(broker, error);
  }
}
