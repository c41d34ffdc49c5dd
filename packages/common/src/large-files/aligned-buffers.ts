/** What the address, the place in the file and the length of a direct transfer are multiples of, in bytes. */
export const alignment = 4096;

/** Bytes of one aligned buffer. */
export const alignedBufferSize = 1024 * 1024;

/** As many as Node.js has threads that could be reading or writing at a time; more would only wait. */
const bufferCount = 4;

const wasmPage = 64 * 1024;

/** As much of WebAssembly's interface as is used here: the types of Node.js 20 do not declare it. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

let unused: Uint8Array[] | undefined;
const waiting: ((buffer: Uint8Array) => void)[] = [];

/**
 * Lends one of this process's few aligned buffers while `work` runs; waits for one where all are lent.
 *
 * Direct transfers need memory that begins at a page. That of a `Buffer` does not, and JavaScript cannot see where it
 * begins; the memory of WebAssembly always begins at one.
 */
export async function withAlignedBuffer<T>(work: (buffer: Uint8Array) => Promise<T>): Promise<T> {
  unused ??= makeBuffers();
  const buffer = unused.pop() ?? (await new Promise<Uint8Array>((resolve) => waiting.push(resolve)));
  try {
    return await work(buffer);
  } finally {
    const next = waiting.shift();
    if (next) next(buffer);
    else unused.push(buffer);
  }
}

function makeBuffers(): Uint8Array[] {
  const pages = (bufferCount * alignedBufferSize) / wasmPage;
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return Array.from(
    { length: bufferCount },
    (_, index) => new Uint8Array(buffer, index * alignedBufferSize, alignedBufferSize),
  );
}
