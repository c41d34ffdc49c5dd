// Builds everything: the erasure kernel and TypeScript where they changed, the broker's page, the command.
import { run, WorkshopError, whenStarted } from './checkout.mjs';
import { alone } from './lock.mjs';
import { prepare } from './prepare.mjs';

const typescript = 'node_modules/typescript/bin/tsc';

/** Needs the packages in place. Ends with a WorkshopError where something does not build; the compiler has said what. */
export async function build() {
  await alone(async () => {
    await step('packages/erasure/build-kernel.mjs');
    await step(typescript, ['-b']);
    await step('services/broker/build-page.mjs');
    await step('packages/cli/build-bundle.mjs');
  });
}

async function step(script, args = []) {
  const status = await run(process.execPath, [script, ...args]);
  if (status !== 0) throw new WorkshopError(`${script} failed.`);
}

await whenStarted(import.meta.url, async () => {
  await prepare({ servers: false });
  await build();
});
