import { figure, printTable } from '../table.js';
import { measureErasure } from './erasure.js';
import { measureHashing } from './hashing.js';

/** Bytes of input per second that the erasure kernel is to reach at 3-of-10 on one core. */
const erasureAim = 1.5e9;

/**
 * The speed of each kernel alone, on one core.
 *
 * @returns how many aims were missed
 */
export async function measureKernels(): Promise<number> {
  const erasure = await measureErasure();
  printTable('Kernels on one core, by bytes of the file', [
    ...measureHashing(),
    ...erasure.map(({ implementation, required, total, operation, bytesPerSecond }) => [
      `erasure ${operation}, ${required}-of-${total}, ${implementation}`,
      `${figure(bytesPerSecond / 1e9)} GB/s`,
    ]),
  ]);
  const main = erasure.find(
    (each) =>
      each.implementation === 'simd' &&
      each.operation === 'encode' &&
      each.required === 3 &&
      each.total === 10,
  );
  return main && main.bytesPerSecond >= erasureAim ? 0 : 1;
}
