/**
 * Changes serverless-offline's runners of other languages than Node, so that each call ends as on AWS. The list
 * has the faults of serverless-offline 14.8.2, by their folders below src/lambda/handler-runner/. Each part of
 * this file goes when its fault is mended there.
 *
 * - python-runner/: a call runs into its time limit when the handler answers with None, 0, "" or False, raises an
 *   error, ends its process, or runs a program that leaves a line without an end.
 * - java-runner/: without an answer `run` returns undefined, which the endpoint sends as a success.
 * - go-runner/: an error of the function is returned as its answer, and so is all that it writes to stderr.
 * - docker-runner/: an error of the function is returned as its answer.
 */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { excerpt } from '../excerpt.ts';
import {
  type Call,
  changeRun,
  currentCall,
  type Instance,
  type Run,
  type Runner,
  replaceBuiltin,
} from './serverless-offline.ts';

/** The facts about a function that its runner needs. */
export interface Program {
  /** AWS's name, such as python3.13. */
  readonly runtime?: string | undefined;
  readonly timeoutMs: number;
}

interface Options {
  readonly useDocker?: boolean;
  /** Prints a line of a function. */
  readonly print: (line: string) => void;
}

type Mended = (run: Run, call: Call) => Promise<unknown>;

const FOLDER = './handler-runner';
const PYTHON_SCRIPT = `${FOLDER}/python-runner/invoke.py`;
/** How long the last lines of a process that has ended are waited for; a child of it may keep its output open. */
const LAST_LINES_MS = 500;

/**
 * Makes the calls of these functions end as on AWS until the function that it returns is called. Needs
 * `guardHandlers`, which tells the calls apart.
 *
 * @param functions by their keys
 */
export async function mendRunners(
  functions: ReadonlyMap<string, Program>,
  { useDocker = false, print }: Options,
): Promise<() => void> {
  const lambda = import.meta.resolve('serverless-offline/lambda');
  let isOver = false;
  const ours = () => {
    const call = currentCall();
    const program = call && !isOver ? functions.get(call.functionKey) : undefined;
    return call && program ? { call, program } : undefined;
  };
  const processes = new Processes();
  const folder = process.cwd();
  const mends: Record<string, Mended> = {
    docker: async (run) => answered('Docker', refuseError(await run())),
    python: (run, { instance }) => processes.call(instance, run),
    java: async (run) => answered('Java', await run()),
    ruby: async (run) => answered('Ruby', await run()),
    go: async (run, { instance }) => {
      const output = processes.collect(instance);
      try {
        await run();
      } finally {
        // The runner leaves the process in a folder that it deletes.
        process.chdir(folder);
      }
      for (const line of lines(output.stderr)) print(line);
      return goAnswer(output.stdout);
    },
  };
  const runtimes = [...functions.values()].map(({ runtime = '' }) => runtime);
  const used = Object.entries(mends).filter(([name]) =>
    name === 'docker' ? useDocker : runtimes.some((one) => one.startsWith(name)),
  );
  // Without such functions the process keeps Node's own `spawn`.
  if (used.length === 0) return () => undefined;
  for (const [name, mended] of used) {
    const file = new URL(`${FOLDER}/${name}-runner/index.js`, lambda).href;
    const { default: found } = (await import(file)) as { default: Runner };
    changeRun(found, (run) => {
      const { call } = ours() ?? {};
      return call ? mended(run, call) : run();
    });
  }

  const script = fileURLToPath(new URL(PYTHON_SCRIPT, lambda));
  const restore = replaceSpawn((spawn, file, args, options) => {
    const { call, program } = ours() ?? {};
    if (call && program && args[1] === script) {
      const mark = randomUUID();
      const child = spawn(...pythonCommand(file, args, options, program, mark));
      processes.watch(call.instance, child, (reader) => markAnswers(reader, mark, print));
      return child;
    }
    const child = spawn(file, args, options);
    if (call && basename(file) === 'tmp') processes.read(call.instance, child);
    return child;
  });
  return () => {
    isOver = true;
    restore();
  };
}

/** An error without this process's stack, which tells nothing of the function. */
function failure(message: string): Error {
  return Object.assign(new Error(message), { stack: message });
}

/** @throws Error without an answer: a function that did not answer may have processed nothing */
function answered(runner: string, answer: unknown): unknown {
  if (answer !== undefined) return answer;
  throw failure(
    `serverless-offline's ${runner} runner got no answer from the function; its output may say why. ` +
      "The package's docs/languages.md has a way round: AWS's runtime interface emulator.",
  );
}

/** @throws Error for an answer in AWS's form of an error, as its runtime interface emulator sends it */
function refuseError(answer: unknown): unknown {
  const { errorMessage, errorType } = (answer ?? {}) as Record<string, unknown>;
  if (typeof errorMessage !== 'string' || typeof errorType !== 'string') return answer;
  throw failure(`${errorType}: ${errorMessage}`);
}

/**
 * The answer in what a function of Go has printed.
 * @throws Error for an error of the function, and without an answer
 */
function goAnswer(stdout: readonly Buffer[]): unknown {
  for (const line of lines(stdout).reverse()) {
    const { offline_payload: payload } = parse(line) ?? {};
    if (typeof payload !== 'object' || payload === null) continue;
    const { error, success } = payload as Record<string, unknown>;
    if (!error) return success ?? null;
    refuseError(error);
    throw failure(typeof error === 'string' ? error : excerpt(error));
  }
  return answered('Go', undefined);
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!/^\s*\{/.test(line)) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function lines(output: readonly Buffer[]): string[] {
  const text = Buffer.concat(output).toString('utf8');
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

interface Output {
  readonly stdout: Buffer[];
  readonly stderr: Buffer[];
}

/** The processes that run handlers, by the instances that they belong to. */
class Processes {
  readonly #outputs = new WeakMap<Instance, Output>();
  /** Rejects when the instance's process has ended by itself. */
  readonly #ends = new WeakMap<Instance, Promise<never>>();

  /** The output of the instance's processes from now on. */
  collect(instance: Instance): Output {
    const output = { stdout: [], stderr: [] };
    this.#outputs.set(instance, output);
    return output;
  }

  read(instance: Instance, { stdout, stderr }: Partial<ChildProcess>): void {
    stdout?.on('data', (chunk: Buffer) => this.#outputs.get(instance)?.stdout.push(chunk));
    stderr?.on('data', (chunk: Buffer) => this.#outputs.get(instance)?.stderr.push(chunk));
  }

  /** Ends the instance's call, and lets the next one begin a new process, when this one has ended. */
  watch(instance: Instance, child: ChildProcess, change: (reader: EventEmitter) => void): void {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined); // Nobody waits between two calls.
    this.#ends.set(instance, promise);
    this.read(instance, { stderr: child.stderr });
    // The runner makes the reader of lines right after the process.
    const stdout = child.stdout as { readonly readline?: EventEmitter } | null;
    process.nextTick(() => stdout?.readline && change(stdout.readline));
    const end = (reason: string) => {
      // Ended by serverless-offline, after a time limit or when idle; or a new one runs already.
      if (child.killed || this.#ends.get(instance) !== promise) return;
      instance.cleanup().catch(() => undefined);
      reject(failure(reason));
    };
    // The end of the process tells of itself.
    child.stdin?.on('error', () => undefined);
    child.on('error', ({ message }) => end(`Runtime failed to start: ${message}`));
    child.on('exit', async (code, signal) => {
      const closed = new Promise((resolve) => child.once('close', resolve));
      await Promise.race([closed, sleep(LAST_LINES_MS)]);
      const last = lines(this.#outputs.get(instance)?.stderr ?? []).at(-1);
      end(last === undefined ? exitReason(code, signal) : `${exitReason(code, signal)}: ${last}`);
    });
  }

  /** An answer of python-runtime.py. @throws Error with the handler's error, or the end of its process */
  async call(instance: Instance, run: Run): Promise<unknown> {
    const end = this.#ends.get(instance);
    if (!end) return answered('Python', await run());
    this.collect(instance);
    const outcome = (await Promise.race([run(), end])) as { answer?: unknown; error?: object };
    return outcome.error ? refuseError(outcome.error) : outcome.answer;
  }
}

/** The member of the object that serverless-offline's reader takes for an answer. */
const ANSWER = '__offline_payload__';

/**
 * Lets serverless-offline's reader take only what follows the mark of python-runtime.py as an answer. A program of
 * the handler may have written to the same line before it, and the handler itself may print any line.
 */
function markAnswers(reader: EventEmitter, mark: string, print: (line: string) => void): void {
  const { emit } = reader;
  const show = (line: string) => {
    if (Object.hasOwn(Object(parse(line)), ANSWER)) print(line);
    else emit.call(reader, 'line', line);
  };
  reader.emit = (name, ...args) => {
    const [line] = args as unknown[];
    if (name !== 'line' || typeof line !== 'string') return emit.call(reader, name, ...args);
    const at = line.indexOf(mark);
    if (at !== 0) show(at < 0 ? line : line.slice(0, at));
    return at < 0 || emit.call(reader, 'line', line.slice(at + mark.length));
  };
}

/** In the words of AWS. */
function exitReason(code: number | null, signal: string | null): string {
  if (code === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: ${signal ? `signal: ${signal}` : `exit status ${code}`}`;
}

type Command = [file: string, args: readonly string[], options: SpawnOptions];

/** python-runtime.py in the place of serverless-offline's own script. */
function pythonCommand(
  file: string,
  [unbuffered = '-u', , ...handler]: readonly string[],
  options: SpawnOptions,
  { timeoutMs }: Program,
  mark: string,
): Command {
  // Beside this file, in the source as in the package.
  const script = fileURLToPath(new URL('./python-runtime.py', import.meta.url));
  const args = [unbuffered, script, ...handler, String(timeoutMs), mark];
  // Windows finds python.bat by a shell only, which divides arguments at spaces.
  const shell = process.platform === 'win32';
  return [file, shell ? args.map((arg) => `"${arg}"`) : args, { ...options, shell }];
}

type Spawn = (...command: Command) => ChildProcess;
type Change = (spawn: Spawn, ...command: Command) => ChildProcess;

function replaceSpawn(change: Change): () => void {
  const module: { spawn: Spawn } = process.getBuiltinModule('node:child_process');
  const { spawn } = module;
  // Arguments and options may be left out.
  const replaced: Spawn = (file, args, options) =>
    Array.isArray(args) && options !== undefined
      ? change(spawn, file, args, options)
      : spawn(file, args, options);
  return replaceBuiltin(module, 'spawn', replaced);
}
