/** A copy of this package in which mutations are tried, so that the work tree stays as it is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { NamedTest } from '../support/fidelity.ts';
import { copySource } from '../support/root.ts';
import { patternOf } from './mutation.ts';

/** Jest's report, as far as it is read here. */
interface Report {
  readonly testResults: readonly {
    /** The file. */
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: 'passed' | 'failed' | 'pending';
    }[];
  }[];
}

export interface Outcome {
  /** The failed tests, with their full names as titles. */
  readonly failed: readonly NamedTest[];
  /** The reason why no test ran, or why the tests did not end. */
  readonly fault?: string;
}

/** Some named tests wait for 40 s, several times, before they fail. */
const LIMIT_MS = 240_000;

export class Copy {
  readonly #folder: string;
  readonly #signal: AbortSignal;

  private constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
  }

  /** @param signal ends the tests that are running */
  static async make(folder: string, signal: AbortSignal): Promise<Copy> {
    await copySource(folder);
    return new Copy(folder, signal);
  }

  /** Runs the tests while the file has another text. */
  async runWith(file: string, text: string, tests: readonly NamedTest[]): Promise<Outcome> {
    const path = join(this.#folder, file);
    const original = await readFile(path, 'utf8');
    await writeFile(path, text);
    try {
      return await this.run(tests);
    } finally {
      await writeFile(path, original);
    }
  }

  async run(tests: readonly NamedTest[]): Promise<Outcome> {
    const report = join(this.#folder, '.report.json');
    await rm(report, { force: true });
    const files = [...new Set(tests.map(({ file }) => file))];
    const options = [
      ...['--json', `--outputFile=${report}`, `--cacheDirectory=${this.#folder}/.cache`],
      ...['--runInBand', '--forceExit', `--testNamePattern=${patternOf(tests)}`],
    ];
    const said = join(this.#folder, '.said.txt');
    const args = ['test', '-s', '--', ...options, '--runTestsByPath', ...files];
    const fault = await this.#npm(args, said);
    if (fault) return { failed: [], fault };
    const text = await readFile(report, 'utf8').catch(() => undefined);
    if (text !== undefined) return this.#read(text);
    const end = (await readFile(said, 'utf8')).trim().slice(-300);
    return { failed: [], fault: `Jest did not run: ${end}` };
  }

  /** @returns the reason if it was ended */
  async #npm(args: readonly string[], said: string): Promise<string | undefined> {
    const errors = await open(said, 'w');
    const child = spawn('npm', args, {
      cwd: this.#folder,
      // Jest's setup then takes the broker of KAFKA_BROKERS.
      env: { ...process.env, LOCAL_BACKEND: 'none' },
      stdio: ['ignore', 'ignore', errors.fd],
      detached: true,
    });
    const limit = AbortSignal.timeout(LIMIT_MS);
    const end = () => {
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
    };
    const ends = AbortSignal.any([limit, this.#signal]);
    if (ends.aborted) end();
    ends.addEventListener('abort', end, { once: true });
    await once(child, 'close');
    ends.removeEventListener('abort', end);
    await errors.close();
    if (limit.aborted) return `not over after ${LIMIT_MS / 1000} s`;
    return this.#signal.aborted ? 'interrupted' : undefined;
  }

  #read(text: string): Outcome {
    const { testResults } = JSON.parse(text) as Report;
    const ran = testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status !== 'pending')
        .map(({ fullName: title, status }) => ({
          file: relative(this.#folder, name),
          title,
          status,
        })),
    );
    if (ran.length > 0) return { failed: ran.filter(({ status }) => status === 'failed') };
    const why = testResults.map(({ message }) => message.trim()).join(' ');
    return { failed: [], fault: `no test ran: ${why.slice(0, 300)}` };
  }
}
