import { bytes } from './texts.js';

/** A write of a read-test-write: a text, at an offset. */
export function write(offset: number, data: string) {
  return { offset, data: bytes(data) };
}

/** A test of a read-test-write: that at an offset there is a text. */
export function is(specimen: string, size = specimen.length, offset = 0) {
  return { offset, size, specimen: bytes(specimen) };
}
