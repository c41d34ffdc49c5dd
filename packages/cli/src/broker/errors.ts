/** What went wrong between us and a broker. */
export type BrokerErrorCode = 'unreachable' | 'refused' | 'broken-off';

/** A broker did not do what it was asked; the message is one line. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';

  constructor(
    readonly code: BrokerErrorCode,
    message: string,
    /** The HTTP status, where there was an answer. */
    readonly httpStatus?: number,
  ) {
    super(message);
  }

  /** From what the HTTP client threw. */
  static fromTransport(broker: string, error: unknown): BrokerError {
    if (error instanceof BrokerError) return error;
    const { code, message } = error as NodeJS.ErrnoException;
    const unreachable = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'];
    return code !== undefined && unreachable.includes(code)
      ? new BrokerError('unreachable', `no broker answers at ${broker} (${code})`)
      : new BrokerError('broken-off', `the broker at ${broker} broke off: ${message || code}`);
  }

  /** From an answer that is not a success; its first line says why. */
  static fromAnswer(status: number, text: string): BrokerError {
    const reason = text
      .replace(/<[^>]*>/g, ' ')
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line !== '');
    return new BrokerError(
      'refused',
      `the broker answered ${status}${reason ? `: ${reason.slice(0, 500)}` : ''}`,
      status,
    );
  }
}
