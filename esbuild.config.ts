import { glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { type BuildOptions, type BuildResult, build, context, type Plugin } from 'esbuild';
import { NOTICES, noticesOf } from './plugins/build/notices.ts';

const OUT = 'dist';

/** esbuild's ES modules have no `require`, which the CommonJS packages inside them call. */
const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

const CREDENTIALS = join(import.meta.dirname, 'lib/credentials.ts');

/**
 * The SDK's chain of credential providers costs 10 ms of every initialisation; Lambda's credentials
 * stand in the environment. The signer for MSK brings the second and third package, and uses neither.
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

/** OpenTelemetry is a file of its own beside each bundle: code that never runs costs an initialisation, too. */
const OTEL_BESIDE: Plugin = {
  name: 'otel beside',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/otel\.ts$/ }, () => ({ path: './otel.js', external: true }));
  },
};

/** What a build made: every function of the service by its name, and the bytes of its bundle. */
export type BuildReport = { functions: { name: string; bytes: number }[]; milliseconds: number };

/**
 * Builds one minified ES module with a source map for every `functions/<name>/handler.ts` of the
 * service, as `dist/<name>/handler.js`, and the notices of its packages beside it. A bundle holds all
 * packages that its function uses, the AWS SDK too, and runs from a folder of its own.
 *
 * @param only the one function to build; without it, all of them
 * @throws what esbuild has to say about the code
 */
export async function buildFunctions(serviceDir: string, only?: string): Promise<BuildReport> {
  const start = performance.now();
  const built = await build(await optionsFor(serviceDir, only));
  await writeBundles(serviceDir, built);
  return report(serviceDir, built.outputFiles, start);
}

/**
 * Builds, and again at every change of the code. A build that fails leaves the bundles as they were.
 *
 * @param built called after every build that changed a bundle, the first one apart
 * @param failed called after every build that failed, the first one apart; esbuild says why
 */
export async function watchFunctions(
  serviceDir: string,
  { built, failed }: { built: () => void; failed: () => void },
): Promise<{ stop(): Promise<void> }> {
  const first = Promise.withResolvers<void>();
  let last: string | undefined;
  const end = async (result: Built) => {
    try {
      if (result.errors.length > 0) {
        throw new Error('The functions do not build; esbuild says why above.');
      }
      const now = result.outputFiles.map(({ hash }) => hash).join();
      if (now === last) return;
      await writeBundles(serviceDir, result);
      if (last !== undefined) built();
      last = now;
      first.resolve();
    } catch (error) {
      first.reject(error);
      if (last !== undefined) failed();
      // esbuild prints its own errors; what else is thrown here it prints, too.
      if (result.errors.length === 0) throw error;
    }
  };
  const options = await optionsFor(serviceDir);
  const watcher = await context({
    ...options,
    plugins: [
      ...options.plugins,
      { name: 'write', setup: ({ onEnd }) => onEnd((result) => end(result as Built)) },
    ],
  });
  await watcher.watch();
  try {
    await first.promise;
  } catch (error) {
    await watcher.dispose();
    throw error;
  }
  return { stop: () => watcher.dispose() };
}

async function optionsFor(serviceDir: string, only = '*') {
  const handlers = await Array.fromAsync(glob(`functions/${only}/handler.ts`, { cwd: serviceDir }));
  const beside = await Array.fromAsync(glob('lib/otel.ts', { cwd: serviceDir }));
  return {
    ...BUNDLE,
    absWorkingDir: serviceDir,
    entryPoints: handlers.toSorted().flatMap((file) => {
      const name = basename(dirname(file));
      return [file, ...beside].map((path) => ({
        in: path,
        out: join(name, basename(path, '.ts')),
      }));
    }),
    plugins: [OTEL_BESIDE],
    outdir: OUT,
    write: false,
    metafile: true,
  } satisfies BuildOptions;
}

type Built = BuildResult<{ metafile: true; write: false }>;

/** Writes the bundles, each with the notices of its packages beside it. */
async function writeBundles(serviceDir: string, { outputFiles, metafile }: Built): Promise<void> {
  const notices = [...(await noticesOf(metafile, serviceDir))].map(([folder, contents]) => ({
    path: join(folder, NOTICES),
    contents,
  }));
  await writeOutput([...outputFiles, ...notices]);
}

type File = { path: string; contents: Uint8Array | string };

/** Each file whole or not at all: another process may be loading it at this moment. */
async function writeOutput(files: File[]): Promise<void> {
  await Promise.all(
    files.map(async ({ path, contents }) => {
      await mkdir(dirname(path), { recursive: true });
      await writeWhole(path, contents);
      await writeWhole(join(dirname(path), 'package.json'), '{ "type": "module" }\n');
    }),
  );
}

/** What is the same stays untouched: another process may be packing it. */
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
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

function report(
  serviceDir: string,
  files: { path: string; contents: Uint8Array }[],
  start: number,
): BuildReport {
  const functions = files
    .filter(({ path }) => basename(path) === 'handler.js')
    .map(({ path, contents }) => ({
      name: dirname(relative(join(serviceDir, OUT), path)),
      bytes: contents.length,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { functions, milliseconds: Math.round(performance.now() - start) };
}

/** Not awaited at the top level: osls loads this file by `require`, through plugins/build. */
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
