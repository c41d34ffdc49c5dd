import { describe, expect, it } from 'vitest';
import { chk, hello, serverlessWeb, verify } from '../testing/serverless-web.js';

const gateway = serverlessWeb();

describe('POST of a file with t=check', () => {
  const check = (capability: string, query = '', path = '/uri') =>
    gateway.web.inject({ method: 'POST', url: `${path}/${capability}?t=check${query}` });

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
      gateway.servers.set({
        id,
        nickname: `server ${id.slice(3)}`,
        nurls: [],
        furl: '',
        source: 'connections.yaml',
      });
    const { body } = await check(verify);
    for (const name of ['server a', 'server b', 'server c']) expect(body).toContain(`no answer: ${name}: `);
    expect(gateway.looks).toBe(1);
    await check(verify, '&output=JSON');
    expect(gateway.looks).toBe(1);
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
    const other = await gateway.web.inject({ method: 'POST', url: `/uri/${hello}?t=upload` });
    expect([other.statusCode, other.body]).toEqual([400, 'POST to file: bad t=upload\n']);
  });
});
