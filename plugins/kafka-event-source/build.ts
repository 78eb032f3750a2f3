// Before `npm pack`, builds dist/ and writes the package.json of the package, because Node takes no
// TypeScript from a package below node_modules. With --undo, after `npm pack`, removes and restores them.
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { bundle, licenceOf } from './console/bundle.ts';
import { OLDEST_NODE } from './node-version.ts';

const inside = (file: string) => join(import.meta.dirname, file);
const [manifest, kept] = [inside('package.json'), inside('package.json.source')];

/** The protobuf decoder is in the package, so that traces in protobuf need no further package. */
const carried: Plugin = {
  name: 'carried',
  setup({ onResolve }) {
    onResolve({ filter: /^protobufjs\/light\.js$/ }, () => ({
      path: './protobuf.js',
      external: true,
    }));
  },
};

const OPTIONS = {
  bundle: true,
  packages: 'external',
  plugins: [carried],
  platform: 'node',
  target: `node${OLDEST_NODE}`,
} satisfies BuildOptions;

// An earlier build has other chunks, which would be packed, too.
rmSync(inside('dist'), { recursive: true, force: true });
if (process.argv.includes('--undo')) renameSync(kept, manifest);
else await prepare();

/** The test kit for tests that are CommonJS, as those of jest are by default: its `require` takes no modules. */
async function buildForRequire(): Promise<void> {
  await build({
    ...OPTIONS,
    entryPoints: [inside('testing/testing.ts')],
    outfile: inside('dist/testing.cjs'),
    format: 'cjs',
    supported: { 'dynamic-import': false },
    banner: { js: "const fileUrl = require('node:url').pathToFileURL(__filename).href;" },
    define: { 'import.meta.url': 'fileUrl', 'import.meta.dirname': '__dirname' },
  });
}

async function buildProtobuf(): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(import.meta.resolve('protobufjs/light.js'))],
    outfile: inside('dist/protobuf.js'),
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    // Their licences go with each copy.
    banner: { js: ['protobufjs', 'long'].map(noticeOf).join('\n') },
  });
}

async function prepare(): Promise<void> {
  await build({
    ...OPTIONS,
    entryPoints: [
      'index.ts',
      'testing/testing.ts',
      'cli/main.ts',
      'lambda/worker.ts',
      'recorder/thread.ts',
      'broker/supervisor.ts',
    ].map(inside),
    entryNames: '[name]', // Workers and supervisor must lie beside the file that starts them.
    outdir: inside('dist'),
    splitting: true,
    sourcemap: true,
    format: 'esm',
  });
  await buildForRequire();
  await buildProtobuf();
  await bundle({ outdir: inside('dist') });
  const types = readFileSync(inside('testing/types.ts'), 'utf8');
  for (const kind of ['', 'c']) {
    copyFileSync(inside('index.d.mts'), inside(`dist/index.d.${kind}ts`));
    const own = types.replace('../index.d.mts', `./index.${kind}js`);
    writeFileSync(inside(`dist/testing.d.${kind}ts`), own);
  }
  copyFileSync(inside('lambda/python-runtime.py'), inside('dist/python-runtime.py'));
  // The jars of the broker.
  copyFileSync(inside('broker/pom.xml'), inside('dist/pom.xml'));
  // The copy already exists if an earlier pack was killed.
  if (!existsSync(kept)) copyFileSync(manifest, kept);
  const { scripts, devDependencies, ...source } = JSON.parse(readFileSync(kept, 'utf8'));
  const entry = { types: './dist/index.d.ts', default: './dist/index.js' };
  const bin = Object.fromEntries(Object.keys(source.bin).map((name) => [name, './dist/main.js']));
  const testing = {
    import: { types: './dist/testing.d.ts', default: './dist/testing.js' },
    require: { types: './dist/testing.d.cts', default: './dist/testing.cjs' },
  };
  const exports = { ...source.exports, '.': entry, './testing': testing };
  // For compilers that read no `exports`, such as with `"module": "commonjs"`.
  const typesVersions = { '*': { testing: ['./dist/testing.d.cts'] } };
  const packed = { ...source, bin, exports, types: entry.types, typesVersions };
  writeFileSync(manifest, `${JSON.stringify(packed, null, 2)}\n`);
}

/** The licence of a package, as a comment. */
function noticeOf(name: string): string {
  return `/*! ${name}\n${licenceOf(name)}*/`;
}
