/** The terminals of a reader, who runs each command in one of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hasEnded, outputOf } from '../support/program.ts';
import { until } from '../support/until.ts';

/** Words of a command that goes on: of the package's own, and of serverless-offline. */
const READY = /\bready\b|\blistening on\b/i;
const COMMAND_MS = 240_000;

interface Terminal {
  readonly command: string;
  readonly child: ChildProcess;
  readonly output: () => string;
}

export class Terminals implements AsyncDisposable {
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #all: Terminal[] = [];

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = env;
  }

  /** Runs a command until it has ended, or says that it is ready. @throws Error if it fails */
  async run(command: string): Promise<void> {
    const child = spawn('bash', ['-c', command], {
      cwd: this.#folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const output = outputOf(child);
    this.#all.push({ command, child, output });
    const isOn = () => (hasEnded(child) || READY.test(output()) ? true : undefined);
    await this.#until(`the end of "${command}"`, isOn, COMMAND_MS);
    if (hasEnded(child) && child.exitCode !== 0) throw this.#error(`"${command}" failed`);
  }

  /** Waits until a line is printed in one of the terminals. */
  async sees(line: string, limitMs: number): Promise<void> {
    const isPrinted = () => this.#all.some(({ output }) => output().includes(line)) || undefined;
    await this.#until(`"${line}"`, isPrinted, limitMs);
  }

  /** Ends each command as Ctrl-C does, the last one first. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#all.toReversed()) {
      if (hasEnded(child) || child.pid === undefined) continue;
      const ended = once(child, 'exit', { signal: AbortSignal.timeout(20_000) });
      process.kill(-child.pid, 'SIGINT');
      await ended;
    }
  }

  async #until(what: string, attempt: () => true | undefined, limitMs: number): Promise<void> {
    await until(what, attempt, limitMs).catch((error: unknown) => {
      throw this.#error(String(error));
    });
  }

  #error(message: string): Error {
    const printed = this.#all.map(({ command, output }) => `$ ${command}\n${output()}`);
    return new Error([message, ...printed].join('\n'));
  }
}
