/** A program that the lab needs is not on this machine. */
export class ProgramMissingError extends Error {
  override readonly name = 'ProgramMissingError';
  readonly code = 'program-missing';

  constructor(
    readonly program: string,
    readonly variable: string,
  ) {
    super(
      `no ${program} on this machine: run \`node workshop/prepare.mjs\`, which fetches one or says what to install, ` +
        `or set ${variable} to one that runs`,
    );
  }
}
