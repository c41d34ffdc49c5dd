import type * as z from 'zod';

/** A name on the bus and the shape of what is said there. Values travel as JSON. */
export interface Subject<T> {
  readonly name: string;
  readonly schema: z.ZodType<T>;
}

/** A question that can be asked on the bus, and the shape of its answer. */
export interface Question<Q, A> extends Subject<Q> {
  readonly answer: z.ZodType<A>;
}

/** A message that is not JSON or not of its subject's shape. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
  readonly code = 'malformed-message';

  constructor(
    readonly subject: string,
    readonly expected: string,
  ) {
    super(`malformed message on ${subject}: ${expected}`);
  }
}

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true });

export function encodeMessage(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** @throws MalformedMessageError */
export function decodeMessage<T>(subject: string, schema: z.ZodType<T>, data: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(strictDecoder.decode(data));
  } catch {
    throw new MalformedMessageError(subject, 'expected JSON in UTF-8');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new MalformedMessageError(subject, `${issue?.path.join('.') || 'value'}: ${issue?.message}`);
}
