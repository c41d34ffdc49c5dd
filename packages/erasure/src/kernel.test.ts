import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { thrownBy } from './contract/samples.js';
import { ErasureKernelError } from './errors.js';
import { instantiateKernel, loadKernel } from './kernel.js';

describe('the kernel', () => {
  it('is one for all codes of a thread, in memory of about a megabyte', () => {
    expect(loadKernel()).toBe(loadKernel());
    expect(loadKernel().memory.length).toBeLessThan(1.25 * 1024 * 1024);
  });

  it.each([
    ['is missing', '/nowhere/kernel.wasm', 'ENOENT'],
    ['is not WebAssembly', fileURLToPath(import.meta.url), 'CompileError'],
  ])('that %s gives one error that says how to build it', (_, path, cause) => {
    const error = thrownBy(() => instantiateKernel(path));
    expect(error).toBeInstanceOf(ErasureKernelError);
    expect(error).toMatchObject({ code: 'kernel-unusable', path });
    expect(String(error)).toContain(cause);
    expect(String(error)).toContain('build:kernel');
  });
});
