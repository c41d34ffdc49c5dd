import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const logging = new URL('../../dist/logging/index.js', import.meta.url).href;

const key = 'ueu57y6fyldz3q4ofhxgzgvzmq';
const hash = 'aeitwfq4zgnlkucspcdzxzzgrjbe6pgfpv5k2qj7ck3lxoxnwvqa';
const capability = `URI:CHK:${key}:${hash}:3:10:1000`;
const swissnum = 'tntgmkbpxgxywrpexvw3ulasbw';
const nurl = `pb://${'A'.repeat(43)}@127.0.0.1:7201/${swissnum}#v=1`;
const password = 'hunter2hunter2';
const leaseSecret = Buffer.alloc(32, 'lease').toString('base64');
const authorization = Buffer.from(swissnum).toString('base64');
const pem = `-----BEGIN PRIVATE KEY-----\n${'MIGHAgEAMBMG'.repeat(4)}\n-----END PRIVATE KEY-----\n`;

const secrets = [key, hash, swissnum, password, leaseSecret, authorization, 'MIGHAgEAMBMG'];

/** What a process writes that logs so, line by line. */
async function logged(statements: string): Promise<{ text: string; lines: Record<string, unknown>[] }> {
  const values = JSON.stringify({ capability, nurl, password, leaseSecret, authorization, pem, hash });
  const program = `
    import { createLogger } from ${JSON.stringify(logging)};
    const logger = createLogger({ service: 'test', nickname: 'n1', level: 'debug' });
    const { capability, nurl, password, leaseSecret, authorization, pem, hash } = ${values};
    ${statements}
  `;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program]);
  expect(stderr).toBe('');
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { text: stdout, lines: lines.map((line) => JSON.parse(line)) };
}

describe('what a process logs', () => {
  it('is one JSON line for each event, with service, nickname, level and time', async () => {
    const { lines } = await logged(`
      logger.info({ shares: 3 }, 'first\\nof two');
      logger.child({ part: 'web' }).warn('second');
      logger.trace('below the level');
    `);
    const common = { service: 'test', nickname: 'n1', time: expect.stringMatching(/^\d{4}-.*Z$/) };
    expect(lines).toEqual([
      { ...common, level: 'info', shares: 3, msg: 'first\nof two' },
      { ...common, level: 'warn', part: 'web', msg: 'second' },
    ]);
  });

  it.each([
    ['messages', `logger.info('opened ' + capability + ' at ' + nurl); logger.info('%s', pem);`],
    [
      'fields',
      `logger.info({ capability, nurl, pem, postgres: 'postgres://me:' + password + '@db/grid' }, 'x');`,
    ],
    [
      'nested fields and arrays',
      `logger.info({ request: { uris: [capability], headers: { authorization: 'Tahoe-LAFS ' + authorization,
        'x-tahoe-authorization': ['lease-renew-secret ' + leaseSecret, 'upload-secret ' + leaseSecret] } } }, 'x');`,
    ],
    [
      'URLs, encoded or not',
      `logger.info({ url: 'http://127.0.0.1/uri/' + encodeURIComponent(capability) }, 'GET /file/' + capability + '/@@named=/a');
       logger.info({ url: new URL('http://127.0.0.1/uri?uri=' + encodeURIComponent(capability)) }, 'x');
       logger.info({ url: 'http://127.0.0.1/uri/' + encodeURIComponent(capability).toLowerCase() }, 'x');`,
    ],
    [
      'errors, and the causes of errors',
      `const cause = new Error('no share of ' + capability);
       const error = new Error('cannot reach ' + nurl, { cause });
       logger.error(error);
       logger.error({ err: error, error: error.stack }, 'x');
       logger.error({ errors: [{ message: cause.message, stack: cause.stack }] }, 'x');`,
    ],
    [
      'the fields of a child',
      `const child = logger.child({ capability, nurl }); child.info('x'); child.child({ key: 'priv-v0-' + hash }).info('y');`,
    ],
    [
      'JSON within a string',
      `logger.info({ body: JSON.stringify({ capability, nurl, pem }) }, JSON.stringify({ capability }));`,
    ],
  ])('holds no capability and no secret that was put into %s', async (_where, statements) => {
    const { text, lines } = await logged(statements);
    expect(lines.length).toBeGreaterThan(0);
    expect(text).toMatch(/redacted/);
    for (const secret of secrets) expect(text.toLowerCase()).not.toContain(secret.toLowerCase());
  });
});
