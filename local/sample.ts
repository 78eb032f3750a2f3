import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshToken, readWanted } from './issuer/token.ts';

const ROOT = join(import.meta.dirname, '..');

const help = `npm run sample calls a function with a sample of events/, by "sls invoke local".

  npm run sample -- createOrder                          as it is
  npm run sample -- createOrder --customer customer-1    with a fresh token of the local issuer
  npm run sample -- updateStatus.invalid --operator      the other options of "npm run token" go, too
`;

/** @returns the exit code of `sls invoke local` */
async function main([sample, ...options]: string[]): Promise<number> {
  if (!sample || sample.startsWith('-') || sample === 'help') {
    process.stdout.write(help);
    return sample === undefined ? 1 : 0;
  }
  const file = join(ROOT, 'events', `${sample}.json`);
  if (!existsSync(file)) throw new Error(`There is no sample events/${sample}.json.`);
  const [name = ''] = sample.split('.');
  if (options.length === 0) return invoke(name, file);
  const { claims, ...wanted } = readWanted(options);
  if (!claims)
    throw new Error('The sample needs a caller: --customer <id>, --operator, --machine.');
  const event = JSON.parse(await readFile(file, 'utf8'));
  const authorization = `Bearer ${await freshToken({ ...wanted, claims })}`;
  const folder = await mkdtemp(join(tmpdir(), 'orders-sample-'));
  try {
    const signed = join(folder, 'event.json');
    const headers = { ...event.headers, authorization };
    await writeFile(signed, JSON.stringify({ ...event, headers }), { mode: 0o600 });
    return await invoke(name, signed);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function invoke(name: string, file: string): Promise<number> {
  const sls = join(ROOT, 'node_modules/.bin/sls');
  const args = [sls, 'invoke', 'local', '-f', name, '-p', file];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('exit', (code) => resolve(code ?? 1));
  return promise;
}

if (import.meta.main) {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : error}\n${help}`);
      process.exitCode = 1;
    },
  );
}
