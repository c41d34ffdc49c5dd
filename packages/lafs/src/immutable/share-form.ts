/** 1: numbers of 32 bits, 2: numbers of 64 bits. Not related to the versions of share containers. */
export type ShareVersion = 1 | 2;

/** What differs between the two versions. */
export interface ShareForm {
  readonly version: ShareVersion;
  /** Bytes of each number after the version itself, and of the URI extension block's length. */
  readonly numberSize: 4 | 8;
  /** Bytes of the header: the version and eight numbers. */
  readonly headerSize: number;
  readonly largestNumber: number;
  read(view: DataView, at: number): number;
  write(view: DataView, at: number, value: number): void;
}

export const shareForms: Readonly<Record<ShareVersion, ShareForm>> = {
  1: {
    version: 1,
    numberSize: 4,
    headerSize: 36,
    largestNumber: 0xffff_ffff,
    read: (view, at) => view.getUint32(at),
    write: (view, at, value) => view.setUint32(at, value),
  },
  2: {
    version: 2,
    numberSize: 8,
    headerSize: 68,
    largestNumber: Number.MAX_SAFE_INTEGER,
    read: (view, at) => Number(view.getBigUint64(at)),
    write: (view, at, value) => view.setBigUint64(at, BigInt(value)),
  },
};

/** Enough bytes from the start of a share to hold a header of either version. */
export const longestShareHeader = shareForms[2].headerSize;
