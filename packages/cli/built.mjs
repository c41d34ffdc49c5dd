// The `holdfast` command of this checkout, as it was built: for what starts it.
import { existsSync } from 'node:fs';

const built = new URL('./build/holdfast.js', import.meta.url);

/** @returns {Promise<number>} */
async function sayNotBuilt() {
  process.stderr.write('holdfast is not built yet: run `npm run build` in its checkout first\n');
  return 1;
}

/**
 * Runs one command: see src/main.ts.
 *
 * @type {(args: readonly string[]) => Promise<number>}
 */
export const main = existsSync(built) ? (await import(built.href)).main : sayNotBuilt;
