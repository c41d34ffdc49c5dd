import {
  type BusUser,
  busUsers,
  type RunningGuardedNats,
  startGuardedNats,
  startNats,
  type TemporaryFolder,
  temporaryFolder,
  waitFor,
} from '@holdfast/lab';
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { silentLogger } from '../logging/index.js';
import { repairSubjects } from '../repairs/index.js';
import { Bus } from './bus.js';
import { WorkQueue } from './work-queue.js';

// The configuration of deploy/nats, tried by clients that do not keep to their role.

/** Whoever has been invited is a client too: its password is no secret. */
type Client = BusUser | 'invitee';

const grid = 'guarded';
const subject = (name: string) => `holdfast.${grid}.${name}`;

describe('the guarded bus', () => {
  let folder: TemporaryFolder;
  let nats: RunningGuardedNats;
  const open: NatsConnection[] = [];
  beforeAll(async () => {
    folder = await temporaryFolder('guarded');
    nats = await startGuardedNats(folder.path, { grid });
  });
  afterAll(async () => {
    await Promise.all(open.map((connection) => connection.close()));
    await nats?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  /** Whether the certificate names the server is for another test: here only its key counts. */
  const tls = {
    get ca() {
      return nats.guard.ca;
    },
    checkServerIdentity: () => undefined,
  };

  const passwordOf = (user: Client) => (user === 'invitee' ? 'invitee' : nats.guard.passwords[user]);

  /** A client without any of our manners, with the credentials of a role. */
  async function client(user: Client, password = passwordOf(user)): Promise<NatsConnection> {
    const connection = await connect({
      servers: `127.0.0.1:${nats.port}`,
      user,
      pass: password,
      inboxPrefix: `_INBOX.${user}`,
      tls,
      reconnect: false,
    });
    open.push(connection);
    return connection;
  }

  /** What the server says to a subscription: undefined where it takes it. */
  async function refusalToSubscribe(user: Client, name: string): Promise<string | undefined> {
    const connection = await client(user);
    let refusal: string | undefined;
    connection.subscribe(name, {
      callback: (error) => {
        refusal = error?.message;
      },
    });
    await connection.flush();
    return refusal;
  }

  /** What the server says to a message: undefined where it takes it. */
  async function refusalToPublish(user: Client, name: string): Promise<string | undefined> {
    const connection = await client(user);
    const statuses = connection.status()[Symbol.asyncIterator]();
    const refusal = statuses.next();
    connection.publish(name, '{}');
    await connection.flush();
    void connection.close();
    const { value, done } = await refusal;
    if (done || value.type !== 'error') return undefined;
    return value.error.message;
  }

  /** What the server says to the answers of a role that is asked at `name` to answer at each of `replies`. */
  async function refusalsToAnswer(
    user: BusUser,
    name: string,
    replies: readonly string[],
  ): Promise<string[]> {
    const connection = await client(user);
    const questions: Msg[] = [];
    connection.subscribe(name, { callback: (_, message) => void questions.push(message) });
    await connection.flush();
    const asker = await client(name.startsWith('holdfast.invitation.') ? 'invitee' : 'operator');
    for (const reply of replies) asker.publish(name, '{}', { reply });
    await waitFor('the questions', () => questions.length === replies.length || undefined);
    const statuses = connection.status();
    for (const question of questions) question.respond('{}');
    await connection.flush();
    void connection.close();
    const refusals: string[] = [];
    for await (const status of statuses) if (status.type === 'error') refusals.push(status.error.message);
    return refusals;
  }

  const repairs = ['add', 'status', 'standings', 'retry', 'wake', 'outcome'].map((name) => `repair.${name}`);
  const says: readonly [BusUser, string][] = [
    ['introducer', 'announced'],
    ['storage', 'announce'],
    ['storage', 'accounts.changed'],
    // Of the files of a server that is leaving.
    ['storage', 'repair.add'],
    ['storage', 'repair.standings'],
    ['broker', 'announcements'],
    ['broker', 'repair.add'],
    ['broker', 'repair.status'],
    ['repairer', 'announcements'],
    ...repairs.map((name): [BusUser, string] => ['repairer', name]),
  ];
  const hears: readonly [BusUser, string][] = [
    ['introducer', 'announce'],
    ['introducer', 'announcements'],
    ['storage', 'accounts.changed'],
    ['broker', 'announced'],
    ['repairer', 'announced'],
    ...repairs.map((name): [BusUser, string] => ['repairer', name]),
  ];
  const names = ['announced', 'announce', 'announcements', 'accounts.changed', ...repairs];
  const roles = busUsers.filter((user) => user !== 'operator');
  const every = roles.flatMap((user) => names.map((name): [BusUser, string] => [user, name]));
  const isAmong = (allowed: readonly [BusUser, string][], [user, name]: [BusUser, string]) =>
    allowed.some((one) => one[0] === user && one[1] === name);

  it('lets each role say just what it has to say', async () => {
    for (const [user, name] of every) {
      const refusal = await refusalToPublish(user, subject(name));
      if (isAmong(says, [user, name])) expect(refusal, `${user} says ${name}`).toBeUndefined();
      else expect(refusal, `${user} says ${name}`).toMatch(/permissions violation/i);
    }
  });

  it('lets each role hear just what it has to hear', async () => {
    for (const [user, name] of every) {
      const refusal = await refusalToSubscribe(user, subject(name));
      if (isAmong(hears, [user, name])) expect(refusal, `${user} hears ${name}`).toBeUndefined();
      else expect(refusal, `${user} hears ${name}`).toMatch(/permissions violation/i);
    }
  });

  it('lets no role say as an answer what it may not say by itself', async () => {
    // One can be asked by oneself, with any subject to answer at.
    const asked: readonly [BusUser, string][] = [
      ['introducer', subject('announce')],
      ['storage', subject('accounts.changed')],
      ['storage', 'holdfast.invitation.place'],
      ['broker', subject('announced')],
      ['broker', 'holdfast.invitation.place'],
      ['repairer', subject('announced')],
      ['repairer', 'holdfast.invitation.place'],
    ];
    for (const [user, name] of asked) {
      const forbidden = [
        ...names.filter((each) => !isAmong(says, [user, each])).map(subject),
        `$JS.API.STREAM.DELETE.holdfast-${grid}-repair`,
        `_INBOX.${user === 'introducer' ? 'invitee' : 'introducer'}.x`,
      ];
      const refusals = await refusalsToAnswer(user, name, forbidden);
      for (const each of forbidden)
        expect(
          refusals.filter((refusal) => refusal.includes(`"${each}"`)),
          `${user}, asked at ${name}, says ${each}`,
        ).toEqual([expect.stringMatching(/permissions violation for publish/i)]);
    }
  });

  it.each(['>', 'holdfast.>', `holdfast.${grid}.>`, '_INBOX.>', '_INBOX.broker.>', '$SYS.>', '$JS.API.>'])(
    'lets a storage server listen to no %s',
    async (name) => {
      expect(await refusalToSubscribe('storage', name)).toMatch(/permissions violation/i);
    },
  );

  it.each(['_INBOX.broker.x', 'holdfast.other.announce', '$JS.API.STREAM.CREATE.x'])(
    'lets a storage server say nothing at %s',
    async (name) => {
      expect(await refusalToPublish('storage', name)).toMatch(/permissions violation/i);
    },
  );

  it('lets only repairers take what wakes repairers', async () => {
    const stream = `holdfast-${grid}-repair`;
    const calls = [
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.repairers`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.repairers`,
      `$JS.API.STREAM.CREATE.${stream}`,
      `$JS.ACK.${stream}.repairers.1.1.1.1.0`,
    ];
    for (const call of calls) {
      for (const user of ['introducer', 'storage', 'broker', 'invitee'] as const)
        expect(await refusalToPublish(user, call), `${user} says ${call}`).toMatch(/permissions violation/i);
      expect(await refusalToPublish('repairer', call), call).toBeUndefined();
    }
    for (const call of [`$JS.API.STREAM.MSG.GET.${stream}`, `$JS.API.STREAM.DELETE.${stream}`]) {
      for (const user of roles)
        expect(await refusalToPublish(user, call), `${user} says ${call}`).toMatch(/permissions violation/i);
    }
  });

  it('wakes repairers', async () => {
    const bus = new Bus({
      url: nats.urlOf('repairer'),
      ca: nats.guard.ca,
      name: 'repairer',
      logger: silentLogger(),
    });
    const wake = repairSubjects(grid).wake;
    const wakes = new WorkQueue({
      bus,
      logger: silentLogger(),
      stream: `holdfast-${grid}-repair`,
      subject: wake.name,
      consumer: 'repairers',
      acknowledgeWithin: 30_000,
      mostMessages: 10,
    });
    try {
      await waitFor('the work queue', () => wakes.ready || undefined);
      bus.publish(wake, {});
      const message = await wakes.next(10_000, new AbortController().signal);
      expect(message).toBeDefined();
      message?.acknowledge();
    } finally {
      wakes.close();
      await bus.close();
    }
  });

  it('lets whoever is invited ask at invitations, and neither hear them nor anything of the grid', async () => {
    expect(await refusalToPublish('invitee', 'holdfast.invitation.place')).toBeUndefined();
    for (const name of [...names.map(subject), 'holdfast.invitation.place', '_INBOX.storage.>', '>'])
      expect(await refusalToSubscribe('invitee', name), name).toMatch(/permissions violation/i);
    for (const name of names)
      expect(await refusalToPublish('invitee', subject(name)), name).toMatch(/permissions violation/i);
  });

  const asks: readonly [asker: Client, answerer: BusUser, name: string][] = [
    ['storage', 'introducer', subject('announce')],
    ['operator', 'introducer', subject('announce')],
    ...(['broker', 'repairer', 'operator'] as const).map((asker): [Client, BusUser, string] => [
      ...([asker, 'introducer', subject('announcements')] as const),
    ]),
    ['storage', 'repairer', subject('repair.add')],
    ['storage', 'repairer', subject('repair.standings')],
    ['broker', 'repairer', subject('repair.add')],
    ['broker', 'repairer', subject('repair.status')],
    ...['add', 'status', 'standings', 'retry', 'watch.add', 'watch.status'].map(
      (name): [Client, BusUser, string] => ['operator', 'repairer', subject(`repair.${name}`)],
    ),
    ['invitee', 'storage', 'holdfast.invitation.place'],
    ['invitee', 'broker', 'holdfast.invitation.place'],
    ['invitee', 'repairer', 'holdfast.invitation.place'],
  ];

  it('carries each question and its answer between those whose they are', async () => {
    const { ca } = nats.guard;
    const url = (user: Client) =>
      user === 'invitee' ? `tls://invitee:invitee@127.0.0.1:${nats.port}` : nats.urlOf(user);
    const users = [
      ...new Set<Client>(asks.map(([asker]) => asker).concat(asks.map(([, answerer]) => answerer))),
    ];
    const buses = new Map(
      users.map((user) => [user, new Bus({ url: url(user), ca, name: user, logger: silentLogger() })]),
    );
    const busOf = (user: Client) => buses.get(user) as Bus;
    try {
      for (const [asker, answerer, name] of asks) {
        const question = { name, schema: z.strictObject({}), answer: z.number() };
        const stop = busOf(answerer).serve(question, () => 42, answerer);
        const what = `an answer of ${answerer} to ${asker} at ${name}`;
        expect(
          await waitFor(what, () =>
            busOf(asker)
              .ask(question, {}, 1_000)
              .catch(() => undefined),
          ),
        ).toBe(42);
        stop();
      }
    } finally {
      await Promise.all([...buses.values()].map((bus) => bus.close()));
    }
  });

  it('takes nobody without a name, with a wrong password, or without TLS', async () => {
    await expect(client('storage', 'wrong')).rejects.toThrow(/authorization violation/i);
    const servers = `127.0.0.1:${nats.port}`;
    await expect(connect({ servers, tls, reconnect: false })).rejects.toThrow(/authorization violation/i);
    const { port, guard } = nats;
    await expect(
      connect({
        servers: `127.0.0.1:${port}`,
        user: 'storage',
        pass: guard.passwords.storage,
        reconnect: false,
      }),
    ).rejects.toThrow(/certificate/);
  });

  it('gets no password from a node that trusts another certificate, nor does a bus without TLS', async () => {
    await using other = await temporaryFolder('other');
    await using impostor = await startGuardedNats(other.path, { grid });
    await using plain = await startNats();
    const careful = [
      `tls://storage:secret@127.0.0.1:${impostor.port}`,
      `nats://storage:secret@127.0.0.1:${plain.port}`,
    ];
    const buses = careful.map(
      (url) => new Bus({ url, ca: nats.guard.ca, name: 'storage', logger: silentLogger() }),
    );
    const trusting = [
      { url: impostor.urlOf('storage'), ca: impostor.guard.ca },
      { url: plain.url, ca: undefined },
    ].map((access) => new Bus({ ...access, name: 'storage', logger: silentLogger() }));
    try {
      await waitFor('those that trust them', () => trusting.every((bus) => bus.connected) || undefined);
      expect(buses.map((bus) => bus.connected)).toEqual([false, false]);
    } finally {
      await Promise.all([...buses, ...trusting].map((bus) => bus.close()));
    }
  });
});
