import { existsSync } from 'node:fs';
import { glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type BuildOptions,
  type BuildResult,
  build,
  type Metafile,
  type Plugin,
  stop,
} from 'esbuild';
import { type Build, keepBuild, lastBuild } from './plugins/build/fresh.ts';
import { NOTICES, noticesOf } from './plugins/build/notices.ts';
import { watchFolders } from './plugins/build/watch.ts';

const OUT = 'dist';

/** The folders of code, until the first build has listed its inputs. */
const SOURCES = ['functions', 'lib'];

/** esbuild's ES modules have no `require`, which the CommonJS packages inside them call. */
const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

const CREDENTIALS = join(import.meta.dirname, 'lib/credentials.ts');

/**
 * The SDK's chain of credential providers costs 10 ms of every initialisation; Lambda gives its
 * credentials in the environment. The signer for MSK brings the second and third package, and uses neither.
 */
const ALIASES = {
  '@aws-sdk/credential-provider-node': CREDENTIALS,
  '@aws-sdk/credential-providers': CREDENTIALS,
  '@aws-sdk/client-sts': CREDENTIALS,
};

/** The settings of every bundle. */
export const BUNDLE = {
  bundle: true,
  minify: true,
  sourcemap: 'linked',
  sourcesContent: false,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  banner: { js: REQUIRE },
  alias: ALIASES,
  legalComments: 'none',
  logLevel: 'warning',
} satisfies BuildOptions;

/**
 * OpenTelemetry is a separate file beside each bundle: code that is loaded and never runs makes an
 * initialisation longer.
 */
const OTEL = 'lib/otel.ts';
/** Its folder in esbuild's output, as deep as a bundle's; no function's folder begins with a dot. */
const OTEL_OUT = '.otel';
const OTEL_BESIDE: Plugin = {
  name: 'otel beside',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/otel\.ts$/ }, () => ({ path: './otel.js', external: true }));
  },
};

/** The result of a build: every function of the service by its name, and the bytes of its bundle. */
export type BuildReport = { functions: { name: string; bytes: number }[]; milliseconds: number };

/**
 * Builds one minified ES module with a source map for every `functions/<name>/handler.ts` of the
 * service, as `dist/<name>/handler.js`, and the notices of its packages beside it. A bundle holds all
 * packages that its function uses, the AWS SDK too, and runs from a folder of its own.
 *
 * @param only the one function to build; without it, all of them
 * @throws esbuild's errors about the code
 */
export async function buildFunctions(serviceDir: string, only?: string): Promise<BuildReport> {
  const start = performance.now();
  const { bundles } = await buildAndWrite(serviceDir, only);
  return report(bundles, start);
}

/**
 * Builds, unless the last build is still valid, and again at every change of the code. A build that fails leaves the
 * bundles as they were. Between two builds esbuild does not run: it would keep several hundred megabytes.
 *
 * @param built called after every build except the first that changed a bundle
 * @param failed called after every failed build except the first; esbuild prints the reason
 * @returns a function that ends the watching
 */
export async function watchFunctions(
  serviceDir: string,
  { built, failed }: { built: () => void; failed: () => void },
): Promise<() => void> {
  let last: Pick<Build, 'hash' | 'folders'> = { hash: '', folders: SOURCES };
  const rebuild = async () => {
    const now = await buildAndWrite(serviceDir).finally(stop);
    const isNew = now.hash !== last.hash;
    last = now;
    return isNew;
  };
  const begin = async () => {
    const kept = await lastBuild(serviceDir, await handlersIn(serviceDir));
    if (kept) last = kept;
    else await rebuild();
  };
  const first = begin();
  const unwatch = watchFolders(
    serviceDir,
    () => last.folders,
    () => first.then(rebuild).then((isNew) => (isNew ? built() : undefined), failed),
  );
  await first.catch((error: unknown) => {
    unwatch();
    throw error;
  });
  return unwatch;
}

/** One build of all functions, or of one. */
async function buildAndWrite(serviceDir: string, only?: string) {
  const since = new Date();
  const handlers = await handlersIn(serviceDir, only);
  const result = await build(optionsFor(serviceDir, handlers));
  const hash = result.outputFiles.map((file) => file.hash).join();
  const { bundles, metafile } = withOtelBeside(handlers, result);
  const written = await writeBundles(serviceDir, bundles, metafile);
  const inputs = Object.keys(metafile.inputs);
  const tops = inputs.flatMap(
    (path) => /^(?!node_modules\/|\.\.\/)([^/:]+)\//.exec(path)?.[1] ?? [],
  );
  const folders = [...new Set([...SOURCES, ...tops])];
  const read = [...inputs, ...(await madeBy(serviceDir))];
  if (!only) await keepBuild(serviceDir, { hash, folders, handlers }, { read, written, since });
  return { bundles, hash, folders };
}

/** The files beside the functions' code that a bundle depends on: this build itself, its packages and settings. */
async function madeBy(serviceDir: string): Promise<string[]> {
  const own = ['esbuild.config.ts', 'package-lock.json', 'plugins/build/*.ts'];
  const files = await Array.fromAsync(glob(own, { cwd: import.meta.dirname }));
  return [
    ...files.map((file) => join(import.meta.dirname, file)),
    join(serviceDir, 'tsconfig.json'),
  ];
}

async function handlersIn(serviceDir: string, name = '*'): Promise<string[]> {
  const pattern = `functions/${name}/handler.ts`;
  return (await Array.fromAsync(glob(pattern, { cwd: serviceDir }))).toSorted();
}

function optionsFor(serviceDir: string, handlers: string[]) {
  const otel = existsSync(join(serviceDir, OTEL))
    ? [{ in: OTEL, out: join(OTEL_OUT, 'otel') }]
    : [];
  return {
    ...BUNDLE,
    absWorkingDir: serviceDir,
    entryPoints: [
      ...handlers.map((file) => ({ in: file, out: join(folderOf(file), 'handler') })),
      ...otel,
    ],
    plugins: [OTEL_BESIDE],
    outdir: OUT,
    write: false,
    metafile: true,
  } satisfies BuildOptions;
}

type Built = BuildResult<{ metafile: true; write: false }>;
type Bundle = { path: string; contents: Uint8Array };
type File = Bundle | { path: string; contents: string };

/** The output of a build, with the files of OpenTelemetry, which is built once, beside each bundle. */
function withOtelBeside(handlers: string[], { outputFiles, metafile }: Built) {
  const placesOf = (path: string) => {
    const folder = dirname(path);
    if (basename(folder) !== OTEL_OUT) return [path];
    return handlers.map((file) => join(dirname(folder), folderOf(file), basename(path)));
  };
  const bundles: Bundle[] = outputFiles.flatMap(({ path, contents }) =>
    placesOf(path).map((place) => ({ path: place, contents })),
  );
  const outputs = Object.entries(metafile.outputs).flatMap(([path, output]) =>
    placesOf(path).map((place) => [place, output] as const),
  );
  return { bundles, metafile: { ...metafile, outputs: Object.fromEntries(outputs) } };
}

/** The name of a handler's folder, in functions/ as in dist/. */
function folderOf(handler: string): string {
  return basename(dirname(handler));
}

/** Writes the bundles, each with its notices and its package.json beside it, and returns all paths. */
async function writeBundles(serviceDir: string, bundles: Bundle[], metafile: Metafile) {
  const beside = [...(await noticesOf(metafile, serviceDir))].flatMap(([folder, notices]) => [
    { path: join(folder, NOTICES), contents: notices },
    { path: join(folder, 'package.json'), contents: '{ "type": "module" }\n' },
  ]);
  const files = [...bundles, ...beside];
  await writeOutput(files);
  return files.map(({ path }) => path);
}

/** Writes each file whole or not at all: another process may be loading it at this moment. */
async function writeOutput(files: File[]): Promise<void> {
  await Promise.all(
    files.map(async ({ path, contents }) => {
      await mkdir(dirname(path), { recursive: true });
      await writeWhole(path, contents);
    }),
  );
}

/** Leaves an unchanged file untouched: another process may be packing it. */
async function writeWhole(path: string, contents: Uint8Array | string): Promise<void> {
  if (await isAlready(path, contents)) return;
  const temporary = `${path}.${process.pid}.${crypto.randomUUID()}`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

async function isAlready(path: string, contents: Uint8Array | string): Promise<boolean> {
  try {
    return (await readFile(path)).equals(Buffer.from(contents));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function report(bundles: Bundle[], start: number): BuildReport {
  const functions = bundles
    .filter(({ path }) => basename(path) === 'handler.js')
    .map(({ path, contents }) => ({
      name: folderOf(path),
      bytes: contents.length,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { functions, milliseconds: Math.round(performance.now() - start) };
}

/** Has no await at the top level: osls loads this file by `require`, through plugins/build. */
async function main(): Promise<void> {
  const { functions, milliseconds } = await buildFunctions(import.meta.dirname);
  for (const { name, bytes } of functions) console.log(`${name}\t${Math.ceil(bytes / 1000)} KB`);
  console.log(`${functions.length} functions built into ${OUT}/ in ${milliseconds} ms`);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(`The functions do not build: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  });
}
