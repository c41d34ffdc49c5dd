// Builds everything that changed: the erasure kernel, TypeScript, the broker's page.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, run, WorkshopError, whenStarted } from './checkout.mjs';
import { alone } from './lock.mjs';

const typescript = 'node_modules/typescript/bin/tsc';

/** Ends with a WorkshopError where something does not build; the compiler has said what. */
export async function build() {
  if (!existsSync(join(checkout, typescript))) {
    throw new WorkshopError('The packages are not installed: run `node workshop/prepare.mjs` first.');
  }
  await alone(async () => {
    await step('packages/erasure/build-kernel.mjs');
    await step(typescript, ['-b']);
    await step('services/broker/build-page.mjs');
  });
}

async function step(script, args = []) {
  const status = await run(process.execPath, [script, ...args]);
  if (status !== 0) throw new WorkshopError(`${script} failed.`);
}

await whenStarted(import.meta.url, build);
