/** A member of the group, as the soak uses it: starts, stops, kills and suspends its process. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Mapping } from '../../mapping.ts';
import type { Changes } from '../../settings/settings.ts';
import { ROOT } from '../support/root.ts';
import type { MemberArgument, Order } from './member-process.ts';

export interface MemberOptions extends MemberArgument {
  readonly name: string;
  readonly trace: (line: string) => void;
  /** Called when the process ends although nobody has ended it. */
  readonly onDeath: (how: string) => void;
}

const script = join(ROOT, 'test', 'soak', 'member-process.ts');
/** A stop waits 4 s for invocations, 3 s for the last commits, and 3 s for the group. */
const STOP_MS = 20_000;

export class Member {
  readonly #options: MemberOptions;
  #child: ChildProcess | undefined;
  #starts = 0;
  #isBusy = false;
  #hasPolled = false;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  /** The name by which its present process invokes. */
  get processName(): string {
    return `${this.#options.name}${this.#starts}`;
  }

  /** Whether a fault is at work on it. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Whether its process has begun to poll, since its mapping was last updated. */
  get hasPolled(): boolean {
    return this.#hasPolled;
  }

  /** Begins a fault: no other one may work on it. */
  take(): void {
    this.#isBusy = true;
  }

  /** Ends a fault. */
  release(): void {
    this.#isBusy = false;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    const { endpoint, sessionMs, trace, onDeath } = this.#options;
    this.#starts += 1;
    this.#hasPolled = false;
    // Each process invokes by a name of its own.
    const functionName = this.processName;
    const mapping: Mapping = { ...this.#options.mapping, functionName };
    const argument: MemberArgument = { endpoint, sessionMs, mapping };
    const child = fork(script, [JSON.stringify(argument)], {
      execArgv: ['--disable-warning=TimeoutNegativeWarning'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        const text = String(chunk).trimEnd();
        if (this.#child === child && text.includes(': polling ')) this.#hasPolled = true;
        for (const line of text.split('\n')) trace(`${functionName}: ${line}`);
      });
    }
    child.on('exit', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      onDeath(`${functionName} ended by itself: ${code ?? signal}`);
    });
    trace(`${functionName} starts`);
  }

  /** Ends it as Ctrl-C does. */
  async stop(): Promise<void> {
    const child = this.#release();
    if (!child) return;
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOP_MS) });
    child.send({ do: 'stop' } satisfies Order);
    try {
      await ended;
    } catch {
      this.#options.onDeath(`${this.#options.name}${this.#starts} did not stop`);
      child.kill('SIGKILL');
    }
  }

  /** Ends it as kill -9 does. */
  async kill(): Promise<void> {
    const child = this.#release();
    if (!child) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Suspends it as a closed lid does. A process of its own wakes it, even if the soak has ended. */
  async suspend(ms: number): Promise<void> {
    const pid = this.#child?.pid;
    if (!pid) return;
    const script = `sleep ${ms / 1000}; kill -CONT ${pid}`;
    const alarm = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true });
    process.kill(pid, 'SIGSTOP');
    await once(alarm, 'exit');
  }

  setClock(ms: number): Promise<void> {
    return this.#order({ do: 'clock', ms });
  }

  update(changes: Changes): Promise<void> {
    this.#hasPolled = false;
    return this.#order({ do: 'update', changes });
  }

  async #order(order: Order): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const over = new AbortController();
    const { signal } = over;
    const done = Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }),
    ]);
    child.send(order);
    await done.finally(() => over.abort());
  }

  /** From now on the end of its process is not reported. */
  #release(): ChildProcess | undefined {
    const child = this.#child;
    this.#child = undefined;
    return child;
  }
}
