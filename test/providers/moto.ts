import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

const PACKAGE = 'moto[server]==5.2.5';
const FOLDER = join(import.meta.dirname, '../../.local/moto');
const PYTHON = join(FOLDER, 'bin/python');
/** Written last: without it an earlier installation was broken off. */
const READY = join(FOLDER, `ready-${PACKAGE.replaceAll(/[^a-z0-9.]/g, '-')}`);

/** The messages that SES and SNS have taken. */
export type Taken = {
  email: { id: string; source: string; subject: string; body: string; destinations: string }[];
  sms: [to: string, text: string][];
};

/** Starts moto's SES and SNS on a free port of the loopback; it is installed into .local/ at first. */
export async function startMoto() {
  const child = spawn(await motoPython(), [join(import.meta.dirname, 'serve.py')], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const port = await nextLine(lines);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async taken(): Promise<Taken> {
      child.stdin.write('\n');
      return JSON.parse(await nextLine(lines));
    },
    async stop() {
      const ended = new Promise((resolve) => child.on('close', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The Python that has moto, which is installed at first. */
export async function motoPython(): Promise<string> {
  if (!existsSync(READY)) await install();
  return PYTHON;
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error(`moto has ended. Remove ${FOLDER} to have it installed again.`);
  return value;
}

async function install(): Promise<void> {
  process.stderr.write(`installing ${PACKAGE} into ${FOLDER}\n`);
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  try {
    await run('python3', ['-m', 'venv', FOLDER], { timeout: 60_000 });
  } catch (error) {
    const missing = 'These tests need Python 3 with venv (Debian: apt-get install python3-venv)';
    throw new Error(`${missing}: ${error instanceof Error ? error.message : error}`);
  }
  await run(PYTHON, ['-m', 'pip', 'install', '--quiet', PACKAGE], { timeout: 300_000 });
  await writeFile(READY, '');
}
