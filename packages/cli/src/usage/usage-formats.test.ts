import { describe, expect, it } from 'vitest';
import { formatUsage, usageCsv } from './usage-formats.js';

const server = {
  byteSeconds: '5400000000.5',
  openByteSeconds: '1800000000',
  byteHours: 1_500_000,
  bytes: 2_000_000,
  shares: 3,
};
const statement = {
  from: new Date('2026-11-01T00:00:00Z'),
  to: new Date('2026-11-21T03:00:00Z'),
  accounts: [
    {
      account: 'Smith, "Bob"',
      ...server,
      servers: [{ serverId: 'v0-a', nickname: '=s1', ...server }],
    },
  ],
};

describe('a statement of usage', () => {
  it('is a table for people', () => {
    expect(formatUsage(statement).split('\n')).toEqual([
      '2026-11-01T00:00Z to 2026-11-21T03:00Z',
      'account       server  byte-hours     of which open    bytes at the end  shares at the end',
      'Smith, "Bob"  =s1     1.50 MB-hours  500.00 kB-hours  2.0 MB            3',
      'Smith, "Bob"  total   1.50 MB-hours  500.00 kB-hours  2.0 MB            3',
      '',
    ]);
  });

  it('is CSV whose exact sums are not rounded and whose names are quoted', () => {
    expect(usageCsv(statement).split('\r\n').slice(1)).toEqual([
      `"Smith, ""Bob""",v0-a,'=s1,2026-11-01T00:00Z,2026-11-21T03:00Z,5400000000.5,1800000000,1500000,2000000,3`,
      '"Smith, ""Bob""",total,,2026-11-01T00:00Z,2026-11-21T03:00Z,5400000000.5,1800000000,1500000,2000000,3',
      '',
    ]);
  });
});
