import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { Grid, localCoding, ServerSet, TransferMemory } from '@holdfast/grid';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Repairers } from '../repairs/repairers.js';
import { buildWeb } from './server.js';

// A grid without a server: it stores and reads files of up to 55 bytes, which stand in their capability.
const hello = 'URI:LIT:nbswy3dp';
const chk =
  'URI:CHK:mj3q43xtjd2p4yycw32b4t3vsm:wp6peuuy2ooshhsaaubuy7bnwp2lvhtznalb3e4noxxd5jcz4hpq:3:10:100000';
const verify = chk.replace('CHK:mj3q43xtjd2p4yycw32b4t3vsm', 'CHK-Verifier:dukxpznysz7kif24tvd7icpl7u');

let web: FastifyInstance;
let servers: ServerSet;
/** How often the servers were looked at. */
let looks: number;

beforeEach(() => {
  const logger = silentLogger();
  const registry = createRegistry({});
  looks = 0;
  servers = new ServerSet({ leaseSecret: new Uint8Array(32), logger, registry });
  const encoding = { required: 3, happy: 7, total: 10, maximumSegmentSize: 2 ** 20 };
  const convergenceSecret = new Uint8Array(32);
  const memory = new TransferMemory(128 * 2 ** 20);
  web = buildWeb({
    listen: { host: '127.0.0.1', port: 0 },
    grid: new Grid({
      servers,
      encoding,
      convergenceSecret,
      spoolDir: '/nonexistent',
      memory,
      coding: localCoding,
      logger,
    }),
    status: () => ({
      nickname: '<i>x',
      grid: 'lab',
      encoding,
      introducers: [],
      gridManagers: [],
      servers: statuses(),
      refusedEdit: undefined,
    }),
    repairers: new Repairers(() => undefined, 'lab'),
    page: new Map(),
    limits: {
      upload_size: 1000,
      uploads: 4,
      downloads: 4,
      memory: memory.size,
      slowest: 1_000,
      patience: 60_000,
    },
    logger,
    registry,
  });
});
afterEach(async () => {
  await web.close();
  await servers.close();
});

function statuses() {
  looks++;
  return servers.statuses().map((server) => ({ ...server, sources: [server.source] }));
}

const get = (url: string, headers: Record<string, string> = {}) =>
  web.inject({ method: 'GET', url, headers });

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
  return web.inject({ method: 'POST', url, headers: { ...type, ...headers }, payload: text.join('') + end });
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

describe('GET of a file', () => {
  it.each([
    `/uri/${hello}`,
    `/uri/${encodeURIComponent(hello)}`,
    `/cap/${hello}`,
    `/file/${hello}/@@named=/hello.txt`,
    `/named/${hello}/hello.txt`,
    `/uri/${hello}?filename=hello.txt`,
  ])('answers at %s', async (url) => {
    const { statusCode, body, headers } = await get(url);
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: 'hello' });
    expect(headers).toMatchObject({
      'content-type': 'text/plain',
      'content-length': '5',
      'accept-ranges': 'bytes',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
    });
  });

  it('takes the type from the name, and the name for saving', async () => {
    const { headers } = await get(`/file/${hello}/@@named=/a%2Fb.png?save=TRUE`);
    expect(headers['content-type']).toBe('image/png');
    expect(headers['content-disposition']).toBe('attachment; filename="a/b.png"');
  });

  it('keeps stored pages from acting as the gateway', async () => {
    const { headers } = await get(`/uri/${hello}?filename=a.svg`);
    expect(headers['content-security-policy']).toMatch(/^sandbox /);
    expect(headers['content-security-policy']).not.toContain('allow-same-origin');
  });

  it('gives a range', async () => {
    const { statusCode, body, headers } = await get(`/uri/${hello}`, { range: 'bytes=1-2' });
    expect({ statusCode, body }).toEqual({ statusCode: 206, body: 'el' });
    expect(headers['content-range']).toBe('bytes 1-2/5');
  });

  it('refuses a range that is not in the file', async () => {
    const { statusCode, headers } = await get(`/uri/${hello}`, { range: 'bytes=5-' });
    expect({ statusCode, range: headers['content-range'] }).toEqual({ statusCode: 416, range: 'bytes */5' });
  });

  it('knows an unchanged file by its tag, before it looks for a share', async () => {
    const { statusCode, headers } = await get(`/uri/${chk}`, {
      'if-none-match': 'dukxpznysz7kif24tvd7icpl7u-',
    });
    expect({ statusCode, tag: headers['etag'] }).toEqual({
      statusCode: 304,
      tag: 'dukxpznysz7kif24tvd7icpl7u-',
    });
  });

  it('answers HEAD from the capability alone, as the peer does', async () => {
    const { statusCode, headers, body } = await web.inject({ method: 'HEAD', url: `/uri/${chk}` });
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: '' });
    expect(headers['content-length']).toBe('100000');
  });

  it('says 410 where no share is found, and names no capability', async () => {
    const { statusCode, body, headers } = await get(`/uri/${chk}`);
    expect(statusCode).toBe(410);
    expect(headers['content-type']).toBe('text/plain;charset=utf-8');
    expect(body).toMatch(/^NoSharesError: /);
    expect(body).not.toContain('mj3q43xtjd2p4yycw32b4t3vsm');
  });

  it.each([
    '/uri/junk',
    '/uri/URI:CHK:junk',
    '/uri/URI:FOO:junk',
    `/uri/${verify}`,
    `/uri/%20${hello}`,
    '/uri/%ff',
    `/uri/${hello}/child`,
    `/uri/${hello}?t=bogus`,
    `/uri/${hello}?save=perhaps`,
    '/file/junk/name',
    '/uri',
    '/uri?uri=',
    '/uri?uri=junk',
    '/?t=bogus',
  ])('answers 400 to %s', async (url) => {
    const { statusCode, headers } = await get(url);
    expect(statusCode).toBe(400);
    expect(headers['content-type']).toBe('text/plain;charset=utf-8');
  });

  it('leads from a pasted capability to its file', async () => {
    const pasted = encodeURIComponent(` ${hello}\r\n`);
    const { statusCode, headers } = await get(`/uri?uri=${pasted}&filename=a%20b.txt&save=true`);
    expect(statusCode).toBe(302);
    expect(headers['location']).toBe('/uri/URI%3ALIT%3Anbswy3dp?filename=a+b.txt&save=true');
  });
});

describe('what is told of a capability', () => {
  it('is the same JSON as the peer tells', async () => {
    const { body, headers } = await get(`/uri/${chk}?t=json`);
    expect(headers['etag']).toBe('dukxpznysz7kif24tvd7icpl7u-json');
    expect(JSON.parse(body)).toEqual([
      'filenode',
      { mutable: false, format: 'CHK', size: 100_000, ro_uri: chk, verify_uri: verify },
    ]);
    expect(JSON.parse((await get(`/uri/${hello}?t=json`)).body)).toEqual([
      'filenode',
      { mutable: false, format: 'CHK', size: 5, ro_uri: hello },
    ]);
    expect(JSON.parse((await get('/uri/URI:FOO:junk?t=json')).body)).toEqual(['unknown', {}]);
  });

  it('holds the read capability only for who has it', async () => {
    expect(JSON.parse((await get(`/uri/${verify}?t=json`)).body)).toEqual([
      'filenode',
      { mutable: false, format: 'CHK', size: 100_000, verify_uri: verify },
    ]);
  });

  it.each(['uri', 'readonly-uri'])('is itself with t=%s', async (view) => {
    expect((await get(`/uri/${chk}?t=${view}`)).body).toBe(chk);
  });
});

describe('PUT /uri', () => {
  const put = (payload: string, query = '', headers = {}) =>
    web.inject({ method: 'PUT', url: `/uri${query}`, payload, headers });

  it.each(['', '?format=chk', '?format=CHK', '?mutable=false', '?t='])('stores with %j', async (query) => {
    const { statusCode, body } = await put('hello', query);
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: hello });
  });

  it('takes a body of any type, and of none', async () => {
    for (const type of ['application/json', 'text/plain', 'multipart/form-data', 'no type at all'])
      expect((await put('hello', '', { 'content-type': type })).body).toBe(hello);
    expect((await put('')).body).toBe('URI:LIT:');
  });

  it.each([
    ['?format=sdmf', 501],
    ['?format=MDMF', 501],
    ['?mutable=true', 501],
    ['?t=mkdir', 501],
    ['?format=bogus', 400],
    ['?t=upload', 400],
    ['?mutable=perhaps', 400],
  ])('refuses %s with %d', async (query, status) => {
    expect((await put('hello', query)).statusCode).toBe(status);
  });

  it('refuses what is too large', async () => {
    expect((await put('x'.repeat(1001))).statusCode).toBe(413);
  });

  it("says 500 in the peer's words where there is no server", async () => {
    const { statusCode, body } = await put('x'.repeat(100));
    expect(statusCode).toBe(500);
    expect(body).toMatch(/^NoServersError: client gave us zero servers$/m);
  });
});

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
    const { statusCode } = await web.inject({ method: 'POST', url: '/uri', headers, payload });
    expect(statusCode).toBe(413);
    expect(await fewestTimers()).toBe(before);
    payload.end();
  });
});

describe('POST of a file with t=check', () => {
  const check = (capability: string, query = '', path = '/uri') =>
    web.inject({ method: 'POST', url: `${path}/${capability}?t=check${query}` });

  it.each(['', '&verify=true', '&repair=true', '&add-lease=true'])(
    'says of a literal no more than that it is healthy%s',
    async (query) => {
      const { statusCode, body, headers } = await check(hello, `&output=JSON${query}`);
      expect(statusCode).toBe(200);
      expect(headers['content-type']).toBe('text/plain');
      expect(JSON.parse(body)).toEqual({ 'storage-index': '', results: { healthy: true } });
    },
  );

  it.each([
    ['a read capability', chk, '/uri'],
    ['a verify capability', verify, '/uri'],
    ['a named file', `${chk}/x.txt`, '/file'],
  ])('tells in JSON of %s what was found, here nothing', async (_what, capability, path) => {
    const { statusCode, body } = await check(capability, '&output=json', path);
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      'storage-index': 'dukxpznysz7kif24tvd7icpl7u',
      summary: 'Not Healthy: 0 shares (enc 3-of-10)',
      results: {
        'count-happiness': 0,
        'count-shares-good': 0,
        'count-shares-needed': 3,
        'count-shares-expected': 10,
        'count-good-share-hosts': 0,
        'count-corrupt-shares': 0,
        'list-corrupt-shares': [],
        'servers-responding': [],
        sharemap: {},
        'count-wrong-shares': 0,
        'count-recoverable-versions': 0,
        'count-unrecoverable-versions': 1,
        healthy: false,
        recoverable: false,
      },
    });
  });

  it('shows a page without output=JSON, and not the capability in it', async () => {
    const { statusCode, body, headers } = await check(verify);
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toContain('Not Healthy: 0 shares (enc 3-of-10)');
    expect(body).not.toContain('wp6peuuy2ooshhsaaubuy7bnwp2lvhtznalb3e4noxxd5jcz4hpq');
  });

  it('calls servers by their names on a page, which takes one look at them however many they are', async () => {
    for (const id of ['v0-a', 'v0-b', 'v0-c'])
      servers.set({ id, nickname: `server ${id.slice(3)}`, nurls: [], furl: '', source: 'connections.yaml' });
    const { body } = await check(verify);
    for (const name of ['server a', 'server b', 'server c']) expect(body).toContain(`no answer: ${name}: `);
    expect(looks).toBe(1);
    await check(verify, '&output=JSON');
    expect(looks).toBe(1);
  });

  it('cannot repair a file without shares', async () => {
    const { statusCode, body } = await check(chk, '&repair=true&output=JSON');
    expect(statusCode).toBe(410);
    expect(body).toMatch(/^NoSharesError: /);
  });

  it.each([
    ['output', '&output=xml'],
    ['verify', '&verify=perhaps'],
    ['repair', '&repair=2'],
  ])('refuses an unknown value of %s', async (name, query) => {
    const { statusCode, body } = await check(hello, query);
    expect(statusCode).toBe(400);
    expect(body).toContain(`${name}: expected`);
  });

  it.each([
    ['without repair=true', '&queue=true', 'queue=true: expected repair=true with it'],
    [
      'with add-lease=true',
      '&repair=true&queue=true&add-lease=true',
      'queue=true: expected no add-lease=true',
    ],
  ])('queues nothing %s, which is not done then', async (_what, query, why) => {
    const { statusCode, body } = await check(chk, query);
    expect(statusCode).toBe(400);
    expect(body).toContain(why);
  });

  it('refuses what is no capability, and any other operation', async () => {
    expect((await check('URI:NONSENSE')).statusCode).toBe(400);
    const other = await web.inject({ method: 'POST', url: `/uri/${hello}?t=upload` });
    expect([other.statusCode, other.body]).toEqual([400, 'POST to file: bad t=upload\n']);
  });
});

describe('everything else', () => {
  it.each([
    ['DELETE', '/uri', 'GET, HEAD, PUT, POST'],
    ['PUT', `/uri/${hello}`, 'GET, HEAD, POST'],
    ['DELETE', `/file/${hello}/x`, 'GET, HEAD, POST'],
    ['PUT', '/', 'GET, HEAD'],
  ] as const)('does not do %s %s', async (method, url, allow) => {
    const { statusCode, headers } = await web.inject({ method, url });
    expect({ statusCode, allow: headers['allow'] }).toEqual({ statusCode: 405, allow });
  });

  it('says where there is nothing', async () => {
    expect((await get('/nothing')).statusCode).toBe(404);
  });

  it('shows a page that runs nothing but its own', async () => {
    const { headers, body } = await get('/');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(body).not.toContain('<i>');
    expect(body).toContain('&#60;i&#62;x');
    expect(body.match(/<\/script>/g)).toHaveLength(2);
  });
});

describe('a gateway without a bus of the grid', () => {
  it('says that it cannot ask repairers', async () => {
    const queued = await web.inject({ method: 'POST', url: `/uri/${chk}?t=check&repair=true&queue=true` });
    for (const answer of [queued, await get('/repairs')]) {
      expect(answer.statusCode).toBe(501);
      expect(answer.body).toContain('this gateway cannot ask repairers');
    }
  });
});
