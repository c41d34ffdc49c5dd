// Builds the pages (page/) into dist/page: a script for each, one style sheet, one icon.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const source = join(import.meta.dirname, 'page');
const target = join(import.meta.dirname, 'dist', 'page');

await mkdir(target, { recursive: true });
await build({
  entryPoints: ['main.tsx', 'repairs-main.tsx', 'main.css'].map((name) => join(source, name)),
  outdir: target,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  // Its compiler options are for type checking; the bundle's are these.
  tsconfigRaw: {},
  logLevel: 'warning',
});
await copyFile(join(source, 'favicon.svg'), join(target, 'favicon.svg'));
