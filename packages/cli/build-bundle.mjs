// Joins the command, the services it runs and the packages they use into a few files: a node or a command then starts in
// half the time that a thousand modules take to be found, read and linked one by one.
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const target = join(import.meta.dirname, 'build');
/** What is started: it names the folder of the last build. */
const entry = join(target, 'holdfast.js');
/** Milliseconds for which a build that is neither the last nor the one before it is kept. */
const keptFor = 60 * 60 * 1000;

/** Modules of ours find their threads, kernels and pages by where they lie themselves, and that is where they stay. */
const stayWhereTheyAre = {
  name: 'stay-where-they-are',
  setup({ onLoad }) {
    onLoad(
      { filter: /[/\\](packages|services)[/\\][^/\\]+[/\\](dist|src)[/\\].*\.m?js$/ },
      async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes('import.meta.')) return undefined;
        const place = relative(join(target, 'build'), path).replaceAll('\\', '/');
        const contents = source
          .replaceAll('import.meta.url', 'ownPlace.href')
          .replaceAll('import.meta.dirname', "fileUrlToOwnPath(new URL('.', ownPlace))");
        return {
          contents: [
            "import { fileURLToPath as fileUrlToOwnPath } from 'node:url';",
            `const ownPlace = new URL(${JSON.stringify(place)}, import.meta.url);`,
            contents,
          ].join('\n'),
        };
      },
    );
  },
};

const { outputFiles } = await build({
  entryPoints: { holdfast: join(import.meta.dirname, 'dist', 'index.js') },
  outdir: target,
  write: false,
  bundle: true,
  // What a command does not do is not loaded.
  splitting: true,
  chunkNames: '[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: ['node20'],
  legalComments: 'external',
  // An optional part of pg that is not among our packages.
  external: ['pg-native'],
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  plugins: [stayWhereTheyAre],
  logLevel: 'warning',
});

// A node loads parts of itself long after its start, and may be started at any moment: each build has a folder of its own,
// is whole before the entry names it, and stays for as long as somebody may run it.
const hash = createHash('sha256');
for (const { path, hash: content } of outputFiles) hash.update(`${relative(target, path)} ${content}\n`);
const name = hash.digest('hex').slice(0, 16);
const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );
if (!(await exists(join(target, name)))) {
  const unfinished = join(target, `${name}.${process.pid}`);
  await mkdir(unfinished, { recursive: true });
  for (const { path, contents } of outputFiles)
    await writeFile(join(unfinished, relative(target, path)), contents);
  await rename(unfinished, join(target, name));
}
const before = /'\.\/([0-9a-f]+)\//.exec(await readFile(entry, 'utf8').catch(() => ''))?.[1] ?? '';
if (before !== name) {
  await writeFile(`${entry}.new`, `export * from './${name}/holdfast.js';\n`);
  await rename(`${entry}.new`, entry);
}
for (const other of await readdir(target)) {
  const path = join(target, other);
  const kept = path === entry || other === name || other === before;
  if (!kept && Date.now() - (await stat(path)).mtimeMs > keptFor) await rm(path, { recursive: true });
}
