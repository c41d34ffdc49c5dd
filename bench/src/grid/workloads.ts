import { randomBytes } from 'node:crypto';
import { median, seconds, throughput } from '../timing.js';
import type { Gateway } from './gateway.js';

const megabyte = 1_000_000;
const largeSize = 100 * megabyte;
const smallSize = 10_000;

/** One thing that is measured at every gateway. */
export interface Workload {
  readonly name: string;
  readonly unit: string;
  /** How many times as fast as the peer we mean to be. */
  readonly target: number;
  run(gateway: Gateway): Promise<number>;
}

/** Files that a PUT workload stored, for the GET workload after it; by gateway. */
class Stored {
  readonly #capabilities = new Map<Gateway, string[]>();

  add(gateway: Gateway, capability: string): void {
    const list = this.#capabilities.get(gateway) ?? [];
    this.#capabilities.set(gateway, list);
    list.push(capability);
  }

  of(gateway: Gateway): readonly string[] {
    return this.#capabilities.get(gateway) ?? [];
  }
}

/** The workloads of the comparison, in the order in which they are run. */
export function workloads({ rounds, smallFiles }: { rounds: number; smallFiles: number }): Workload[] {
  const large = new Stored();
  const small = new Stored();
  const putLarge = async (gateway: Gateway) => {
    const content = randomBytes(largeSize);
    const took = await seconds(async () => large.add(gateway, await gateway.put(content)));
    return largeSize / megabyte / took;
  };
  const getLarge = async (gateway: Gateway) => {
    const capability = large.of(gateway)[0] ?? '';
    return largeSize / megabyte / (await seconds(() => gateway.get(capability)));
  };
  const putSmall = (atOnce: number) => (gateway: Gateway) => {
    const contents = Array.from({ length: smallFiles * atOnce }, () => randomBytes(smallSize));
    return throughput(contents.length, atOnce, async (index) =>
      small.add(gateway, await gateway.put(contents[index] as Uint8Array)),
    );
  };
  const getSmall = (atOnce: number) => (gateway: Gateway) => {
    const capabilities = small.of(gateway);
    return throughput(smallFiles * atOnce, atOnce, (index) =>
      gateway.get(capabilities[index % capabilities.length] ?? ''),
    );
  };
  const repeated = (work: (gateway: Gateway) => Promise<number>) => async (gateway: Gateway) => {
    const results: number[] = [];
    for (let round = 0; round < rounds; round++) results.push(await work(gateway));
    return median(results);
  };
  return [
    { name: 'PUT 100 MB', unit: 'MB/s', target: 4, run: repeated(putLarge) },
    { name: 'GET 100 MB', unit: 'MB/s', target: 4, run: repeated(getLarge) },
    { name: 'PUT 10 kB, 1 at a time', unit: '/s', target: 5, run: repeated(putSmall(1)) },
    { name: 'PUT 10 kB, 8 at a time', unit: '/s', target: 5, run: repeated(putSmall(8)) },
    { name: 'GET 10 kB, 1 at a time', unit: '/s', target: 5, run: repeated(getSmall(1)) },
    { name: 'GET 10 kB, 8 at a time', unit: '/s', target: 5, run: repeated(getSmall(8)) },
  ];
}
