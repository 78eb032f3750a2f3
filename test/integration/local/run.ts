import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, isFree } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { processes } from '../../../plugins/kafka-event-source/broker/processes.ts';
import { until } from '../../../plugins/kafka-event-source/broker/wait.ts';

const starter = join(import.meta.dirname, 'starter.ts');

/** The names of serverless.yml, whatever the tests around use. */
const names = {
  ORDERS_TABLE: 'orders',
  ORDER_EVENTS_TOPIC: 'order-events',
  ORDER_EVENTS_DLQ: 'order-events-dlq',
  AWS_REGION: 'us-east-1',
};

/** For FUNCTIONS: serverless-offline with the real functions, as `npm start` has it. */
export const OFFLINE = 'offline';

type Command = { command: string; args: string[]; cwd?: string };

/** A start in a folder of its own, its output, and what is left of it. */
export class Run {
  readonly directory = mkdtempSync(join(tmpdir(), 'orders-local-'));
  readonly ports: number[];
  output = '';
  child: ChildProcess | undefined;
  #ended = new AbortController();

  static async create(): Promise<Run> {
    return new Run(await freePorts(4));
  }

  private constructor(ports: number[]) {
    this.ports = ports;
  }

  start(env: Record<string, string> = {}, { command, args, cwd }: Command = node()): Run {
    const [kafka, dynamo, http, lambda] = this.ports.map(String);
    this.output = '';
    this.child = spawn(command, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...names,
        DIRECTORY: this.directory,
        KAFKA_PORT: kafka,
        DYNAMODB_PORT: dynamo,
        HTTP_PORT: http,
        LAMBDA_PORT: lambda,
        EMULATOR_PORT: '0',
        ...env,
      },
    });
    const ended = new AbortController();
    this.#ended = ended;
    this.child.once('close', (code, signal) => {
      ended.abort(new Error(`it has ended (${code ?? signal}), the output is:\n${this.output}`));
    });
    const take = (chunk: string) => {
      this.output += chunk;
    };
    this.child.stdout?.setEncoding('utf8').on('data', take);
    this.child.stderr?.setEncoding('utf8').on('data', take);
    return this;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Waits for a text in the output; an end before it is a failure that shows the output. */
  async says(text: string | RegExp, ms = 60_000): Promise<void> {
    const said = async () => {
      if (this.output.match(text)) return true;
      throw new Error(`the output is:\n${this.output}`);
    };
    await until(`${text}`, ms, said, this.#ended.signal);
  }

  /** The exit code, or the signal. */
  async ended(ms = 10_000): Promise<number | string> {
    return until('the starter to end', ms, async () => {
      return this.child?.exitCode ?? this.child?.signalCode ?? undefined;
    });
  }

  /** Waits until no process that knows the folder is left, and the ports are free. */
  async leavesNothing(ms = 10_000): Promise<void> {
    await until('processes and ports to be gone', ms, async () => {
      const left = this.processes();
      const taken = await Promise.all(this.ports.map(async (p) => ((await isFree(p)) ? [] : p)));
      if (left.length === 0 && taken.flat().length === 0) return true;
      throw new Error(`left: ${taken.flat()} ${left.map((process) => process.command).join('\n')}`);
    });
  }

  processes() {
    return processes().filter(({ command }) => command.includes(this.directory));
  }

  async [Symbol.asyncDispose]() {
    if (this.pid && this.child?.exitCode === null) this.child.kill('SIGKILL');
    try {
      await this.leavesNothing();
    } finally {
      // Only after a failure: what is left would keep the ports, and keep the tests from ending.
      for (const { pid } of this.processes()) process.kill(pid, 'SIGKILL');
      await rm(this.directory, { recursive: true, force: true });
    }
  }
}

export function node(): Command {
  return { command: process.execPath, args: [starter] };
}

/** The same start by npm, as its script. */
export function npm(folder: string): Command {
  return { command: 'npm', args: ['start', '--silent'], cwd: folder };
}

export const startScript = `${process.execPath} ${starter}`;
