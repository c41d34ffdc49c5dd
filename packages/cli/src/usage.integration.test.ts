import { release } from '@holdfast/common/release';
import { describe, expect, it } from 'vitest';
import { holdfast } from './testing/run-holdfast.js';

describe('wrong usage', () => {
  it.each([
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['put', '--brokr', 'x', 'y']],
    ['a missing argument', ['get']],
    ['one argument too many', ['run', 'a', 'b']],
    ['a place that is none', ['init', 'storage', 'dir', '--listen', 'here']],
    ['every address without a location', ['init', 'storage', 'dir', '--listen', '0.0.0.0:7201']],
    ['shares that cannot be', ['lab', 'up', '--shares', '9,9,3']],
    ['a broker that is no URL', ['put', '--broker', 'localhost', 'file']],
    ['an unknown format', ['announcements', 'export', '--dir', 'x', '--format', 'xml']],
    ['no folder', ['announcements', 'list']],
    ['no folder for an account', ['account', 'list']],
    ['a quota that is none', ['account', 'quota', 'a', 'much', '--dir', 'x']],
    ['a lease duration without a unit', ['account', 'create', 'a', '--lease-duration', '60', '--dir', 'x']],
    ['a grant to nowhere', ['account', 'grant', 'a', '--dir', 'x']],
  ])('%s ends with status 2 and one line', async (_what, args) => {
    const { status, stdout, stderr } = await holdfast(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    [
      'a capability',
      ['URI:CHK:aaaaaaaaaaaaaaaaaaaaaaaaaa:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb:3:10:99'],
    ],
    ['a password', ['init', 'storage', 'dir', '--nats', 'nat://user:aaaaaa@bus:4222']],
  ])('%s in the wrong place is not repeated', async (_what, args) => {
    const { status, stderr } = await holdfast(args);
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('aaaaaa');
  });

  it('a HOLDFAST_BROKER that is no URL is named', async () => {
    const { status, stderr } = await holdfast(['put', 'file'], { env: { HOLDFAST_BROKER: 'nowhere' } });
    expect(status).toBe(2);
    expect(stderr).toContain('HOLDFAST_BROKER');
  });

  it('a URL that is none is not told back, as it may have a password in it', async () => {
    const url = 'postgres://u:pa/ss+word==@host:5432/db';
    const { status, stdout, stderr } = await holdfast(['init', 'storage', 'dir', '--postgres', url]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^holdfast: --postgres: expected a URL such as .*\n$/);
    expect(stderr).not.toContain('ss+word');
  });

  it('is not to ask for help', async () => {
    const { status, stdout } = await holdfast(['put', '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('--broker');
  });
});

it('the release is told to who asks', async () => {
  expect(await holdfast(['--version'])).toEqual({ status: 0, stdout: `${release}\n`, stderr: '' });
});

describe('what cannot be done', () => {
  it.each([
    [
      'a broker that is not there',
      ['put', '--broker', 'http://127.0.0.1:9', process.execPath],
      'no broker answers',
    ],
    ['a file that is not there', ['put', '/no/such/file'], '/no/such/file'],
    ['a folder instead of a file', ['put', '/'], 'expected a file'],
    ['a node that is not there', ['run', '/no/such/node'], '/no/such/node/node.yaml: there is no such file'],
    [
      'a lab that is not there',
      ['lab', 'status', '--dir', '/no/such/lab'],
      'there is no lab in /no/such/lab',
    ],
    ['announcements of nobody', ['announcements', 'list', '--dir', '/no/such/node'], 'there is no such file'],
  ])('%s ends with status 1 and one line', async (_what, args, reason) => {
    const { status, stdout, stderr } = await holdfast(args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(reason);
  });
});
