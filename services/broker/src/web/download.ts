import type { OpenFile } from '@holdfast/grid';
import { type Capability, formatCapability, parseCapability, verifyCapabilityOf } from '@holdfast/lafs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Arguments, flag, queryArguments } from './arguments.js';
import { clientGone } from './client-gone.js';
import type { WebContext } from './context.js';
import { entityTag, namesTag } from './entity-tag.js';
import { answerTo, RequestError } from './errors.js';
import { attachment, contentTypeOf } from './file-name.js';
import { type ByteRange, parseRange } from './range.js';
import { storedContent } from './security-headers.js';
import { send } from './send.js';

/** Answers GET and HEAD of a file (webapi.rst, "Reading a File", "Viewing/Downloading a File"). */
export async function answerFile(
  context: WebContext,
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
  pathName: string | undefined,
): Promise<unknown> {
  const given = queryArguments(request);
  const view = given('t') ?? '';
  if (view === 'json') return describe(reply, request, text);
  const capability = readable(text);
  if (view === 'uri' || view === 'readonly-uri') {
    return showText(reply, request, entityTag(capability, view), formatCapability(capability));
  }
  if (view !== '') throw new RequestError(400, 'unknown-view', `GET file: bad t=${view.slice(0, 100)}`);
  return sendFile(context, request, reply, capability, given, pathName);
}

type Readable = Exclude<Capability, { kind: 'CHK-Verifier' }>;

function readable(text: string): Readable {
  const capability = parseCapability(text);
  if (capability.kind !== 'CHK-Verifier') return capability;
  throw new RequestError(
    400,
    'not-readable',
    'a verify capability lets nobody read the file; only t=json can be asked of it',
  );
}

async function sendFile(
  context: WebContext,
  request: FastifyRequest,
  reply: FastifyReply,
  capability: Readable,
  given: Arguments,
  pathName: string | undefined,
): Promise<unknown> {
  const size = capability.kind === 'LIT' ? capability.data.length : capability.size;
  const tag = entityTag(capability);
  const name = given('filename') ?? pathName;
  const save = flag(given, 'save');
  const tagHeader = tag === undefined ? undefined : { etag: tag };
  if (namesTag(request.headers['if-none-match'], tag))
    return reply
      .code(304)
      .headers({ ...tagHeader })
      .send();

  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    const headers = { 'content-range': `bytes */${size}`, 'accept-ranges': 'bytes' };
    throw new RequestError(
      416,
      'range',
      `the file has ${size} bytes; the range asked for is not in it`,
      headers,
    );
  }
  const { start, end } = range === 'whole' ? { start: 0, end: size } : range;
  const contentType = contentTypeOf(name);
  const head = {
    'content-type': contentType,
    'content-length': end - start,
    'accept-ranges': 'bytes',
    ...tagHeader,
    ...storedContent(contentType),
    ...(range === 'whole' ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    ...(save ? { 'content-disposition': attachment(name) } : {}),
  };
  const status = range === 'whole' ? 200 : 206;
  if (request.method === 'HEAD') {
    reply.hijack();
    reply.raw.writeHead(status, head).end();
    return reply;
  }
  const signal = clientGone(reply.raw);
  const place = await context.downloads.take(1, signal);
  let file: OpenFile | undefined;
  try {
    // Shares are found before the status is sent, so that it can tell whether they were.
    file = await context.grid.open(capability, { signal });
    signal.throwIfAborted();
    reply.hijack();
    reply.raw.writeHead(status, head);
    await sendContent(context, request, reply, file, { start, end });
  } finally {
    file?.close();
    place.release();
  }
  return reply;
}

/** Sends the body. The status is sent already: a failure can only be told by cutting the connection, and logged. */
async function sendContent(
  { patience, logger }: WebContext,
  request: FastifyRequest,
  reply: FastifyReply,
  file: OpenFile,
  { start, end }: ByteRange,
): Promise<void> {
  const onBytes = (count: number) => {
    request.content.sent += count;
  };
  try {
    await send(reply.raw, file.read(start, end), { patience, onBytes });
  } catch (error) {
    request.failure = answerTo(error).code;
    logger.warn({ error: (error as Error).message }, 'a download broke off');
  }
}

/** The JSON description of a capability (webapi.rst, "Getting Information About a File Or Directory"). */
function describe(reply: FastifyReply, request: FastifyRequest, text: string): unknown {
  let capability: Capability;
  try {
    capability = parseCapability(text);
  } catch {
    // So says the peer of every text that it can make nothing of.
    return showText(reply, request, undefined, json(['unknown', {}]));
  }
  const size = capability.kind === 'LIT' ? capability.data.length : capability.size;
  const verify = capability.kind === 'CHK' ? verifyCapabilityOf(capability) : capability;
  return showText(
    reply,
    request,
    entityTag(capability, 'json'),
    json([
      'filenode',
      {
        mutable: false,
        format: 'CHK',
        size,
        ...(capability.kind === 'CHK-Verifier' ? {} : { ro_uri: formatCapability(capability) }),
        ...(verify.kind === 'LIT' ? {} : { verify_uri: formatCapability(verify) }),
      },
    ]),
  );
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}

function showText(
  reply: FastifyReply,
  request: FastifyRequest,
  tag: string | undefined,
  text: string,
): unknown {
  if (tag !== undefined) reply.header('etag', tag);
  if (namesTag(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.header('content-type', 'text/plain').send(text);
}
