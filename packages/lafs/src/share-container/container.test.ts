import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContainerVersion } from './container-version.js';
import {
  containerHeaderSize,
  containerSize,
  encodeContainerHeader,
  encodeLeaseRecord,
  type LeaseRecord,
  leaseRecordSize,
  MalformedContainerError,
  matchesLeaseSecret,
  parseBucketName,
  parseContainerHeader,
  parseLeaseRecords,
  parseShareName,
  sharePath,
  storedLeaseSecret,
} from './index.js';

interface Fixture {
  name: string;
  version: ContainerVersion;
  data: string;
  leases: { owner: number; renew: string; cancel: string; expiresAt: number }[];
  file: string;
  storageIndex?: string;
  shareNumber?: number;
  path?: string;
}

// Recorded from Tahoe-LAFS 1.20 by fixtures/record.py.
const fixtures = JSON.parse(readFileSync(new URL('./fixtures/containers.json', import.meta.url), 'utf8')) as {
  cases: Fixture[];
  saturatedHeaders: Record<string, string>;
};
const bytes = (text: string) => Buffer.from(text, 'base64');

describe.each(fixtures.cases)("the peer's container: $name", (fixture) => {
  const file = bytes(fixture.file);

  it('is written the same, byte for byte', () => {
    const secret = (text: string) => storedLeaseSecret(bytes(text), fixture.version);
    const written = Buffer.concat([
      encodeContainerHeader({
        version: fixture.version,
        dataSize: bytes(fixture.data).length,
        leaseCount: fixture.leases.length,
      }),
      bytes(fixture.data),
      ...fixture.leases.map(({ owner, renew, cancel, expiresAt }) =>
        encodeLeaseRecord({ owner, renewSecret: secret(renew), cancelSecret: secret(cancel), expiresAt }),
      ),
    ]);
    expect(written.equals(file)).toBe(true);
  });

  it('is read: data and leases', () => {
    const layout = parseContainerHeader(file, file.length);
    expect(layout.version).toBe(fixture.version);
    expect(file.subarray(layout.dataOffset, layout.leasesOffset)).toEqual(bytes(fixture.data));
    const leases = parseLeaseRecords(file.subarray(layout.leasesOffset), layout.leaseCount);
    expect(leases).toHaveLength(fixture.leases.length);
    for (const [index, { owner, renew, cancel, expiresAt }] of fixture.leases.entries()) {
      const lease = leases[index]!;
      expect([lease.owner, lease.expiresAt]).toEqual([owner, expiresAt]);
      expect(matchesLeaseSecret(lease.renewSecret, bytes(renew), fixture.version)).toBe(true);
      expect(matchesLeaseSecret(lease.cancelSecret, bytes(cancel), fixture.version)).toBe(true);
      expect(matchesLeaseSecret(lease.renewSecret, bytes(cancel), fixture.version)).toBe(false);
    }
  });
});

describe('a container header', () => {
  it.each([1, 2] as const)('version %i: the size ends at 2³² − 1', (version) => {
    const header = encodeContainerHeader({ version, dataSize: 2 ** 32 + 5, leaseCount: 0 });
    expect(header).toEqual(bytes(fixtures.saturatedHeaders[version] ?? ''));
  });

  it('is read by the length of the file, not by the size it claims', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 40),
        fc.nat(1000),
        fc.constantFrom(1, 2),
        fc.nat(),
        (dataSize, leaseCount, version, lie) => {
          const header = encodeContainerHeader({
            version: version as ContainerVersion,
            dataSize: lie,
            leaseCount,
          });
          expect(parseContainerHeader(header, containerSize(dataSize, leaseCount))).toEqual({
            version,
            leaseCount,
            dataOffset: containerHeaderSize,
            dataSize,
            leasesOffset: containerHeaderSize + dataSize,
          });
        },
      ),
    );
  });

  it('that is none gives a typed error', () => {
    const code = (header: Uint8Array, size: number) => {
      try {
        parseContainerHeader(header, size);
      } catch (error) {
        return (error as MalformedContainerError).code;
      }
      return undefined;
    };
    const header = encodeContainerHeader({ dataSize: 0, leaseCount: 2 });
    expect(code(header.subarray(0, 11), 200)).toBe('too-short');
    expect(code(header, 11)).toBe('too-short');
    expect(code(header, containerHeaderSize + 2 * leaseRecordSize - 1)).toBe('leases-do-not-fit');
    expect(code(Buffer.alloc(12, 3), 500)).toBe('unknown-version');
    expect(code(Buffer.from('Tahoe mutable container v1\n').subarray(0, 12), 500)).toBe('other-kind');
    expect(() => parseLeaseRecords(new Uint8Array(71), 1)).toThrow(MalformedContainerError);
  });
});

interface Contents {
  version: ContainerVersion;
  data: Uint8Array;
  leases: LeaseRecord[];
}

describe('a container', () => {
  const secret = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((each) => Uint8Array.from(each));
  const lease = fc.record({
    owner: fc.nat(0xffff_ffff),
    renewSecret: secret,
    cancelSecret: secret,
    expiresAt: fc.nat(0xffff_ffff),
  });
  const contents = fc.record({
    version: fc.constantFrom<ContainerVersion>(1, 2),
    data: fc.uint8Array({ maxLength: 300 }),
    leases: fc.array(lease, { maxLength: 4 }),
  });
  const write = ({ version, data, leases }: Contents) =>
    Buffer.concat([
      encodeContainerHeader({ version, dataSize: data.length, leaseCount: leases.length }),
      data,
      ...leases.map(encodeLeaseRecord),
    ]);

  it('gives back its data and its leases, whatever they are', () => {
    fc.assert(
      fc.property(contents, ({ version, data, leases }) => {
        const file = Uint8Array.from(write({ version, data, leases }));
        expect(file.length).toBe(containerSize(data.length, leases.length));
        const layout = parseContainerHeader(file, file.length);
        expect(layout).toMatchObject({ version, dataSize: data.length, leaseCount: leases.length });
        expect([...file.subarray(layout.dataOffset, layout.leasesOffset)]).toEqual([...data]);
        expect(parseLeaseRecords(file.subarray(layout.leasesOffset), layout.leaseCount)).toEqual(leases);
      }),
    );
  });

  it('that was cut short or changed gives nothing but its own errors, and nothing outside the file', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(contents, fc.array(change, { maxLength: 5 }), fc.nat(400), (fields, changes, cut) => {
        const file = Uint8Array.from(write(fields).subarray(0, cut));
        // Mostly in the header, where all depends on them.
        for (const [at, byte] of changes) if (file.length > 0) file[at % Math.min(file.length, 14)] = byte;
        try {
          const { dataOffset, dataSize, leasesOffset, leaseCount } = parseContainerHeader(file, file.length);
          expect(dataSize).toBeGreaterThanOrEqual(0);
          expect(dataOffset + dataSize).toBe(leasesOffset);
          expect(leasesOffset + leaseCount * leaseRecordSize).toBe(file.length);
          parseLeaseRecords(file.subarray(leasesOffset), leaseCount);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedContainerError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('lease records', () => {
  it('round trip', () => {
    const secret = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((each) => Uint8Array.from(each));
    const lease = fc.record({
      owner: fc.nat(0xffff_ffff),
      renewSecret: secret,
      cancelSecret: secret,
      expiresAt: fc.nat(0xffff_ffff),
    });
    fc.assert(
      fc.property(fc.array(lease, { maxLength: 5 }), (leases) => {
        const records = Buffer.concat(leases.map(encodeLeaseRecord));
        expect(parseLeaseRecords(Uint8Array.from(records), leases.length)).toEqual(leases);
      }),
    );
  });
});

describe('names in a storage folder', () => {
  it('are those that the peer gave', () => {
    const { storageIndex, shareNumber, path } = fixtures.cases.find((each) => each.path) as Required<Fixture>;
    expect(sharePath(bytes(storageIndex), shareNumber)).toBe(path);
    const [, bucket = '', share = ''] = path.split('/');
    expect(parseBucketName(bucket)).toEqual(Uint8Array.from(bytes(storageIndex)));
    expect(parseShareName(share)).toBe(shareNumber);
  });

  it.each(['', 'aaaa', 'aaaaaaaaaaaaaaaaaaaaaaaaab', 'AAAAAAAAAAAAAAAAAAAAAAAAAA', 'lost+found'])(
    '%s is no bucket',
    (name) => expect(parseBucketName(name)).toBeUndefined(),
  );
  it.each(['', '07', '-1', '4294967296', '3.tmp', '0x1'])('%s is no share', (name) =>
    expect(parseShareName(name)).toBeUndefined(),
  );
});
