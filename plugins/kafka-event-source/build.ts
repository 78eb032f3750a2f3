// Before `npm pack`, builds dist/ and writes the package.json of the package, because Node takes no
// TypeScript from a package below node_modules. With --undo, after `npm pack`, restores package.json.
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const inside = (file: string) => join(import.meta.dirname, file);
const [manifest, kept] = [inside('package.json'), inside('package.json.source')];

if (process.argv.includes('--undo')) renameSync(kept, manifest);
else await prepare();

async function prepare(): Promise<void> {
  await build({
    entryPoints: ['index.ts', 'lambda/worker.ts'].map(inside),
    entryNames: '[name]', // The worker must lie beside the file that starts it.
    outdir: inside('dist'),
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node24',
    format: 'esm',
  });
  copyFileSync(inside('index.d.mts'), inside('dist/index.d.ts'));
  copyFileSync(inside('lambda/python-runtime.py'), inside('dist/python-runtime.py'));
  // The copy already exists if an earlier pack was killed.
  if (!existsSync(kept)) copyFileSync(manifest, kept);
  const { scripts, devDependencies, ...source } = JSON.parse(readFileSync(kept, 'utf8'));
  const entry = { types: './dist/index.d.ts', default: './dist/index.js' };
  const packed = { ...source, exports: { ...source.exports, '.': entry } };
  writeFileSync(manifest, `${JSON.stringify(packed, null, 2)}\n`);
}
