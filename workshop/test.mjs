// `npm test`: prepares, builds, and runs the tests. `--unit` runs only those that need no server and no process;
// every other argument goes to vitest. The last line counts what ran: `N passed, N failed, N skipped`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { run, say, whenStarted } from './checkout.mjs';
import { countResults } from './count-results.mjs';
import { installBrowserForCi } from './install-browser.mjs';
import { prepare } from './prepare.mjs';

const vitest = 'node_modules/vitest/vitest.mjs';

async function test(args) {
  const unit = args.includes('--unit');
  const rest = args.filter((argument) => argument !== '--unit');
  await prepare({ servers: !unit });
  if (!unit) await installBrowserForCi();
  say('Building…');
  await build();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-results-'));
  try {
    const file = join(folder, 'results.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const project = unit ? ['--project=unit'] : [];
    const status = await run(process.execPath, [vitest, 'run', ...reporters, ...project, ...rest]);
    return report(file, status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(file, status) {
  let counts;
  try {
    counts = countResults(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    say('The tests ended before they could report.');
    return status || 1;
  }
  if (status !== 0 && counts.failed === 0)
    say('No single test failed, but the run as a whole did: see above.');
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  return status || (counts.failed > 0 ? 1 : 0);
}

await whenStarted(import.meta.url, test);
