// Joins the command, the services it runs and the packages they use into a few files: a node or a command then starts in
// half the time that a thousand modules take to be found, read and linked one by one.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const target = join(import.meta.dirname, 'build');

/** Modules of ours find their threads, kernels and pages by where they lie themselves, and that is where they stay. */
const stayWhereTheyAre = {
  name: 'stay-where-they-are',
  setup({ onLoad }) {
    onLoad(
      { filter: /[/\\](packages|services)[/\\][^/\\]+[/\\](dist|src)[/\\].*\.m?js$/ },
      async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes('import.meta.')) return undefined;
        const place = relative(target, path).replaceAll('\\', '/');
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

const { metafile } = await build({
  entryPoints: { holdfast: join(import.meta.dirname, 'dist', 'index.js') },
  outdir: target,
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
  metafile: true,
  logLevel: 'warning',
});
const made = new Set(Object.keys(metafile.outputs).map((path) => relative(target, path)));
for (const name of await readdir(target)) if (!made.has(name)) await rm(join(target, name));
