// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders
import { expect, test } from '@jest/globals';
import type { Scope } from './intrinsic.ts';
import { loopsIn, withoutLoops } from './loops.ts';

const scope: Scope = {
  region: 'eu-west-1',
  stackName: 'shop-local',
  functions: new Map(),
  resources: {},
  parameters: {
    Topics: { Type: 'CommaDelimitedList', Default: 'orders,bills' },
    Unset: { Type: 'CommaDelimitedList' },
  },
  mappings: {},
  conditions: {},
  given: { parameters: {}, imports: {} },
};
const written = (resources: object) =>
  withoutLoops({ resources: { ...resources }, conditions: {} }, scope).resources;

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
test.each<[string, object, object]>([
  [
    'a list: its values come into names, texts and references',
    {
      Before: { a: 1 },
      'Fn::ForEach::Loop': [
        'Name',
        ['A', 'B'],
        { 'Fn${Name}': { x: '${Name}-${Other}', y: { Ref: 'Name' }, z: [{ Ref: 'Fn${Name}' }] } },
      ],
    },
    {
      Before: { a: 1 },
      FnA: { x: 'A-${Other}', y: 'A', z: [{ Ref: 'FnA' }] },
      FnB: { x: 'B-${Other}', y: 'B', z: [{ Ref: 'FnB' }] },
    },
  ],
  [
    'a parameter with a list',
    { 'Fn::ForEach::Loop': ['T', { Ref: 'Topics' }, { '${T}': 1 }] },
    { orders: 1, bills: 1 },
  ],
  [
    '& leaves out the characters that a logical id may not have',
    { 'Fn::ForEach::Loop': ['T', ['a.b-c', '$1'], { 'X&{T}': '${T}' }] },
    { Xabc: 'a.b-c', X1: '$1' },
  ],
  [
    'a loop in a loop, and one among properties',
    {
      'Fn::ForEach::Outer': [
        'A',
        ['x', 'y'],
        {
          'Fn::ForEach::Inner': [
            'B',
            ['${A}1', 2],
            { '${A}${B}': { 'Fn::ForEach::Variables': ['C', ['p'], { '${C}': '${B}' }] } },
          ],
        },
      ],
    },
    { xx1: { p: 'x1' }, x2: { p: '2' }, yy1: { p: 'y1' }, y2: { p: '2' } },
  ],
])('%s', (_, resources, result) => {
  expect(written(resources)).toEqual(result);
  expect(loopsIn(written(resources))).toEqual([]);
});

test.each([
  ['a parameter without a value', ['T', { Ref: 'Unset' }, { '${T}': 1 }]],
  ['an import among its values', ['T', ['a', { 'Fn::ImportValue': 'X' }], { '${T}': 1 }]],
  ['no list', ['T']],
])('a loop over values that only AWS knows stays: %s', (_, loop) => {
  const resources = { 'Fn::ForEach::Loop': loop };
  expect(written(resources)).toEqual(resources);
  expect(loopsIn(resources)).toEqual(['Fn::ForEach::Loop']);
});

test('conditions may have loops, too', () => {
  const conditions = { 'Fn::ForEach::Loop': ['S', ['a'], { 'Is${S}': { 'Fn::Equals': [1, 1] } }] };
  const { conditions: found } = withoutLoops({ resources: {}, conditions }, scope);
  expect(found).toEqual({ Isa: { 'Fn::Equals': [1, 1] } });
});
