// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders
import { expect, test } from '@jest/globals';
import { parseYaml } from './yaml.ts';

test.each([
  ['a: !Ref X', { a: { Ref: 'X' } }],
  ['a: !GetAtt X.Arn', { a: { 'Fn::GetAtt': 'X.Arn' } }],
  ['a: !Sub "x-${Y}"', { a: { 'Fn::Sub': 'x-${Y}' } }],
  ['a: !Join [",", [!Ref X, b]]', { a: { 'Fn::Join': [',', [{ Ref: 'X' }, 'b']] } }],
  ['a: !If [C, 1, !Ref "AWS::NoValue"]', { a: { 'Fn::If': ['C', 1, { Ref: 'AWS::NoValue' }] } }],
  [
    'a: !Select\n  - 0\n  - !Split [",", x]',
    { a: { 'Fn::Select': [0, { 'Fn::Split': [',', 'x'] }] } },
  ],
  ['a: !Transform { Name: x }', { a: { 'Fn::Transform': { Name: 'x' } } }],
  ['c: !Not [!Condition D]', { c: { 'Fn::Not': [{ Condition: 'D' }] } }],
  ['a: 012\nc: 1.5\nd: ~', { a: 12, c: 1.5, d: null }],
  ['a: &x { b: 1 }\nc: *x\nd: { <<: *x, e: 2 }', { a: { b: 1 }, c: { b: 1 }, d: { b: 1, e: 2 } }],
  ['a: &x { b: 1 }\nd: { b: 2, <<: *x }', { a: { b: 1 }, d: { b: 2 } }],
  [
    'a: &x { b: 1 }\nc: &y { b: 2, e: 3 }\nd: { <<: [*x, *y] }',
    { a: { b: 1 }, c: { b: 2, e: 3 }, d: { b: 1, e: 3 } },
  ],
  ['date: 2010-09-09', { date: '2010-09-09' }],
  [
    '000000000000: a\n012345678901: b\n1.50: c',
    { '000000000000': 'a', '012345678901': 'b', '1.50': 'c' },
  ],
  ['', null],
])('%s', (text, value) => {
  expect(parseYaml(text)).toEqual(value);
});

test.each([
  [
    '[yes, Yes, on, TRUE, no, NO, Off, false]',
    ['yes', 'Yes', 'on', true, 'no', 'NO', 'Off', false],
    [true, true, true, true, false, false, false, false],
  ],
  [
    '["yes", \'no\', y, yEs, !Ref on]',
    ['yes', 'no', 'y', 'yEs', { Ref: 'on' }],
    ['yes', 'no', 'y', 'yEs', { Ref: 'on' }],
  ],
  ['a: &x no\nb: *x', { a: 'no', b: 'no' }, { a: false, b: false }],
  ['on: off', { on: 'off' }, { on: false }],
])('%s has booleans of YAML 1.1 in templates only', (text, value, inTemplate) => {
  expect(parseYaml(text)).toEqual(value);
  expect(parseYaml(text, { isTemplate: true })).toEqual(inTemplate);
});
