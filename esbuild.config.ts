import { glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { type BuildOptions, build, context, type OutputFile, type Plugin } from 'esbuild';
import { trim } from './plugins/build/trim.ts';

const OUT = 'dist';

/** esbuild's ES modules have no `require`, which the CommonJS packages inside them call. */
const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

const CREDENTIALS = join(import.meta.dirname, 'lib/credentials.ts');

/** The other two are what the signer for MSK would use if it were not given credentials. */
const ALIASES = {
  '@aws-sdk/credential-provider-node': CREDENTIALS,
  '@aws-sdk/credential-providers': CREDENTIALS,
  '@aws-sdk/client-sts': CREDENTIALS,
};

/** What a build made: every function of the service by its name, and the bytes of its bundle. */
export type BuildReport = { functions: { name: string; bytes: number }[]; milliseconds: number };

/**
 * Builds one minified ES module with a source map for every `functions/<name>/handler.ts` of the
 * service, as `dist/<name>/handler.js`. Nothing is left to be found at run time: a bundle runs from
 * a folder of its own.
 *
 * @throws what esbuild has to say about the code
 */
export async function buildFunctions(serviceDir: string): Promise<BuildReport> {
  const start = performance.now();
  const { outputFiles } = await build(await optionsFor(serviceDir));
  await writeOutput(outputFiles);
  return report(serviceDir, outputFiles, start);
}

/**
 * Builds, and again at every change of the code. A build that fails leaves the bundles as they were.
 *
 * @param built called after every build that changed a bundle, the first one apart
 * @param failed called with esbuild's messages, which esbuild prints too
 */
export async function watchFunctions(
  serviceDir: string,
  { built, failed }: { built: () => void; failed: (errors: number) => void },
): Promise<{ stop(): Promise<void> }> {
  const first = Promise.withResolvers<void>();
  let last = '';
  const write: Plugin = {
    name: 'write',
    setup: ({ onEnd }) => {
      onEnd(async ({ errors, outputFiles = [] }) => {
        if (errors.length > 0) {
          first.reject(new Error('The functions do not build; esbuild says why above.'));
          failed(errors.length);
          return;
        }
        const now = outputFiles.map(({ hash }) => hash).join();
        if (now === last) return;
        await writeOutput(outputFiles);
        if (last !== '') built();
        last = now;
        first.resolve();
      });
    },
  };
  const options = await optionsFor(serviceDir);
  const plugins = [...options.plugins, write];
  const watcher = await context({ ...options, logLevel: 'warning', plugins });
  await watcher.watch();
  try {
    await first.promise;
  } catch (error) {
    await watcher.dispose();
    throw error;
  }
  return { stop: () => watcher.dispose() };
}

async function optionsFor(serviceDir: string) {
  const handlers = await Array.fromAsync(glob('functions/*/handler.ts', { cwd: serviceDir }));
  return {
    absWorkingDir: serviceDir,
    entryPoints: handlers.toSorted().map((file) => ({
      in: file,
      out: join(basename(dirname(file)), 'handler'),
    })),
    outdir: OUT,
    write: false,
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
    plugins: [trim],
    legalComments: 'none',
    logLevel: 'warning',
  } satisfies BuildOptions;
}

/** Each file whole or not at all: another process may be loading it at this moment. */
async function writeOutput(files: OutputFile[]): Promise<void> {
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

function report(serviceDir: string, files: OutputFile[], start: number): BuildReport {
  const functions = files
    .filter(({ path }) => path.endsWith('.js'))
    .map(({ path, contents }) => ({
      name: dirname(relative(join(serviceDir, OUT), path)),
      bytes: contents.length,
    }));
  return { functions, milliseconds: Math.round(performance.now() - start) };
}

/** Not awaited at the top level: osls loads this file by `require`, through plugins/build. */
async function main(): Promise<void> {
  const { functions, milliseconds } = await buildFunctions(import.meta.dirname);
  for (const { name, bytes } of functions) console.log(`${name}\t${Math.ceil(bytes / 1024)} KB`);
  console.log(`${functions.length} functions built into ${OUT}/ in ${milliseconds} ms`);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(`The functions do not build: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  });
}
