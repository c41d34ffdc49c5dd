import { UnexpectedMessageError } from './errors.js';

/** Reads the fields of one decoded message; every complaint names the message and the field. */
export class MessageFields {
  readonly #kind: string;
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #path: string;

  /**
   * @param kind what the message is called in errors
   * @param value decoded CBOR; byte-string keys count as their text
   * @throws UnexpectedMessageError where `value` is not a map
   */
  constructor(kind: string, value: unknown, path = '') {
    this.#kind = kind;
    this.#path = path;
    if (!(value instanceof Map)) throw new UnexpectedMessageError(kind, path, 'a map');
    const fields = new Map<string, unknown>();
    for (const [key, item] of value as Map<unknown, unknown>) {
      const name = key instanceof Uint8Array ? Buffer.from(key).toString('latin1') : key;
      if (typeof name !== 'string') throw new UnexpectedMessageError(kind, path, 'text keys only');
      if (fields.has(name)) throw new UnexpectedMessageError(kind, this.#at(name), 'each key once');
      fields.set(name, item);
    }
    this.#fields = fields;
  }

  /** @throws UnexpectedMessageError where there are other fields than `names` */
  only(...names: string[]): this {
    for (const name of this.#fields.keys()) {
      if (!names.includes(name))
        throw new UnexpectedMessageError(this.#kind, this.#path, `only ${names.join(', ')}`);
    }
    return this;
  }

  /** An unsigned integer as `bigint`, whatever its size. */
  unsigned(name: string): bigint {
    const value = this.#fields.get(name);
    if (typeof value === 'bigint' && value >= 0n) return value;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return BigInt(value);
    throw new UnexpectedMessageError(this.#kind, this.#at(name), 'an unsigned integer');
  }

  /** A byte string. */
  bytes(name: string): Uint8Array {
    const value = this.#fields.get(name);
    if (value instanceof Uint8Array) return value;
    throw new UnexpectedMessageError(this.#kind, this.#at(name), 'a byte string');
  }

  /** Text of `least` to `most` bytes of UTF-8. */
  text(name: string, least: number, most: number): string {
    const value = this.#fields.get(name);
    if (typeof value === 'string') {
      const size = Buffer.byteLength(value);
      if (size >= least && size <= most) return value;
    }
    throw new UnexpectedMessageError(this.#kind, this.#at(name), `text of ${least} to ${most} bytes`);
  }

  /** An unsigned integer of any size, or null; a field that is not there is neither. */
  unsignedOrNull(name: string): bigint | null {
    if (this.#fields.get(name) === null) return null;
    try {
      return this.unsigned(name);
    } catch {
      throw new UnexpectedMessageError(this.#kind, this.#at(name), 'an unsigned integer or null');
    }
  }

  /** A truth value. */
  boolean(name: string): boolean {
    const value = this.#fields.get(name);
    if (typeof value === 'boolean') return value;
    throw new UnexpectedMessageError(this.#kind, this.#at(name), 'true or false');
  }

  /** An array of at most `most` items, as they are. */
  array(name: string, most = Number.POSITIVE_INFINITY): readonly unknown[] {
    const value = this.#fields.get(name);
    if (Array.isArray(value) && value.length <= most) return value;
    const expected = most === Number.POSITIVE_INFINITY ? 'an array' : `an array of at most ${most}`;
    throw new UnexpectedMessageError(this.#kind, this.#at(name), expected);
  }

  /** An array of at most `most` maps. */
  maps(name: string, most?: number): MessageFields[] {
    return this.array(name, most).map(
      (item, index) => new MessageFields(this.#kind, item, `${this.#at(name)}.${index}`),
    );
  }

  /** A map from at most 256 share numbers to what `read` makes of each value. */
  byShareNumber<Value>(name: string, read: (value: unknown, path: string) => Value): Map<number, Value> {
    const value = this.#fields.get(name);
    if (value instanceof Map && value.size <= maximumShareNumbers) {
      const entries = [...(value as ReadonlyMap<unknown, unknown>)];
      if (entries.every((entry): entry is [number, unknown] => isShareNumber(entry[0]))) {
        return new Map(entries.map(([number, item]) => [number, read(item, `${this.#at(name)}.${number}`)]));
      }
    }
    throw new UnexpectedMessageError(
      this.#kind,
      this.#at(name),
      `a map from at most ${maximumShareNumbers} share numbers`,
    );
  }

  /** A map within this one. */
  fields(name: string): MessageFields {
    return new MessageFields(this.#kind, this.#fields.get(name), this.#at(name));
  }

  /** A set of share numbers. */
  shareNumbers(name: string): ReadonlySet<number> {
    return shareNumberSet(this.#kind, this.#at(name), this.#fields.get(name));
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

/** Most members of a set of share numbers. */
export const maximumShareNumbers = 256;

/** Highest share number that a server keeps; the codes of the formats end at 255. */
export const maximumShareNumber = 2 ** 31 - 1;

/** @throws UnexpectedMessageError where `value` is no set of at most 256 share numbers */
export function shareNumberSet(kind: string, field: string, value: unknown): ReadonlySet<number> {
  if (value instanceof Set && value.size <= maximumShareNumbers) {
    let good = true;
    for (const number of value) good &&= isShareNumber(number);
    if (good) return value as ReadonlySet<number>;
  }
  throw new UnexpectedMessageError(
    kind,
    field,
    `a set (tag 258) of at most ${maximumShareNumbers} share numbers`,
  );
}

function isShareNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maximumShareNumber;
}
