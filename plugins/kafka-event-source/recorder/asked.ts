/** Starts the recorder's threads, and asks the one that reads. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Question, Reply, Role } from './serve.ts';

/** A thread of the recorder. */
export type Thread = Pick<Worker, 'on' | 'postMessage' | 'ref' | 'unref' | 'terminate'>;

export type StartThread = (role: Role) => Thread;

/** The thread that answers questions. It is not the one that writes, so that a long search delays no writing. */
export class Asked {
  readonly #thread: Thread;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;

  constructor(file: string, start: StartThread = startThread) {
    this.#thread = start({ role: 'read', file });
    this.#thread.on('message', (reply: Reply) => this.#heard(reply));
    this.#thread.on('error', (error) => this.#fail(error));
    this.#thread.on('exit', () => this.#fail(new Error('the recorder is closed')));
    this.#thread.unref();
  }

  ask(ask: Question['ask'], about: unknown): Promise<unknown> {
    this.#last += 1;
    const asked = Promise.withResolvers<unknown>();
    this.#open.set(this.#last, asked);
    this.#thread.ref();
    this.#thread.postMessage({ id: this.#last, ask, about } satisfies Question);
    return asked.promise;
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #heard(reply: Reply): void {
    const asked = this.#open.get(reply.id);
    this.#open.delete(reply.id);
    if (this.#open.size === 0) this.#thread.unref();
    if ('problem' in reply) asked?.reject(new Error(reply.problem));
    else asked?.resolve(reply.answer);
  }

  #fail(error: Error): void {
    for (const asked of this.#open.values()) asked.reject(error);
    this.#open.clear();
  }
}

export function startThread(workerData: Role): Worker {
  // Beside this file, in the source as in the package.
  return new Worker(new URL(`./thread${extname(import.meta.url)}`, import.meta.url), {
    workerData,
  });
}
