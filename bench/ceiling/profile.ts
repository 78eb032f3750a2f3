import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';

/** The parts of the processor time, each with the files of its code. The first that fits counts. */
const FILES = {
  'DynamoDB client': /\/node_modules\/@(aws-sdk|smithy|aws-crypto|aws)\//,
  kafkajs: /\/node_modules\/kafkajs\//,
  zod: /\/node_modules\/zod\//,
  'JSON, zlib': /^node:zlib/,
  'other packages': /\/node_modules\//,
  emulator: /\/plugins\/kafka-event-source\/(?!bench\/|test\/)/,
  'our lib/, functions/': /\/(lib|functions)\/[^:]*\.ts$/,
  'the bench': /\/(bench|test)\//,
} as const;

export const PARTS = [
  ...(Object.keys(FILES) as (keyof typeof FILES)[]),
  'Node',
  'garbage collection',
] as const;

type Part = (typeof PARTS)[number];

/** Microseconds of the processor for a record. Only the main thread's can be told apart. */
export type Costs = Record<Part | 'other threads', number>;

/** Keeps a profile as the text of a .cpuprofile file. */
export type Saved = (name: string, profile: string) => Promise<void>;

/** `profiler`: the profiler's own work in the main thread, which is no work of the stage. */
type Frame = Part | 'waiting' | 'profiler';
type Times = Partial<Record<Frame, number>>;

const INTERVAL_MICROSECONDS = 500;

/** Does some work under V8's profiler of the main thread. */
export async function profiled(
  work: () => Promise<unknown>,
  save: (profile: string) => Promise<void>,
): Promise<Profiler.Profile> {
  const session = new Session();
  session.connect();
  const restore = nameJson();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROSECONDS });
    await session.post('Profiler.start');
    await work();
    const { profile } = await session.post('Profiler.stop');
    await save(JSON.stringify(profile));
    return profile;
  } finally {
    restore();
    session.disconnect();
  }
}

/**
 * Divides the processor time of the main thread as the samples of a profile are divided. The profiler's
 * own time is in the samples, but not in `main` and `all`, which come from rounds without it.
 */
export function costsOf(
  profile: Profiler.Profile,
  { main, all }: { main: number; all: number },
): { costs: Costs; waiting: number } {
  const { waiting = 0, profiler: _, ...parts } = timesOf(profile);
  const busy = Object.values(parts).reduce((sum, time) => sum + time, 0);
  const entries = PARTS.map((part) => [part, busy ? ((parts[part] ?? 0) / busy) * main : 0]);
  return {
    costs: { ...Object.fromEntries(entries), 'other threads': Math.max(0, all - main) },
    waiting: waiting / (busy + waiting || 1),
  };
}

/** The microseconds of each part. A function of Node or V8 counts for the code that called it. */
function timesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Times {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parts = new Map<number, Frame>();
  const visit = (node: Profiler.ProfileNode, caller: Frame) => {
    const part = partOf(node.callFrame) ?? caller;
    parts.set(node.id, part);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child) visit(child, part);
    }
  };
  const [root] = nodes;
  if (root) visit(root, 'Node');
  const times: Times = {};
  for (const [i, id] of samples.entries()) {
    const part = parts.get(id) ?? 'Node';
    times[part] = (times[part] ?? 0) + (timeDeltas[i] ?? 0);
  }
  return times;
}

function partOf({ functionName, url }: Profiler.ProfileNode['callFrame']): Frame | undefined {
  if (functionName === '(idle)') return 'waiting';
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url === 'node:inspector') return 'profiler';
  if (functionName === jsonText.name || functionName === jsonValue.name) return 'JSON, zlib';
  for (const [part, files] of Object.entries(FILES)) if (files.test(url)) return part as Part;
  return undefined;
}

const { stringify, parse } = JSON;

function jsonText(...args: unknown[]): string {
  return Reflect.apply(stringify, JSON, args);
}

function jsonValue(...args: unknown[]): unknown {
  return Reflect.apply(parse, JSON, args);
}

/** V8 counts JSON's functions for their callers, so each gets a frame of its own. */
function nameJson(): () => void {
  Object.assign(JSON, { stringify: jsonText, parse: jsonValue });
  return () => Object.assign(JSON, { stringify, parse });
}
