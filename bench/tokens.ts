// Measures the check of a token: one check in a warm instance, and the time that it adds to the
// cold start of a bundle which has zod and the logger already.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { systemClock } from '../lib/clock.ts';
import { createKeys } from '../lib/identity/keys.ts';
import { createTokens } from '../lib/identity/token.ts';
import { createSigner, customerClaims, SETTINGS } from '../test/support/tokens.ts';
import { median, table } from './figures.ts';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '..');
const CHECKS = 5000;
const STARTS = 25;

const WITHOUT = `import './lib/logger.ts'; import './lib/fields.ts';`;
const WITH = `${WITHOUT}
export { createKeys } from './lib/identity/keys.ts';
export { createTokens } from './lib/identity/token.ts';
export { decide } from './lib/identity/rule.ts';`;

const MEASURE = `
  const start = performance.now();
  await import(process.argv[1]);
  process.stdout.write(String(performance.now() - start), () => process.exit());
`;

async function checks(alg: string): Promise<number> {
  const signer = await createSigner(alg);
  const settings = { ...SETTINGS, algorithms: [alg] };
  const keys = createKeys({ given: { keys: [signer.jwk] } }, systemClock);
  const read = createTokens({ settings, keys, clock: systemClock });
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const times: number[] = [];
  for (let count = 0; count < CHECKS; count += 1) {
    const token = `Bearer ${await signer.sign(customerClaims({ exp, jti: String(count) }))}`;
    const start = performance.now();
    await read(token);
    times.push(performance.now() - start);
  }
  return median(times);
}

async function bundle(folder: string, name: string, contents: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  const stdin = { contents, resolveDir: ROOT, loader: 'ts' } as const;
  const options = { bundle: true, minify: true, platform: 'node', format: 'esm' } as const;
  const { outputFiles } = await build({
    ...options,
    stdin,
    outfile,
    target: 'node24',
    write: false,
  });
  await writeFile(outfile, outputFiles[0]?.contents ?? '');
  return outfile;
}

async function start(file: string): Promise<number> {
  const args = ['--input-type=module', '-e', MEASURE, file];
  return Number((await run(process.execPath, args, { timeout: 20_000 })).stdout);
}

async function main(): Promise<void> {
  const rows = [];
  for (const alg of ['RS256', 'RS512', 'ES256', 'EdDSA']) {
    rows.push([alg, (await checks(alg)).toFixed(3)]);
  }
  console.log(table(['algorithm', `ms a check (median of ${CHECKS})`], rows));
  const folder = await mkdtemp(join(tmpdir(), 'bench-tokens-'));
  const files = [await bundle(folder, 'without', WITHOUT), await bundle(folder, 'with', WITH)];
  const times: number[][] = [[], []];
  for (let count = 0; count < STARTS; count += 1) {
    for (const [index, file] of files.entries()) times[index]?.push(await start(file));
  }
  const [without = 0, withTokens = 0] = times.map(median);
  const figures = [without, withTokens, withTokens - without].map((ms) => ms.toFixed(1));
  console.log(table(['ms to load without', 'with', `added (medians of ${STARTS})`], [figures]));
  await rm(folder, { recursive: true });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
