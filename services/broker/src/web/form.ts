import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { RequestError } from './errors.js';
import { silentClient } from './receive.js';

/** How a form is received. */
export interface FormOptions {
  /** The names of the fields that are kept; any other is passed over. */
  readonly fields: ReadonlySet<string>;
  /** Milliseconds that the client may be silent outside the file; inside it is for `take` to say. */
  readonly patience: number;
  /** Gives the form up. */
  readonly signal: AbortSignal;
}

/** A form that was sent: those of its fields that are kept, and what became of its file. */
export interface ReceivedForm<T> {
  readonly fields: ReadonlyMap<string, string>;
  /** Undefined where the form had no field `file`. */
  readonly file: { readonly name: string | undefined; readonly taken: T } | undefined;
}

/** Most bytes of a field that is kept: nobody reckons the memory of fields, and there may be many forms at a time. */
const mostOfField = 4 * 1024;
/** Most bytes of a file that is sent as a plain field, which the parser gathers before any memory is reserved for it. */
const mostOfPlainFile = 64 * 1024;

const limits = {
  fields: 32,
  fieldNameSize: 100,
  fieldSize: mostOfPlainFile,
  parts: 64,
  files: 8,
  headerPairs: 32,
};

/**
 * Reads a `multipart/form-data` body (RFC 7578; webapi.rst, "Uploading a File"). The content of the field `file` goes
 * to `take` while it arrives; fields may stand before it or after it. As with the peer, `file` may also be a plain
 * field; other files are passed over.
 *
 * @throws RequestError 400 for a body that is not such a form, or has a field that is too long, 408 where the client
 *   falls silent, what `take` throws, or the signal's reason
 */
export async function receiveForm<T>(
  request: IncomingMessage,
  take: (content: Readable | Uint8Array) => Promise<T>,
  options: FormOptions,
): Promise<ReceivedForm<T>> {
  const fields = new Map<string, string>();
  let file: { name: string | undefined; taken: Promise<T> } | undefined;
  const { signal } = options;
  let giveUp: () => void = () => undefined;
  const parser = openParser(request);
  const silence = new SilenceWatch(request, options.patience);
  try {
    await new Promise<void>((resolve, reject) => {
      silence.begin(reject);
      giveUp = () => reject(signal.reason);
      signal.addEventListener('abort', giveUp);
      const takeOnce = (name: string | undefined, content: Readable | Uint8Array) => {
        if (file) throw malformed('expected one field "file", found a second');
        file = { name, taken: take(content) };
        file.taken.catch(reject);
      };
      parser.on('file', (field, content, { filename }) => {
        // An end in the middle is reported by the parser itself.
        content.on('error', () => undefined);
        if (field !== 'file' || file) content.resume();
        if (field !== 'file') return;
        silence.pause();
        content.once('close', () => silence.resume());
        attempt(() => takeOnce(filename, content), reject);
      });
      parser.on('field', (field, value, { valueTruncated }) => {
        if (field === 'file') attempt(() => takeOnce(undefined, exactBytes(value, valueTruncated)), reject);
        else if (options.fields.has(field)) attempt(() => fields.set(field, short(field, value)), reject);
      });
      for (const limit of ['fieldsLimit', 'filesLimit', 'partsLimit'] as const)
        parser.on(limit, () => reject(malformed('too many fields')));
      parser.on('error', (error: Error) => reject(malformed(error.message)));
      parser.on('close', resolve);
      request.once('error', reject);
      request.pipe(parser);
    });
    const taken = await file?.taken;
    return { fields, file: file && { name: file.name, taken: taken as T } };
  } catch (error) {
    request.unpipe(parser);
    parser.destroy(error as Error);
    throw error;
  } finally {
    silence.end();
    signal.removeEventListener('abort', giveUp);
  }
}

/** Gives a client up that sends nothing for too long, while it is for the client to send. */
class SilenceWatch {
  readonly #request: IncomingMessage;
  readonly #patience: number;
  readonly #heard = () => this.#timer?.refresh();
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #giveUp: (error: RequestError) => void = () => undefined;

  constructor(request: IncomingMessage, patience: number) {
    this.#request = request;
    this.#patience = patience;
  }

  begin(giveUp: (error: RequestError) => void): void {
    this.#giveUp = giveUp;
    this.#request.on('data', this.#heard);
    this.resume();
  }

  /** While a file is passed on it is the grid that may be slow. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  resume(): void {
    this.pause();
    // A file that is broken off is closed only after the form was given up.
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.#giveUp(silentClient()), this.#patience);
  }

  end(): void {
    this.#ended = true;
    this.pause();
    this.#request.off('data', this.#heard);
  }
}

function openParser(request: IncomingMessage): busboy.Busboy {
  if (!/^multipart\/form-data\b/i.test(request.headers['content-type'] ?? ''))
    throw malformed('expected a body of the type multipart/form-data');
  try {
    return busboy({ headers: request.headers, limits, defParamCharset: 'utf8' });
  } catch (error) {
    throw malformed((error as Error).message);
  }
}

function short(field: string, value: string): string {
  if (Buffer.byteLength(value) <= mostOfField) return value;
  throw malformed(`expected at most ${mostOfField} bytes in the field "${field}"`);
}

/** A plain field's bytes. The parser gives them as text, which must not have lost any of them. */
function exactBytes(value: string, truncated: boolean): Uint8Array {
  if (truncated)
    throw malformed(`expected at most ${mostOfPlainFile} bytes in the plain field "file"; send it as a file`);
  if (value.includes('\ufffd'))
    throw malformed('expected UTF-8 in the plain field "file"; send it as a file');
  return Buffer.from(value, 'utf8');
}

function attempt(work: () => void, reject: (error: unknown) => void): void {
  try {
    work();
  } catch (error) {
    reject(error);
  }
}

function malformed(expected: string): RequestError {
  return new RequestError(400, 'malformed-form', `malformed form: ${expected}`);
}
