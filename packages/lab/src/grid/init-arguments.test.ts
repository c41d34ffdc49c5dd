import { expect, it } from 'vitest';
import type { Backing } from './backing.js';
import { initArguments } from './init-arguments.js';
import type { LabPlan, PlannedNode } from './plan.js';

const node: PlannedNode = { role: 'storage', nickname: 's1', operatorPort: 1, listenPort: 2, database: 'd' };
const plan: LabPlan = {
  grid: 'g',
  shares: { required: 1, happy: 1, total: 1 },
  nodes: [node],
  postgres: 'given',
  nats: 'given',
  guarded: false,
};

function made(database: string, nats: Backing) {
  const { args, passwords } = initArguments('/lab/s1', plan, node, { database, nats });
  const option = (name: string) => args[args.indexOf(name) + 1];
  return { postgres: option('--postgres'), bus: option('--nats'), passwords };
}

it('passwords of the database and the bus are for files, and not for a command line', () => {
  const database = 'postgres://user:se%2Fcret@host:5432/d';
  expect(made(database, { url: 'nats://user:se%3Acret@host:4222' })).toEqual({
    postgres: 'postgres://user@host:5432/d',
    bus: 'nats://user@host:4222',
    passwords: { 'postgres.password': 'se/cret', 'bus.password': 'se:cret' },
  });
});

it('each node is the user of a guarded bus that its role has there', () => {
  const passwords = { introducer: 'i', storage: 's', broker: 'b', repairer: 'r', operator: 'o' };
  const guard = { ca: '', caFile: '/lab/nats/bus.pem', passwords };
  const nats = { url: 'tls://operator:o@127.0.0.1:4222', port: 4222, guard };
  expect(made('postgres://host/d', nats)).toEqual({
    postgres: 'postgres://host/d',
    bus: 'tls://storage@127.0.0.1:4222',
    passwords: { 'bus.password': 's' },
  });
});
