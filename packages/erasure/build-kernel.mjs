// Compiles kernel/kernel.ts to dist/kernel.wasm, unless the output is already newer than what it is made from.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = new URL('kernel/kernel.ts', import.meta.url);
const output = new URL('dist/kernel.wasm', import.meta.url);

function isUpToDate() {
  const built = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return [source, new URL(import.meta.url), new URL('package.json', import.meta.url)].every(
    (file) => statSync(file).mtimeMs < built,
  );
}

async function compile() {
  const { default: asc } = await import('assemblyscript/asc');
  let binary;
  let complaints = '';
  const { error } = await asc.main(
    ['kernel.ts', '--enable', 'simd', '--runtime', 'stub', '-O3', '--noAssert', '--outFile', 'kernel.wasm'],
    {
      readFile: (name) => (name === 'kernel.ts' ? readFileSync(source, 'utf8') : null),
      writeFile: (_name, contents) => {
        binary = contents;
      },
      listFiles: () => [],
      stderr: {
        write: (text) => {
          complaints += text;
        },
      },
    },
  );
  if (error !== null || binary === undefined)
    throw new Error(`the erasure kernel does not compile: ${complaints || error}`);
  // Renamed into place, so that a build at the same time, or a reader, never sees half of it.
  const partial = `${fileURLToPath(output)}.${process.pid}`;
  mkdirSync(new URL('.', output), { recursive: true });
  writeFileSync(partial, binary);
  renameSync(partial, output);
}

if (!isUpToDate()) await compile();
