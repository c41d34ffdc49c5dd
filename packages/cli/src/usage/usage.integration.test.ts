import { randomBytes } from 'node:crypto';
import { Lab } from '@holdfast/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdfast } from '../testing/run-holdfast.js';

describe('holdfast usage', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up({ storage: 2, shares: { required: 1, happy: 2, total: 2 } });
    await fetch(`${lab.broker}/uri`, { method: 'PUT', body: randomBytes(100_000) });
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  const usage = (...args: string[]) => holdfast(['usage', ...args, '--dir', lab.dir]);

  it('shows what an account used at each server of the lab, and all together', async () => {
    const { status, stdout, stderr } = await usage('--account', 'anonymous', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { accounts } = JSON.parse(stdout) as {
      accounts: { account: string; bytes: number; byteSeconds: string; servers: { bytes: number }[] }[];
    };
    expect(accounts).toMatchObject([
      {
        account: 'anonymous',
        shares: 2,
        servers: [
          { nickname: 's1', shares: 1 },
          { nickname: 's2', shares: 1 },
        ],
      },
    ]);
    const [anonymous] = accounts;
    const [first, second] = anonymous?.servers ?? [];
    expect(first?.bytes).toBeGreaterThan(100_000);
    expect(anonymous?.bytes).toBe((first?.bytes ?? 0) + (second?.bytes ?? 0));
    expect(Number(anonymous?.byteSeconds)).toBeGreaterThan(0);
    expect(Number(anonymous?.byteSeconds)).toBeLessThan(600 * (anonymous?.bytes ?? 0));
  });

  it('is a table for people and CSV for spreadsheets, of all accounts', async () => {
    const table = await usage();
    expect(table.stdout).toMatch(/^anonymous +s2 .*\nanonymous +total .* 2\nstarter +total .* 0\n$/m);
    const csv = await usage('--csv', '--from', '2026-01-01', '--to', '2026-02-01T00:00Z');
    expect(csv.stdout.split('\r\n').slice(-3)).toEqual([
      'anonymous,total,,2026-01-01T00:00Z,2026-02-01T00:00Z,0,0,0,0,0',
      'starter,total,,2026-01-01T00:00Z,2026-02-01T00:00Z,0,0,0,0,0',
      '',
    ]);
  });

  it('refuses an account that there is not, and periods that it cannot tell of', async () => {
    expect(await usage('--account', 'nobody')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'holdfast: there is no account nobody\n',
    });
    for (const wrong of [
      ['--from', '2026-11-01T10:30Z'],
      ['--from', '2026-11-02', '--to', '2026-11-01'],
      ['--csv', '--json'],
    ]) {
      const { status, stdout, stderr } = await usage(...wrong);
      expect([wrong, status, stdout]).toEqual([wrong, 2, '']);
      expect(stderr).not.toBe('');
    }
  });
});
