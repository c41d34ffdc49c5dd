import type { Pause } from '../restraint/pause.js';
import type { NetworkRecord } from './records/network-record.js';

/** No job is begun while the network is suspected: a repair would be made of what can be seen of the grid just now. */
export class NetworkPause implements Pause {
  readonly #record: () => NetworkRecord | undefined;

  /** @param record as it was last read */
  constructor(record: () => NetworkRecord | undefined) {
    this.#record = record;
  }

  get reason(): string | undefined {
    const network = this.#record()?.network;
    if (!network?.suspected) return undefined;
    return network.reason === 'checks-failing' ? 'most checks fail' : 'most servers are away';
  }

  get lookAgainAfter(): number {
    return 2_000;
  }
}
