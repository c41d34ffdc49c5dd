/** Why a lab cannot do what was asked. */
export type LabErrorCode =
  | 'running-already'
  | 'not-running'
  | 'no-lab'
  | 'differs'
  | 'server-needed'
  | 'no-such-node'
  | 'node-state'
  | 'command-failed'
  | 'ending';

/** A lab cannot do what was asked of it; the message says why in one line. */
export class LabError extends Error {
  override readonly name = 'LabError';

  constructor(
    readonly code: LabErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
