import { randomBytes } from 'node:crypto';
import { generateNodePem, parseNodePem } from '@holdfast/common/identity';
import { silentLogger } from '@holdfast/common/logging';
import { createRegistry } from '@holdfast/common/metrics';
import { Lab, temporaryFolder, waitFor } from '@holdfast/lab';
import { matchRoute, parseCapability } from '@holdfast/lafs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { localCoding } from './coding/local-coding.js';
import { operatorSource } from './connections/known-server.js';
import { ServerSet } from './connections/server-set.js';
import { Grid } from './grid.js';
import { TransferMemory } from './memory/transfer-memory.js';
import { extensionNumber } from './testing/client-hello.js';
import { collect, countConnected, once } from './testing/lab-client.js';
import { startRecordingRelay } from './testing/recording-relay.js';
import {
  describeServer,
  openRecordingServer,
  type RecordedConnection,
  type RecordedRequest,
  type RecordingServer,
  startRecordingServer,
} from './testing/recording-server.js';
import { takeAnyShare } from './testing/take-any-share.js';

// Servers that compare notes: everything that they could write down of a client, and what it tells them together.

const openSet = (startSpread?: number) =>
  new ServerSet({
    leaseSecret: randomBytes(32),
    ...(startSpread === undefined ? {} : { startSpread }),
    logger: silentLogger(),
    registry: createRegistry({}),
  });

describe('two servers that compare notes', () => {
  let lab: Lab;
  let recorders: [RecordingServer, RecordingServer];
  beforeAll(async () => {
    lab = await Lab.up({ storage: 2, brokers: 0, shares: { required: 2, happy: 2, total: 2 } });
    const [first, second] = await Promise.all(lab.description.storage.map(startRecordingRelay));
    if (!first || !second) throw new Error('the lab has two storage servers');
    recorders = [first, second];
  });
  afterAll(async () => {
    for (const recorder of recorders ?? []) await recorder[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  /** Stores a small and a large file as a client that was never there before, and reads both again. */
  async function whatServersSeeOfAClient(): Promise<[Notes, Notes]> {
    for (const recorder of recorders) recorder.forget();
    await using spool = await temporaryFolder('spool');
    const servers = openSet();
    for (const { known } of recorders) servers.set(known);
    try {
      await waitFor('both are connected', () => countConnected(servers) === 2 || undefined);
      const grid = new Grid({
        servers,
        encoding: { required: 2, happy: 2, total: 2, maximumSegmentSize: 100_000 },
        convergenceSecret: randomBytes(32),
        spoolDir: spool.path,
        memory: new TransferMemory(2 ** 24),
        coding: localCoding,
        logger: silentLogger(),
      });
      for (const content of [randomBytes(2_000), randomBytes(2_500_000)]) {
        const file = await grid.open(parseCapability(await grid.upload(once(content))));
        try {
          expect((await collect(file.read(0, content.length))).equals(content)).toBe(true);
        } finally {
          file.close();
        }
      }
    } finally {
      await servers.close();
    }
    const [first, second] = recorders;
    return [notesOf(first), notesOf(second)];
  }

  it('find nothing in them that tells one client from another, but for the storage index and what is in shares', async () => {
    const [first, second] = await whatServersSeeOfAClient();
    const [otherFirst, otherSecond] = await whatServersSeeOfAClient();

    // All ways of storing and reading were walked.
    const walked = new Set(recorders.flatMap(({ requests }) => requests.map(routeOf)));
    expect([...walked].sort()).toEqual([
      'allocateShares',
      'listShares',
      'readShare',
      'readWholeShares',
      'storeWholeShares',
      'version',
      'writeShare',
    ]);
    expect(first.size).toBeGreaterThan(50);
    expect([...first.keys()].sort()).toEqual([...second.keys()].sort());

    // What is the same at both servers is the same for every client.
    for (const [name, values] of first) {
      for (const value of values) {
        if (!second.get(name)?.has(value)) continue;
        expect(otherFirst.get(name), name).toContain(value);
        expect(otherSecond.get(name), name).toContain(value);
      }
    }

    // What could be a name of the client is told to one server only, under whatever name.
    for (const notes of [first, second]) expect(secretsIn(notes).size).toBeGreaterThan(12);
    for (const value of secretsIn(first)) expect(secretsIn(second).has(value)).toBe(false);
  });

  it('are told names and secrets that the comparison can see', async () => {
    const [first] = await whatServersSeeOfAClient();
    for (const name of [
      'hello random',
      'hello key share',
      'version authorization',
      'storeWholeShares lease-renew-secret',
      'storeWholeShares lease-cancel-secret',
      'allocateShares lease-renew-secret',
      'allocateShares lease-cancel-secret',
      'allocateShares upload-secret',
      'writeShare upload-secret',
    ]) {
      expect([...(first.get(name) ?? [])].join(), name).toMatch(/./);
      expect(isSecret(name), name).toBe(true);
    }
  });

  it('see a new handshake on every connection, with nothing of an earlier one', async () => {
    await whatServersSeeOfAClient();
    const connections = recorders.flatMap((recorder) => recorder.connections);
    expect(connections.length).toBeGreaterThan(2);
    for (const { hello, resumed, certificate } of connections) {
      expect({ resumed, certificate }).toEqual({ resumed: false, certificate: false });
      const { serverName, sessionTicket, preSharedKey } = extensionNumber;
      // A server's name would be that of its clause in somebody's file.
      expect(hello.extensions.has(serverName)).toBe(false);
      expect(hello.extensions.has(preSharedKey)).toBe(false);
      expect(hello.extensions.get(sessionTicket) ?? '').toBe('');
    }
    const made = (pick: (connection: RecordedConnection) => string) => connections.map(pick).filter(Boolean);
    for (const values of [
      made(({ hello }) => hello.random),
      made(({ hello }) => hello.sessionId),
      made(({ hello }) => hello.extensions.get(extensionNumber.keyShare) ?? ''),
    ])
      expect(new Set(values).size).toBe(values.length);
    // One profile, that of the software: ciphers, extensions and protocols in one order everywhere.
    const profile = ({ hello }: RecordedConnection) =>
      JSON.stringify([
        hello.versions,
        hello.cipherSuites,
        hello.compressionMethods,
        [...hello.extensions.keys()],
        hello.extensions.get(extensionNumber.applicationProtocols),
      ]);
    expect(new Set(connections.map(profile)).size).toBe(1);
  });
});

describe('servers that compare when their clients came', () => {
  const count = 12;
  let recorders: RecordingServer[];
  let servers: ServerSet;
  beforeEach(async () => {
    recorders = await Promise.all(
      Array.from({ length: count }, (_, index) => startRecordingServer(`s${index}`)),
    );
  });
  afterEach(async () => {
    await servers?.close();
    for (const recorder of recorders) await recorder[Symbol.asyncDispose]();
  });

  const knockedAt = () => recorders.filter(({ knocks }) => knocks() > 0);
  const allConnected = () =>
    waitFor('all are connected', () => countConnected(servers) === count || undefined);
  /** Milliseconds from the first server's newest connection to the last's. */
  const span = () => {
    const times = recorders.map(({ connections }) => connections.at(-1)?.at ?? Number.NaN);
    return Math.max(...times) - Math.min(...times);
  };

  it('find a start spread out over the time that it is given', async () => {
    servers = openSet(30_000);
    for (const { known } of recorders) servers.set(known);
    await waitFor('one is knocked at', () => knockedAt().length > 0 || undefined, { everyMs: 5 });
    // The others' turns come in the half minute after it.
    expect(knockedAt().length).toBeLessThan(count / 2);
    await waitFor('another is knocked at', () => knockedAt().length > 1 || undefined);
  });

  it('find that nobody comes to all of them in one instant, be it at the start or when a network is back', async () => {
    servers = openSet();
    for (const { known } of recorders) servers.set(known);
    await allConnected();
    expect(span()).toBeGreaterThan(200);
    for (const recorder of recorders) recorder.forget();
    for (const recorder of recorders) recorder.hangUp();
    await waitFor(
      'all are back',
      () => recorders.every(({ connections }) => connections.length > 0) || undefined,
    );
    expect(span()).toBeGreaterThan(100);
  });
});

describe('servers that want to be told what another is told', () => {
  let honest: RecordingServer;
  let servers: ServerSet;
  beforeEach(async () => {
    honest = await startRecordingServer('honest');
    servers = openSet(0);
  });
  afterEach(async () => {
    await servers.close();
    await honest[Symbol.asyncDispose]();
  });

  const connectedNames = () => servers.connectedFor(randomBytes(16)).map(({ nickname }) => nickname);
  const onlyConnected = (nickname: string) =>
    waitFor(`only ${nickname} is connected`, () => connectedNames().join() === nickname || undefined);
  const refused = (nickname: string, why: RegExp) =>
    waitFor(`${nickname} is refused`, () => {
      const status = servers.statuses().find((server) => server.nickname === nickname);
      return status?.state === 'unreachable' && why.test(status.lastError ?? '') ? status : undefined;
    });

  it('are told nothing where they announce the tub id of another, whoever is known first', async () => {
    await using thief = await startRecordingServer('thief');
    const [tubId = ''] = /[a-z2-7]{32}/.exec(honest.known.furl) ?? [];
    servers.set({ ...thief.known, furl: thief.known.furl.replace(/[a-z2-7]{32}/, tubId) });
    await refused('thief', /another certificate than the tub id of its FURL names$/);
    servers.set(honest.known);
    await onlyConnected('honest');
    expect(thief.requests).toEqual([]);
  });

  it('are told nothing where they have one certificate between them, but for the one that showed it first', async () => {
    const tls = parseNodePem(await generateNodePem());
    const twin = (nickname: string) =>
      openRecordingServer({
        tls,
        describe: (port) => describeServer(nickname, tls, port),
        answering: takeAnyShare(),
      });
    await using first = await twin('first');
    await using second = await twin('second');
    servers.set(first.known);
    await onlyConnected('first');
    servers.set(second.known);
    const { lastError } = await refused('second', /which is used already: forget that server, or name/);
    expect(lastError).toContain(`the certificate of ${first.known.id}`);
    expect(second.requests).toEqual([]);
    // The other comes into its place when it is forgotten.
    servers.forget(first.known.id);
    servers.set(second.known);
    await onlyConnected('second');
  });

  it('do not keep out the one that the operator names, by leading to it', async () => {
    // Whoever knows an announcement can have his own lead to the same place, and be there first.
    const { id } = describeServer('leading', parseNodePem(await generateNodePem()), honest.port);
    const leading = { ...honest.known, id, nickname: 'leading' };
    servers.set(leading);
    await onlyConnected('leading');
    servers.set(honest.known);
    await refused('honest', /which is used already: forget that server, or name/);
    servers.set({ ...honest.known, source: operatorSource });
    await onlyConnected('honest');
    await refused('leading', /which is used already: forget that server, or name/);
  });
});

/** What a server could write down, by what it is; each value once. */
type Notes = Map<string, Set<string>>;

function notesOf({ connections, requests }: RecordingServer): Notes {
  const notes: Notes = new Map();
  const note = (name: string, value: string) => notes.set(name, (notes.get(name) ?? new Set()).add(value));
  for (const connection of connections) noteConnection(connection, note);
  for (const request of requests) noteRequest(request, note);
  return notes;
}

function noteConnection({ hello, certificate, resumed }: RecordedConnection, note: Note): void {
  note('client certificate', String(certificate));
  note('resumed', String(resumed));
  note('hello versions', hello.versions);
  note('hello random', hello.random);
  note('hello session id', hello.sessionId);
  note('hello ciphers', hello.cipherSuites);
  note('hello compression methods', hello.compressionMethods);
  note('hello extensions', [...hello.extensions.keys()].join(' '));
  for (const [number, content] of hello.extensions) {
    if (number !== extensionNumber.keyShare) note(`hello extension ${number}`, content);
  }
  const shares = keyShares(hello.extensions.get(extensionNumber.keyShare) ?? '');
  note('hello key share groups', shares.map(({ group }) => group).join(' '));
  for (const { key } of shares) note('hello key share', key);
}

/** RFC 8446 §4.2.8: two bytes of length, then group, length and key of each. */
function keyShares(extension: string): { group: string; key: string }[] {
  const bytes = Buffer.from(extension, 'hex');
  const shares: { group: string; key: string }[] = [];
  for (let at = 2; at < bytes.length; ) {
    const size = bytes.readUInt16BE(at + 2);
    const key = bytes.subarray(at + 4, at + 4 + size).toString('hex');
    shares.push({ group: bytes.toString('hex', at, at + 2), key });
    at += 4 + size;
  }
  return shares;
}

function noteRequest(request: RecordedRequest, note: Note): void {
  const route = routeOf(request);
  const { method, path, headers } = request;
  const place = path.replace(/[a-z2-7]{26}/, 'INDEX').replace(/\/\d+(?=\/|$)/, '/NUMBER');
  note(`${route} request`, `${method} ${place}`);
  // Names as they were written, in their order.
  note(`${route} header names`, headers.map(([name]) => name).join(' '));
  for (const [name, value] of headers) {
    const [kind = '', secret = ''] = value.split(' ');
    if (/^x-tahoe-authorization$/i.test(name)) note(`${route} ${kind}`, secret);
    else note(`${route} ${name.toLowerCase()}`, value);
  }
}

type Note = (name: string, value: string) => void;

function routeOf({ method, path }: RecordedRequest): string {
  return matchRoute(method, path).name ?? `${method} ${path}`;
}

const isSecret = (name: string) =>
  /^hello (random|session id|key share)$|-secret$| authorization$/.test(name);

function secretsIn(notes: Notes): Set<string> {
  return new Set([...notes].flatMap(([name, values]) => (isSecret(name) ? [...values].filter(Boolean) : [])));
}
