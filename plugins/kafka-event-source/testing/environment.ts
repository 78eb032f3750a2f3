/** The process as handlers see it: with an environment of their own, and an exit that ends only their instance. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ownSignal } from '../lambda/signal.ts';

/** A timer or a handle that a function has opened. */
export interface Opened {
  readonly by: Inside;
  /** Node's name of the kind, such as Timeout or TCPWRAP. */
  readonly kind: string;
  readonly resource: { hasRef(): boolean | null };
  /** Its stack has the place where the handle was opened. */
  readonly at: Error;
}

/** An instance of a function. */
export interface Inside {
  readonly functionKey: string;
  readonly env: NodeJS.ProcessEnv;
  readonly opened: Opened[];
  /** Whether the instance has ended: on Lambda nothing that it has opened is left. */
  isOver?: boolean;
  /** Ends the instance and its call. */
  exit?: (code: number) => void;
}

export const inside = new AsyncLocalStorage<Inside>();

/** The process under all sources in it. */
interface Shared {
  readonly insides: AsyncLocalStorage<Inside>[];
  /** The environment outside of handlers: a test may replace it by another object. */
  outside: NodeJS.ProcessEnv;
  realExit: typeof process.exit;
  realKill: typeof process.kill;
  users: number;
}

// A process may have two copies of this module: one by `import`, and one by `require`.
const KEY = Symbol.for('lambda-kafka-event-source/testing/process');
const copies = globalThis as unknown as Record<symbol, Shared | undefined>;
copies[KEY] ??= {
  insides: [],
  outside: process.env,
  realExit: process.exit,
  realKill: process.kill,
  users: 0,
};
const shared = copies[KEY];
shared.insides.push(inside);

/** The instance whose code runs now, of any copy. */
const instanceNow = () => shared.insides.find((one) => one.getStore())?.getStore();

/** Lets handlers see a process of their own, as long as any source needs it. @returns ends that */
export function shareProcess(): () => void {
  shared.users += 1;
  if (shared.users === 1) {
    shared.outside = process.env;
    shared.realExit = process.exit;
    shared.realKill = process.kill;
    process.exit = exit;
    process.kill = kill;
    Object.defineProperty(process, 'env', {
      get: () => instanceNow()?.env ?? shared.outside,
      set: (value: NodeJS.ProcessEnv) => {
        shared.outside = value;
      },
      enumerable: true,
      configurable: true,
    });
  }
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    shared.users -= 1;
    if (shared.users > 0) return;
    process.exit = shared.realExit;
    process.kill = shared.realKill;
    Object.defineProperty(process, 'env', {
      value: shared.outside,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  };
}

function exit(code?: number | string | null): never {
  const store = instanceNow();
  if (!store) return shared.realExit.call(process, code);
  return endInstance(store, Number(code ?? 0), `process.exit(${code ?? ''})`);
}

function kill(pid: number, signal: string | number = 'SIGTERM'): true {
  const store = instanceNow();
  const own = store && ownSignal(pid, signal);
  if (!own) return shared.realKill.call(process, pid, signal);
  return endInstance(store, own.status, `process.kill with ${own.name} for its own process`);
}

function endInstance(store: Inside, status: number, call: string): never {
  store.exit?.(status);
  // Ends the handler's code; the call itself has ended already.
  throw new Error(`${store.functionKey} has called ${call}.`);
}

/**
 * The environment of an instance: the given variables before those of the process. What the handler sets stays
 * in the instance.
 */
export function environmentOf(variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = new Map<PropertyKey, string | undefined>(Object.entries(variables));
  const lookUp = (name: PropertyKey) =>
    own.has(name) ? own.get(name) : Reflect.get(shared.outside, name);
  return new Proxy<NodeJS.ProcessEnv>(
    {},
    {
      get: (_, name) => lookUp(name),
      has: (_, name) => lookUp(name) !== undefined,
      set: (_, name, value) => {
        own.set(name, String(value));
        return true;
      },
      deleteProperty: (_, name) => {
        own.set(name, undefined);
        return true;
      },
      ownKeys: () => {
        const names = new Set([...Reflect.ownKeys(shared.outside), ...own.keys()]) as Set<string>;
        return [...names].filter((name) => lookUp(name) !== undefined);
      },
      getOwnPropertyDescriptor: (_, name) => {
        const value = lookUp(name);
        if (value === undefined) return undefined;
        return { value, writable: true, enumerable: true, configurable: true };
      },
    },
  );
}
