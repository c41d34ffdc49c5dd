import { writev, writevSync } from 'node:fs';
import { promisify } from 'node:util';

const writeBuffers = promisify(writev);

/** Up to so many bytes are written at once: they only go to the page cache, and handing them over would cost more. */
const writtenAtOnce = 64 * 1024;
/** Most buffers in one call of writev (IOV_MAX on Linux is 1024). */
const mostBuffers = 1000;

/** Writes buffers to a file, one after the other from `position` on, whatever the system takes at a time. */
export async function writeAll(
  descriptor: number,
  position: number,
  buffers: readonly Uint8Array[],
): Promise<void> {
  const atOnce = totalLength(buffers) <= writtenAtOnce;
  let rest = buffers;
  let at = position;
  while (rest.length > 0) {
    const next = rest.slice(0, mostBuffers);
    const bytesWritten = atOnce
      ? writevSync(descriptor, next, at)
      : (await writeBuffers(descriptor, next, at)).bytesWritten;
    at += bytesWritten;
    rest = sliceBuffers(rest, bytesWritten);
  }
}

/** The bytes of `buffers` from `begin` to `end`, as views of them. */
export function sliceBuffers(
  buffers: readonly Uint8Array[],
  begin: number,
  end = Number.POSITIVE_INFINITY,
): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const buffer of buffers) {
    const view = buffer.subarray(Math.max(0, begin - at), Math.max(0, Math.min(buffer.length, end - at)));
    if (view.length > 0) parts.push(view);
    at += buffer.length;
  }
  return parts;
}

/** Bytes of all of them. */
export function totalLength(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
