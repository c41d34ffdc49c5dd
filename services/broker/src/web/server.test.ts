import { describe, expect, it } from 'vitest';
import { chk, hello, serverlessWeb, verify } from '../testing/serverless-web.js';

const gateway = serverlessWeb();

const get = (url: string, headers: Record<string, string> = {}) =>
  gateway.web.inject({ method: 'GET', url, headers });

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
    const { statusCode, headers, body } = await gateway.web.inject({ method: 'HEAD', url: `/uri/${chk}` });
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
    gateway.web.inject({ method: 'PUT', url: `/uri${query}`, payload, headers });

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

describe('everything else', () => {
  it.each([
    ['DELETE', '/uri', 'GET, HEAD, PUT, POST'],
    ['PUT', `/uri/${hello}`, 'GET, HEAD, POST'],
    ['DELETE', `/file/${hello}/x`, 'GET, HEAD, POST'],
    ['PUT', '/', 'GET, HEAD'],
  ] as const)('does not do %s %s', async (method, url, allow) => {
    const { statusCode, headers } = await gateway.web.inject({ method, url });
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
    const queued = await gateway.web.inject({
      method: 'POST',
      url: `/uri/${chk}?t=check&repair=true&queue=true`,
    });
    for (const answer of [queued, await get('/repairs')]) {
      expect(answer.statusCode).toBe(501);
      expect(answer.body).toContain('this gateway cannot ask repairers');
    }
  });
});
