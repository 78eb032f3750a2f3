import type { Profiler } from 'node:inspector';
import { expect, test } from '@jest/globals';
import { costsOf } from './profile.ts';

type Frame = [name: string, url?: string];

const handler: Frame = ['handle', 'file:///project/lib/http/handler.ts'];
const client: Frame = ['send', '/project/node_modules/@smithy/core/client.js'];

/** A profile of stacks, each with its time and its functions, the outermost first. */
function profileOf(...stacks: [time: number, ...frames: Frame[]][]): Profiler.Profile {
  const nodes: Profiler.ProfileNode[] = [];
  const add = ([functionName, url = '']: Frame, parent?: Profiler.ProfileNode) => {
    const callFrame = { functionName, url, scriptId: '0', lineNumber: 0, columnNumber: 0 };
    const node: Profiler.ProfileNode = { id: nodes.length + 1, callFrame, children: [] };
    nodes.push(node);
    parent?.children?.push(node.id);
    return node;
  };
  const root = add(['(root)']);
  const samples = stacks.map(([, ...frames]) => {
    return frames.reduce((parent, frame) => add(frame, parent), root).id;
  });
  const timeDeltas = stacks.map(([time]) => time);
  return { nodes, samples, timeDeltas, startTime: 0, endTime: 0 };
}

test('the processor time of the main thread is divided as the samples are, without the waiting', () => {
  const profile = profileOf([600, ['(idle)']], [300, handler], [100, handler, client]);
  const { costs, waiting } = costsOf(profile, { main: 40, all: 50 });
  expect(costs).toMatchObject({ 'our lib/, functions/': 30, 'DynamoDB client': 10, zod: 0 });
  expect(costs['other threads']).toBe(10);
  expect(waiting).toBe(0.6);
});

test("a function of Node or V8 counts for its caller, JSON's for themselves, the profiler's for nobody", () => {
  const profile = profileOf(
    [10, client, ['writeUtf8String'], ['afterWrite', 'node:net']],
    [20, handler, client, ['jsonText', 'file:///project/bench/ceiling/profile.ts']],
    [30, ['onread', 'node:net']],
    [40, ['(garbage collector)']],
    [900, ['profiled', 'file:///project/bench/ceiling/profile.ts'], ['post', 'node:inspector']],
  );
  expect(costsOf(profile, { main: 100, all: 100 }).costs).toMatchObject({
    'DynamoDB client': 10,
    'JSON, zlib': 20,
    Node: 30,
    'garbage collection': 40,
    'the bench': 0,
  });
});

test('a profile without samples costs nothing', () => {
  expect(costsOf(profileOf(), { main: 40, all: 40 }).waiting).toBe(0);
});
