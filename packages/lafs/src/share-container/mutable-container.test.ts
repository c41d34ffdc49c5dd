import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContainerVersion } from './container-version.js';
import {
  encodeContainerHeader,
  encodeMutableContainer,
  MalformedContainerError,
  matchesLeaseSecret,
  mutableContainerSize,
  mutableHeaderSize,
  parseAnyContainerHeader,
  parseContainerHeader,
  parseExtraLeases,
  parseMutableHeader,
  storedLeaseSecret,
} from './index.js';

interface Fixture {
  name: string;
  version: ContainerVersion;
  nodeId: string;
  writeEnabler: string;
  data: string;
  leases: { owner: number; renew: string; cancel: string; expiresAt: number; nodeId: string }[];
  file: string;
  /** Whether nothing lies between the data and what follows it. */
  compact: boolean;
}

// Recorded from Tahoe-LAFS 1.20 by fixtures/record-mutable.py.
const { cases } = JSON.parse(
  readFileSync(new URL('./fixtures/mutable-containers.json', import.meta.url), 'utf8'),
) as { cases: Fixture[] };
const bytes = (text: string) => Buffer.from(text, 'base64');

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedContainerError);
    return (error as MalformedContainerError).code;
  }
  return undefined;
}

function patched(file: Buffer, at: number, bytes: ArrayLike<number>): Buffer {
  file.set(bytes, at);
  return file;
}

describe.each(cases.filter(({ compact }) => compact))("the peer's mutable container: $name", (fixture) => {
  it('is written the same, byte for byte', () => {
    const { version } = fixture;
    const data = bytes(fixture.data);
    const { header, trailer } = encodeMutableContainer({
      version,
      dataSize: data.length,
      nodeId: bytes(fixture.nodeId),
      writeEnabler: bytes(fixture.writeEnabler),
      leases: fixture.leases.map(({ owner, renew, cancel, expiresAt, nodeId }) => ({
        owner,
        renewSecret: storedLeaseSecret(bytes(renew), version),
        cancelSecret: storedLeaseSecret(bytes(cancel), version),
        expiresAt,
        nodeId: bytes(nodeId),
      })),
    });
    const written = Buffer.concat([header, data, trailer]);
    expect(written.equals(bytes(fixture.file))).toBe(true);
    expect(written).toHaveLength(mutableContainerSize(data.length, fixture.leases.length));
  });
});

describe.each(cases)("the peer's mutable container: $name", (fixture) => {
  it('is read: write enabler, data and leases', () => {
    const file = bytes(fixture.file);
    const layout = parseMutableHeader(file, file.length);
    expect(layout.version).toBe(fixture.version);
    expect(bytes(fixture.nodeId).equals(layout.nodeId)).toBe(true);
    expect(bytes(fixture.writeEnabler).equals(layout.writeEnabler)).toBe(true);
    expect(file.subarray(layout.dataOffset, layout.dataOffset + layout.dataSize)).toEqual(
      bytes(fixture.data),
    );
    const leases = [...layout.leases, ...parseExtraLeases(file.subarray(layout.extraLeasesOffset))];
    expect(leases).toHaveLength(fixture.leases.length);
    for (const [index, { owner, renew, cancel, expiresAt, nodeId }] of fixture.leases.entries()) {
      const lease = leases[index]!;
      expect([lease.owner, lease.expiresAt]).toEqual([owner, expiresAt]);
      expect(bytes(nodeId).equals(lease.nodeId)).toBe(true);
      expect(matchesLeaseSecret(lease.renewSecret, bytes(renew), fixture.version)).toBe(true);
      expect(matchesLeaseSecret(lease.cancelSecret, bytes(cancel), fixture.version)).toBe(true);
    }
  });

  it('is told from an immutable one', () => {
    const file = bytes(fixture.file);
    expect(parseAnyContainerHeader(file, file.length)).toMatchObject({
      kind: 'mutable',
      dataSize: bytes(fixture.data).length,
    });
    expect(codeOf(() => parseContainerHeader(file, file.length))).toBe('other-kind');
  });
});

describe('a mutable container', () => {
  const some = (length: number) =>
    fc.uint8Array({ minLength: length, maxLength: length }).map((each) => Uint8Array.from(each));
  const lease = fc.record({
    owner: fc.integer({ min: 1, max: 0xffff_ffff }),
    renewSecret: some(32),
    cancelSecret: some(32),
    expiresAt: fc.nat(0xffff_ffff),
    nodeId: some(20),
  });

  it('round trips, with any number of leases', () => {
    fc.assert(
      fc.property(
        fc.record({
          dataSize: fc.nat(2 ** 40),
          nodeId: some(20),
          writeEnabler: some(32),
          leases: fc.array(lease, { maxLength: 9 }),
          version: fc.constantFrom<ContainerVersion>(1, 2),
        }),
        (fields) => {
          const { header, trailer } = encodeMutableContainer(fields);
          const size = mutableContainerSize(fields.dataSize, fields.leases.length);
          const layout = parseMutableHeader(Uint8Array.from(header), size);
          const extra = parseExtraLeases(Uint8Array.from(trailer));
          expect({ ...layout, leases: [...layout.leases, ...extra] }).toEqual({
            ...fields,
            dataOffset: mutableHeaderSize,
            extraLeasesOffset: mutableHeaderSize + fields.dataSize,
          });
        },
      ),
    );
  });

  it('whose bytes were changed gives nothing but its own errors, and nothing outside the file', () => {
    const { header, trailer } = encodeMutableContainer({
      dataSize: 10,
      nodeId: new Uint8Array(20),
      writeEnabler: new Uint8Array(32),
      leases: [],
    });
    const file = Buffer.concat([header, Buffer.alloc(10), trailer]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1 }),
        fc.nat(600),
        (changes, cut) => {
          const damaged = Uint8Array.from(file.subarray(0, cut));
          for (const [at, byte] of changes) if (damaged.length > 0) damaged[at % damaged.length] = byte;
          try {
            const layout = parseMutableHeader(damaged, damaged.length);
            expect(layout.dataOffset + layout.dataSize).toBeLessThanOrEqual(damaged.length);
            parseExtraLeases(damaged.subarray(layout.extraLeasesOffset));
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedContainerError);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['too short', 'too-short', (file: Buffer) => file.subarray(0, 471)],
    ['of a version to come', 'unknown-version', (file: Buffer) => patched(file, 25, Buffer.from('3'))],
    ['with more data than the file', 'data-does-not-fit', (file: Buffer) => patched(file, 91, [11])],
    ['that claims 2⁶³ bytes', 'data-does-not-fit', (file: Buffer) => patched(file, 84, [0x80])],
    ['whose leases begin past its end', 'data-does-not-fit', (file: Buffer) => patched(file, 93, [0x7f])],
  ])('%s: %s', (_, code, damage) => {
    const { header, trailer } = encodeMutableContainer({
      dataSize: 10,
      nodeId: new Uint8Array(20),
      writeEnabler: new Uint8Array(32),
      leases: [],
    });
    const file = damage(Buffer.concat([header, Buffer.alloc(10), trailer]));
    expect(codeOf(() => parseMutableHeader(file, file.length))).toBe(code);
  });

  it('that claims more extra leases than there are: leases-do-not-fit', () => {
    expect(codeOf(() => parseExtraLeases(Buffer.from([0, 0, 0, 1])))).toBe('leases-do-not-fit');
    expect(codeOf(() => parseExtraLeases(Buffer.from([255, 255, 255, 255])))).toBe('leases-do-not-fit');
    expect(codeOf(() => parseExtraLeases(Buffer.alloc(3)))).toBe('too-short');
  });

  it('is not seen in an immutable one', () => {
    const header = encodeContainerHeader({ dataSize: 5, leaseCount: 0 });
    expect(parseAnyContainerHeader(header, 17)).toMatchObject({ kind: 'immutable', dataSize: 5 });
  });
});
