import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '../json.ts';
import { parseExactly } from './json.ts';
import { matches } from './match.ts';
import { parsePattern } from './pattern.ts';

const holds = (pattern: unknown, event: unknown): boolean | 'refused' => {
  let root: ReturnType<typeof parsePattern>['root'];
  try {
    ({ root } = parsePattern(JSON.stringify(pattern)));
  } catch {
    return 'refused';
  }
  return matches(
    root,
    parseExactly(typeof event === 'string' ? event : JSON.stringify(event)) as Json,
  );
};

type Case = readonly [name: string, pattern: unknown, kept: unknown[], dropped: unknown[]];
const a = (value: unknown) => ({ a: value });

const cases: readonly Case[] = [
  ['null matches null only', a([null]), [a(null)], [a(''), {}, a(0), a('null')]],
  ['an empty text matches an empty text only', a(['']), [a('')], [a(null), {}, a(' ')]],
  ['a text matches exactly, with its case', a(['Alice']), [a('Alice')], [a('alice'), a('Alice ')]],
  [
    'equals-ignore-case ignores the case',
    a([{ 'equals-ignore-case': 'alice' }]),
    [a('ALICE'), a('Alice')],
    [a('alic'), a(1)],
  ],
  [
    'fields of one object must all match',
    { a: ['x'], b: { c: [1] } },
    [{ a: 'x', b: { c: 1 } }],
    [a('x'), { b: { c: 1 } }, { a: 'x', b: 1 }],
  ],
  ['one of several values is enough', a(['x', 'y']), [a('x'), a('y')], [a('z')]],
  [
    '$or takes one of several objects, beside other fields',
    { a: ['x'], $or: [{ b: [1] }, { c: [{ prefix: 'y' }] }] },
    [
      { a: 'x', b: 1 },
      { a: 'x', c: 'yes' },
    ],
    [a('x'), { b: 1, c: 'yes' }],
  ],
  [
    'anything-but matches any other value of a field that is there',
    a([{ 'anything-but': ['x', 'y'] }]),
    [a('z'), a(1), a(null)],
    [a('x'), {}, a({ b: 'z' })],
  ],
  [
    'anything-but takes numbers, prefixes, suffixes, wildcards and texts of any case',
    {
      a: [{ 'anything-but': [100, 200] }],
      b: [{ 'anything-but': { prefix: ['x', 'y'] } }],
      c: [{ 'anything-but': { suffix: '.png' } }],
      d: [{ 'anything-but': { wildcard: '*/tmp/*' } }],
      e: [{ 'anything-but': { 'equals-ignore-case': 'no' } }],
    },
    [{ a: 101, b: 'a', c: 'a.jpg', d: '/var', e: 'yes' }],
    [
      { a: 100, b: 'a', c: 'a.jpg', d: '/var', e: 'yes' },
      { a: 101, b: 'ya', c: 'a.jpg', d: '/var', e: 'yes' },
      { a: 101, b: 'a', c: 'a.png', d: '/var', e: 'yes' },
      { a: 101, b: 'a', c: 'a.jpg', d: '/var/tmp/1', e: 'yes' },
      { a: 101, b: 'a', c: 'a.jpg', d: '/var', e: 'NO' },
    ],
  ],
  [
    'numeric equality is of values',
    a([{ numeric: ['=', 100] }]),
    [a(100), '{"a":1e2}', '{"a":100.0}'],
    [a('100'), a(101)],
  ],
  [
    'a numeric range keeps its bounds apart',
    a([{ numeric: ['>', 10, '<=', 20] }]),
    [a(20), a(10.01)],
    [a(10), a(21), a('15'), {}],
  ],
  ['exists matches any leaf', a([{ exists: true }]), [a(null), a(''), a([0])], [{}, a({}), a([])]],
  ['exists: false matches where no leaf is', a([{ exists: false }]), [{}, a([])], [a(null)]],
  [
    'exists looks at leaves only, never at an object',
    { a: [{ exists: true }] },
    [],
    [{ a: { b: 1 } }],
  ],
  [
    'exists: false looks at every element of a list',
    { a: { b: [{ exists: false }], c: [2] } },
    [{ a: [{ d: 1 }, { c: 2 }] }],
    [{ a: [{ b: 1 }, { c: 2 }] }],
  ],
  ['exists: false is true of an object', a([{ exists: false }]), [{ a: { b: 1 } }], []],
  ['prefix', a([{ prefix: 'us-' }]), [a('us-east-1'), a('us-')], [a('US-'), a('eu-us-')]],
  ['suffix', a([{ suffix: '.png' }]), [a('a.png')], [a('a.PNG'), a('.png.')]],
  [
    'prefix and suffix ignore case when they are asked to',
    {
      a: [
        { prefix: { 'equals-ignore-case': 'us-' } },
        { suffix: { 'equals-ignore-case': '.PNG' } },
      ],
    },
    [a('US-east'), a('x.png')],
    [a('eu-')],
  ],
  [
    'wildcard: a star is any text, and a backslash makes it a plain star',
    { a: [{ wildcard: 'x*y*z' }], b: [{ wildcard: '\\**' }] },
    [
      { a: 'xyz', b: '*' },
      { a: 'x--y--z', b: '*!' },
    ],
    [
      { a: 'xz', b: '*' },
      { a: 'xyz', b: '!' },
    ],
  ],
  [
    'cidr takes addresses in a range',
    { a: [{ cidr: '10.0.0.0/24' }, { cidr: '2001:db8::/32' }] },
    [a('10.0.0.255'), a('2001:db8::1')],
    [a('10.0.1.0'), a('2001:db9::1'), a('x')],
  ],
  [
    'numbers are compared as they are written',
    a([300]),
    ['{"a":300}'],
    ['{"a":300.0}', '{"a":3.0e2}', '{"a":"300"}'],
  ],
  ['of a list one element is enough', a(['x']), [a(['y', 'x']), a([['x']])], [a(['y']), a([])]],
  [
    'fields below a list must match in the same element',
    { a: { b: [1], c: [2] } },
    [{ a: [{ b: 1, c: 2 }, 5] }],
    [{ a: [{ b: 1 }, { c: 2 }] }],
  ],
];

describe('the pattern language', () => {
  test.each(cases)('%s', (_, pattern, kept, dropped) => {
    for (const event of kept) expect([event, holds(pattern, event)]).toEqual([event, true]);
    for (const event of dropped) expect([event, holds(pattern, event)]).toEqual([event, false]);
  });
});

test("random patterns and records are matched and refused as by AWS's own event-ruler 1.8.1", () => {
  const file = join(import.meta.dirname, '../test/witness/event-ruler.json');
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as [unknown, unknown, unknown][];
  const found = recorded.map(([pattern, event]) => [pattern, event, holds(pattern, event)]);
  expect(found).toEqual(recorded);
  expect(new Set(recorded.map(([, , answer]) => answer))).toEqual(
    new Set([true, false, 'refused']),
  );
});

/**
 * A plain model of the pattern language: a record is a list of leaves, each with its path and its
 * place in lists; $or is written out. A pattern matches if each field finds a leaf, and no two leaves
 * come from different elements of the same list.
 */
interface ModelLeaf {
  readonly path: string;
  readonly value: unknown;
  readonly places: ReadonlyMap<string, number>;
}

function leavesOf(
  value: unknown,
  path = '',
  places: ReadonlyMap<string, number> = new Map(),
): ModelLeaf[] {
  if (Array.isArray(value)) {
    // A list in a list has the same path, but a place of its own.
    const list = `${path}#${[...places.keys()].filter((key) => key.startsWith(`${path}#`)).length}`;
    return value.flatMap((one, index) => leavesOf(one, path, new Map([...places, [list, index]])));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, one]) => leavesOf(one, `${path}/${name}`, places));
  }
  return [{ path, value, places }];
}

type Conjunction = (readonly [path: string, allowed: readonly unknown[]])[];

function writtenOut(pattern: Record<string, unknown>, path = ''): Conjunction[] {
  let found: Conjunction[] = [[]];
  for (const [name, value] of Object.entries(pattern)) {
    const options: Conjunction[] =
      name === '$or'
        ? (value as Record<string, unknown>[]).flatMap((one) => writtenOut(one, path))
        : Array.isArray(value)
          ? [[[`${path}/${name}`, value]]]
          : writtenOut(value as Record<string, unknown>, `${path}/${name}`);
    found = found.flatMap((before) => options.map((option) => [...before, ...option]));
  }
  return found;
}

const isAbsence = (one: unknown) => JSON.stringify(one) === '{"exists":false}';
const isAllowed = (value: unknown, allowed: unknown) =>
  typeof allowed === 'object' && allowed !== null ? !isAbsence(allowed) : value === allowed;

function modelHolds(
  fields: Conjunction,
  leaves: readonly ModelLeaf[],
  chosen: readonly ModelLeaf[] = [],
): boolean {
  const [field, ...rest] = fields;
  if (!field) return true;
  const [path, allowed] = field;
  const there = leaves.filter((leaf) => leaf.path === path);
  if (there.length === 0 && allowed.some(isAbsence) && modelHolds(rest, leaves, chosen))
    return true;
  return there.some((leaf) => {
    const isConsistent = chosen.every((other) =>
      [...leaf.places].every(([list, index]) => (other.places.get(list) ?? index) === index),
    );
    const isMatch = isConsistent && allowed.some((one) => isAllowed(leaf.value, one));
    return isMatch && modelHolds(rest, leaves, [...chosen, leaf]);
  });
}

test('patterns over nested lists and objects match as in a plain model of the language', () => {
  const name = fc.constantFrom('a', 'b');
  const scalar = fc.constantFrom<unknown>('x', 'y', 1, null, true);
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys: 2 }),
    ),
  }));
  const leaf = fc.array(fc.oneof(scalar, fc.constantFrom({ exists: true }, { exists: false })), {
    minLength: 1,
    maxLength: 2,
  });
  const { fields } = fc.letrec((tie) => ({
    fields: fc
      .tuple(
        fc.dictionary(name, fc.oneof({ maxDepth: 3 }, leaf, tie('fields')), {
          minKeys: 1,
          maxKeys: 2,
        }),
        fc.option(
          fc.array(fc.dictionary(name, leaf, { minKeys: 1 }), { minLength: 2, maxLength: 2 }),
          {
            nil: undefined,
            freq: 3,
          },
        ),
      )
      .map(([own, $or]) => ({ ...own, ...($or && { $or }) })),
  }));
  // Leaves out paths that $or names again, or paths above them: see docs/fidelity.md.
  const isPlain = (conjunction: Conjunction) =>
    conjunction.every(([path], index) =>
      conjunction.every(([other], at) => at === index || !`${other}/`.startsWith(`${path}/`)),
    );
  const event = fc.dictionary(name, value, { maxKeys: 2 });
  let matching = 0;
  fc.assert(
    fc.property(fields as fc.Arbitrary<Record<string, unknown>>, event, (pattern, record) => {
      const conjunctions = writtenOut(pattern);
      fc.pre(conjunctions.every(isPlain));
      const expected = conjunctions.some((one) => modelHolds(one, leavesOf(record)));
      if (expected) matching += 1;
      assert.equal(holds(pattern, record), expected);
    }),
    { numRuns: 2_000 },
  );
  expect(matching).toBeGreaterThan(50);
});
