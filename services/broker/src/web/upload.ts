import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Arguments, flag, queryArguments } from './arguments.js';
import type { WebContext } from './context.js';
import { RequestError } from './errors.js';
import { receiveForm } from './form.js';
import { receive, tooLarge } from './receive.js';
import { uploadedPage } from './uploaded-page.js';

/** `PUT /uri`: stores the body and answers its capability (webapi.rst, "Writing/Uploading a File"). */
export async function answerPut(
  context: WebContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const given = queryArguments(request);
  refuseOperation(given, '');
  refuseFormat(given);
  refuseLength(context, request, 0);
  const signal = context.senders.follow(request.raw, reply.raw);
  const capability = await store(context, request, signal, request.raw);
  return reply.header('content-type', 'text/plain').send(capability);
}

/** Multipart framing around a file: boundaries, part headers, other fields. */
const mostFraming = 2 ** 22;

/** The fields of a form that say what is to be done with its file. */
const fieldsRead: ReadonlySet<string> = new Set(['t', 'format', 'mutable', 'when_done']);

/** `POST /uri?t=upload`: stores the field `file` of a form (webapi.rst, "Uploading a File"). */
export async function answerPost(
  context: WebContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const query = queryArguments(request);
  refuseOperation(query, 'upload');
  refuseFormat(query);
  refuseLength(context, request, mostFraming);
  const signal = context.senders.follow(request.raw, reply.raw);
  const take = (content: Readable | Uint8Array) => store(context, request, signal, content);
  const { fields, file } = await receiveForm(request.raw, take, {
    fields: fieldsRead,
    patience: context.patience,
    signal,
  });
  const given: Arguments = (name) => query(name) ?? fields.get(name);
  // Fields may come after the file; what they forbid is not answered with a capability.
  refuseOperation(given, 'upload');
  refuseFormat(given);
  if (!file) throw new RequestError(400, 'no-file', 'expected the file in the field "file" of the form');

  const capability = file.taken;
  const next = given('when_done');
  if (next !== undefined) return reply.redirect(location(next, capability), 302);
  if (!acceptsHtml(request)) return reply.header('content-type', 'text/plain').send(`${capability}\n`);
  return uploadedPage(reply, capability, file.name);
}

async function store(
  { grid, uploads, mostUploaded: most, patience }: WebContext,
  request: FastifyRequest,
  signal: AbortSignal,
  content: Readable | Uint8Array,
): Promise<string> {
  const onBytes = (count: number) => {
    request.content.received += count;
  };
  const place = await uploads.take(1, signal);
  const atMost = Number(request.headers['content-length'] ?? most);
  try {
    const source =
      content instanceof Uint8Array
        ? once(content, onBytes)
        : receive(content, { most, patience, signal, onBytes });
    return await grid.upload(source, { signal, atMost });
  } finally {
    place.release();
  }
}

async function* once(content: Uint8Array, onBytes: (count: number) => void): AsyncGenerator<Uint8Array> {
  onBytes(content.length);
  yield content;
}

function refuseOperation(given: Arguments, expected: string): void {
  const operation = given('t') ?? '';
  if (operation === expected || operation === '') return;
  if (operation === 'mkdir') throw notYet('directories');
  throw new RequestError(400, 'unknown-operation', '/uri accepts only PUT, and POST?t=upload');
}

function refuseFormat(given: Arguments): void {
  const format = given('format');
  const wanted = format?.toUpperCase();
  if (wanted === 'SDMF' || wanted === 'MDMF' || (wanted === undefined && flag(given, 'mutable')))
    throw notYet('mutable files');
  if (wanted !== undefined && wanted !== 'CHK')
    throw new RequestError(400, 'unknown-format', `Unknown format: ${format?.slice(0, 100)}, I know CHK`);
}

function notYet(what: string): RequestError {
  return new RequestError(
    501,
    'not-supported',
    `this gateway does not make ${what} yet, only immutable files`,
  );
}

/** Refuses at once a body that says it is too large. */
function refuseLength({ mostUploaded }: WebContext, request: FastifyRequest, framing: number): void {
  if (Number(request.headers['content-length'] ?? 0) > mostUploaded + framing) throw tooLarge(mostUploaded);
}

function acceptsHtml(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/html') ?? false;
}

/** The place to go to after an upload; `%(uri)s` in it stands for the capability. */
function location(whenDone: string, capability: string): string {
  const target = whenDone.replaceAll('%(uri)s', encodeURIComponent(capability));
  // Only what a header may hold; the rest would have to be percent-encoded in a URL anyway.
  return target.replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}
