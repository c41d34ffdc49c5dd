import type { SeededChance } from './seeded-chance.js';

const lostFlag = 0x80;
const wantedFlag = 0x40;
const shareBits = (1 << 10) - 1;

/** Most shares that a file of the model may have. */
export const mostShares = 10;

/** Which server each share of very many files is on, and what the watch's records say of it. 23 bytes a file. */
export class FileTable {
  /** Of file f the server of share s is at f * total + s. */
  readonly holders: Uint16Array;
  /** A bit for each share of a file that is on record. */
  readonly #recorded: Uint16Array;
  readonly #flags: Uint8Array;

  /** @param total shares of a file, ten at most */
  constructor(
    readonly count: number,
    readonly total: number,
  ) {
    this.holders = new Uint16Array(count * total);
    this.#recorded = new Uint16Array(count).fill(shareBits >> (mostShares - total));
    this.#flags = new Uint8Array(count);
  }

  /** Every file on the first servers of an order of its own, as an upload with enough servers places it. */
  scatter(servers: number, chance: SeededChance): void {
    const { holders, total } = this;
    for (let file = 0; file < this.count; file++) {
      const from = file * total;
      for (let at = from; at < from + total; ) {
        const server = chance.below(servers);
        let earlier = from;
        while (earlier < at && holders[earlier] !== server) earlier++;
        if (earlier === at) holders[at++] = server;
      }
    }
  }

  holder(file: number, share: number): number {
    return this.holders[file * this.total + share] as number;
  }

  /** Records that a share was seen, or placed, on a server. */
  record(file: number, share: number, server: number): void {
    this.holders[file * this.total + share] = server;
    this.#recorded[file] = (this.#recorded[file] as number) | (1 << share);
  }

  /** Takes a share off the record. It may still be there. */
  strike(file: number, share: number): void {
    this.#recorded[file] = (this.#recorded[file] as number) & ~(1 << share);
  }

  isRecorded(file: number, share: number): boolean {
    return ((this.#recorded[file] as number) & (1 << share)) !== 0;
  }

  /** Different shares of a file on servers for which the byte is not 0. */
  sharesOn(file: number, servers: Uint8Array): number {
    let shares = 0;
    for (let at = file * this.total; at < (file + 1) * this.total; at++)
      if (servers[this.holders[at] as number]) shares++;
    return shares;
  }

  /** Whether the file's repair was asked for and has not ended. */
  isWanted(file: number): boolean {
    return ((this.#flags[file] as number) & wantedFlag) !== 0;
  }

  setWanted(file: number, wanted: boolean): void {
    this.#flag(file, wantedFlag, wanted);
  }

  isLost(file: number): boolean {
    return ((this.#flags[file] as number) & lostFlag) !== 0;
  }

  setLost(file: number): void {
    this.#flag(file, lostFlag, true);
  }

  #flag(file: number, flag: number, on: boolean): void {
    const flags = this.#flags[file] as number;
    this.#flags[file] = on ? flags | flag : flags & ~flag;
  }
}
