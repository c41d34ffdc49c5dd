import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { hello, serverlessWeb } from '../testing/serverless-web.js';

const gateway = serverlessWeb();

interface Part {
  readonly name: string;
  readonly value: string;
  readonly filename?: string;
}

function post(parts: readonly Part[], { url = '/uri', headers = {}, end = '--b--\r\n' } = {}) {
  const text = parts.map(({ name, value, filename }) => {
    const disposition = `form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}`;
    return `--b\r\nContent-Disposition: ${disposition}\r\n\r\n${value}\r\n`;
  });
  const type = { 'content-type': 'multipart/form-data; boundary=b' };
  return gateway.web.inject({
    method: 'POST',
    url,
    headers: { ...type, ...headers },
    payload: text.join('') + end,
  });
}

/** How many timers keep this process alive, without those of others that come and go. */
async function fewestTimers(): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (const end = performance.now() + 200; performance.now() < end; await setImmediate()) {
    const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout');
    fewest = Math.min(fewest, timers.length);
  }
  return fewest;
}

const file = { name: 'file', value: 'hello', filename: 'hello.txt' };

describe('POST /uri', () => {
  it('stores the file of a form, whatever stands around it', async () => {
    const operation = { name: 't', value: 'upload' };
    const other = { name: 'other', value: 'not this', filename: 'x' };
    for (const parts of [[file], [operation, file], [file, operation], [other, file, other]])
      expect((await post(parts)).body).toBe(`${hello}\n`);
    expect((await post([file], { url: '/uri?t=upload' })).body).toBe(`${hello}\n`);
  });

  it('takes a plain field for a file, as the peer does', async () => {
    expect((await post([{ name: 'file', value: 'hello' }])).body).toBe(`${hello}\n`);
  });

  it('passes over fields that mean nothing here, however long they are', async () => {
    const long = { name: 'comment', value: 'x'.repeat(2 ** 21) };
    expect((await post([long, file, long])).body).toBe(`${hello}\n`);
  });

  it('says which field is too long', async () => {
    const { body } = await post([{ name: 'when_done', value: 'é'.repeat(3_000) }, file]);
    expect(body).toBe('malformed form: expected at most 4096 bytes in the field "when_done"\n');
  });

  it('shows a browser a page', async () => {
    const named = { ...file, filename: '<b>.txt' };
    const { body, headers } = await post([named], { headers: { accept: 'text/html,*/*' } });
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toContain(hello);
    expect(body).not.toContain('<b>');
  });

  it('leads on to when_done', async () => {
    const whenDone = { name: 'when_done', value: '/next?cap=%(uri)s&é\r\nX: y' };
    const { statusCode, headers } = await post([file, whenDone]);
    expect(statusCode).toBe(302);
    expect(headers['location']).toBe('/next?cap=URI%3ALIT%3Anbswy3dp&%C3%A9%0D%0AX:%20y');
  });

  it.each([
    ['no file', [{ name: 't', value: 'upload' }], {}],
    ['two files', [file, file], {}],
    ['another operation', [{ name: 't', value: 'bogus' }, file], {}],
    ['an unknown format after the file', [file, { name: 'format', value: 'bogus' }], {}],
    ['an end in the middle', [file], { end: '' }],
    ['no boundary', [file], { headers: { 'content-type': 'multipart/form-data' } }],
    ['another type', [file], { headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    ['bytes in a plain field that are not text', [{ name: 'file', value: '\ufffd' }], {}],
    ['a long field that says what to do', [file, { name: 'when_done', value: 'x'.repeat(4_097) }], {}],
    ['a plain field for a long file', [{ name: 'file', value: 'x'.repeat(65_537) }], {}],
    ['too many fields', Array.from({ length: 40 }, (_, n) => ({ name: `n${n}`, value: 'x' })), {}],
  ])('refuses a form with %s', async (_what, parts, options) => {
    expect((await post(parts, options)).statusCode).toBe(400);
  });

  it('refuses a file that is too large', async () => {
    expect((await post([{ ...file, value: 'x'.repeat(1001) }])).statusCode).toBe(413);
  });

  it('waits for nobody any more once a form was refused in the middle of its file', async () => {
    const before = await fewestTimers();
    const payload = new PassThrough();
    payload.write('--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n');
    payload.write('x'.repeat(2_000));
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const { statusCode } = await gateway.web.inject({ method: 'POST', url: '/uri', headers, payload });
    expect(statusCode).toBe(413);
    expect(await fewestTimers()).toBe(before);
    payload.end();
  });
});
