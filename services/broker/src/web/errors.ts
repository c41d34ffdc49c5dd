import { STATUS_CODES } from 'node:http';
import { BusRefusedError, BusUnavailableError } from '@holdfast/common/bus';
import { OverloadedError } from '@holdfast/common/capacity';
import {
  NoServersError,
  NotEnoughMemoryError,
  NotEnoughServersError,
  NotEnoughSharesError,
  NotRecoverableError,
  WrongFileError,
} from '@holdfast/grid';
import { CapabilityError } from '@holdfast/lafs';
import { ContradictionError, NoBusError } from '../repairs/repairers.js';

/** A request that cannot be done as it was asked; `message` is what the client reads. */
export class RequestError extends Error {
  override readonly name = 'RequestError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** An error as the web API tells it. */
export interface ErrorAnswer {
  readonly status: number;
  /** For logs and metrics. */
  readonly code: string;
  /** Plain text, without a newline at its end. */
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

const checkAdvice = 'A check of this file will tell more.';

/**
 * What each error is in HTTP. The statuses, and the names at the beginning of some texts, are the peer's: scripts
 * look for them. An error that is not known here is ours, and the client is told nothing of its inside.
 */
export function answerTo(error: unknown): ErrorAnswer {
  const answer = (status: number, code: string, text: string, headers = {}) => ({
    status,
    code,
    text,
    headers,
  });
  if (error instanceof RequestError) return answer(error.status, error.code, error.message, error.headers);
  if (error instanceof CapabilityError) return answer(400, error.code, error.message);
  if (error instanceof NotEnoughSharesError) {
    const reason =
      error.found === 0
        ? 'NoSharesError: no shares could be found. The capability may be wrong, no server may be connected, or all shares are lost.'
        : 'NotEnoughSharesError: some servers cannot be reached, or shares were lost.';
    return answer(
      410,
      error.code,
      `${reason} ${checkAdvice}\n\nThe full error message is:\n${error.message}`,
    );
  }
  if (error instanceof NotRecoverableError) {
    const reason =
      error.found === 0
        ? 'NoSharesError: no shares could be found, so there is nothing to repair the file from.'
        : 'NotEnoughSharesError: too few good shares are left to repair the file from.';
    return answer(410, error.code, `${reason}\n\nThe full error message is:\n${error.message}`);
  }
  if (error instanceof WrongFileError) return answer(410, error.code, `${error.message}. ${checkAdvice}`);
  if (error instanceof OverloadedError) return answer(503, error.code, error.message, { 'retry-after': '5' });
  if (error instanceof NotEnoughMemoryError)
    return answer(501, error.code, `${error.message}. Its operator can give it more: limits.memory.`);
  if (error instanceof NotEnoughServersError) {
    const named = error instanceof NoServersError ? 'NoServersError' : 'UploadUnhappinessError';
    return answer(500, error.code, `${named}: ${error.message}`);
  }
  if (error instanceof BusUnavailableError)
    return answer(503, error.code, `no repairer can be asked: ${error.reason}`, { 'retry-after': '5' });
  if (error instanceof BusRefusedError)
    return answer(502, error.code, `the repairers refused: ${error.reason}`);
  if (error instanceof NoBusError) return answer(501, error.code, error.message);
  if (error instanceof ContradictionError) return answer(409, error.code, error.message);
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown };
  // The HTTP framework's own refusals. Their messages quote the path, which may hold a capability.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return answer(statusCode, String(code), STATUS_CODES[statusCode] ?? 'Bad Request');
  // A file waits in the spool folder while its key is made.
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return answer(
      507,
      'spool-full',
      'the disk of this gateway has no room for the file while it is encrypted',
    );
  return answer(500, 'internal', 'internal error; the log of this node says more');
}
