import { describe, expect, it } from 'vitest';
import { checkSize, makePlan } from './plan.js';

const own = { postgres: false, nats: false };

describe('the plan of a lab', () => {
  it('has five storage servers and one broker where nothing is said, and shares that fit them', async () => {
    const { nodes, shares } = await makePlan({}, own);
    expect(nodes.map(({ nickname }) => nickname)).toEqual([
      'introducer',
      's1',
      's2',
      's3',
      's4',
      's5',
      'broker1',
    ]);
    expect(shares).toEqual({ required: 3, happy: 5, total: 10 });
    expect((await makePlan({ storage: 9 }, own)).shares.happy).toBe(7);
  });

  it('gives every node ports of its own, one database to all storage servers, and one to all repairers', async () => {
    const { nodes, postgres, nats } = await makePlan({ storage: 20, brokers: 3, repairers: 2 }, own);
    const ports = nodes
      .flatMap(({ operatorPort, listenPort }) => [operatorPort, listenPort ?? 0])
      .filter((port) => port !== 0);
    expect(new Set([...ports, postgres, nats]).size).toBe(ports.length + 2);
    const databases = (role: string) =>
      new Set(nodes.filter((node) => node.role === role).map(({ database }) => database));
    expect(databases('storage').size).toBe(1);
    expect(databases('broker').size).toBe(3);
    expect(databases('repairer').size).toBe(1);
    expect(new Set(nodes.map(({ database }) => database)).size).toBe(1 + 1 + 3 + 1);
  });

  it('remembers servers that were given instead of their ports', async () => {
    expect(await makePlan({}, { postgres: true, nats: true })).toMatchObject({
      postgres: 'given',
      nats: 'given',
    });
  });

  it('is not changed by a later start', async () => {
    const plan = await makePlan({ storage: 2 }, own);
    expect(() => checkSize('here', plan, {})).not.toThrow();
    expect(() => checkSize('here', plan, { storage: 2, brokers: 1 })).not.toThrow();
    expect(() => checkSize('here', plan, { storage: 5 })).toThrow('made with storage servers 2, not 5');
    expect(() => checkSize('here', plan, { shares: { required: 1, happy: 1, total: 1 } })).toThrow(
      /shares 3,2,10/,
    );
  });
});
