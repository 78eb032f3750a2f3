/** Finds timers and handles that handlers leave open. */
import { createHook } from 'node:async_hooks';
import { fileURLToPath } from 'node:url';
import { inside, type Opened } from './environment.ts';

const KINDS: Readonly<Record<string, string>> = {
  Timeout: 'a timer',
  Immediate: 'a setImmediate',
  TCPWRAP: 'a connection',
  TCPSERVERWRAP: 'a server',
  TLSWRAP: 'a TLS connection',
  PIPEWRAP: 'a pipe',
  UDPWRAP: 'a UDP socket',
  PROCESSWRAP: 'a child process',
  FSEVENTWRAP: 'a file watcher',
  WORKER: 'a worker thread',
  MESSAGEPORT: 'a message port',
};
/** The stack lines that are searched for the place of a resource: the first line that is not Node's own. */
const STACK_LINES = 30;
/** At this number of kept resources, those that are over are dropped. */
const MANY = 1_000;

let running = 0;
const hook = createHook({
  // Older versions of Node tell of promises all the same.
  trackPromises: false,
  init(_id, kind, _trigger, resource) {
    if (kind === 'PROMISE') return;
    const by = inside.getStore();
    if (!by || !hasRef(resource)) return;
    const { opened } = by;
    if (opened.length >= MANY) opened.splice(0, MANY, ...opened.filter(isOpen));
    opened.push({ by, kind, resource, at: stackHere() });
  },
});

/** Watches a handler's call. Nothing is watched outside of calls, because that would slow down the process. */
export async function watched<T>(call: () => Promise<T>): Promise<T> {
  running += 1;
  if (running === 1) hook.enable();
  try {
    return await call();
  } finally {
    running -= 1;
    if (running === 0) hook.disable();
  }
}

/**
 * A line for each kind and place of resources that keep the process alive: timers that are over and closed handles
 * do not.
 */
export function describeLeaks(opened: readonly Opened[]): string[] {
  const lines = opened.filter(isOpen).map(({ by: { functionKey }, kind, at }) => {
    const stack = at.stack?.split('\n') ?? [];
    const place = stack.find((line) => line.includes('    at ') && !isOwn(line))?.trim();
    const made = place === undefined ? '' : `, made ${place}`;
    return `${functionKey} left ${KINDS[kind] ?? 'a resource'} open (${kind})${made}`;
  });
  return [...new Set(lines)];
}

/** This file, or the bundle with it. */
const OWN_FILE = fileURLToPath(import.meta.url);
const isOwn = (line: string) => line.includes('node:') || line.includes(OWN_FILE);

function stackHere(): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = STACK_LINES;
  const error = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return error;
}

function hasRef(resource: object): resource is Opened['resource'] {
  return typeof Reflect.get(resource, 'hasRef') === 'function';
}

function isOpen({ by, resource }: Opened): boolean {
  if (by.isOver) return false;
  // Node's mark of a timer that is over.
  return Reflect.get(resource, '_destroyed') !== true && resource.hasRef() === true;
}
