import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Caller, SCOPES } from './caller.ts';
import { challengeOf } from './challenge.ts';
import { type Decision, decide, type Owner, type Resource, type Rule, refusalOf } from './rule.ts';

const customer: Caller = { kind: 'customer', customerId: 'ada' };
const operator: Caller = { kind: 'operator' };
const machine = (...scopes: (typeof SCOPES)[number][]): Caller => ({ kind: 'machine', scopes });

const list: Rule = { scope: 'orders:read', owner: 'path' };
const read: Rule = { scope: 'orders:read', owner: 'found' };
const move: Rule = { scope: 'orders:write', owner: 'found', moves: ['cancelled'] };
const of = (owner: string, to?: string): Resource => ({ owner, move: to });

const NOT_YOURS: Decision = { refused: 'NOT_YOURS' };
const lacks = (scope: 'orders:read' | 'orders:write' | 'orders:operate'): Decision => ({
  refused: 'SCOPE_MISSING',
  scope,
});

describe('decides', () => {
  test.each<[string, Rule, Caller, Resource | undefined, Decision]>([
    ['open to a machine without scopes', 'open', machine(), undefined, 'allowed'],
    ['known to a machine without scopes', 'known', machine(), undefined, 'allowed'],
    ['known to a customer', 'known', customer, undefined, 'allowed'],
    ['an operator, before anything is read', read, operator, undefined, 'allowed'],
    ['an operator, anybody’s', read, operator, of('bob'), 'allowed'],
    ['an operator, any move', move, operator, of('bob', 'shipped'), 'allowed'],
    ['a machine with the scope', read, machine('orders:read'), undefined, 'allowed'],
    [
      'a machine with the scope, any move',
      move,
      machine('orders:write'),
      of('bob', 'shipped'),
      'allowed',
    ],
    [
      'a machine with another scope',
      read,
      machine('orders:write'),
      undefined,
      lacks('orders:read'),
    ],
    ['a machine without one', move, machine(), of('ada', 'cancelled'), lacks('orders:write')],
    ['a customer, whose is not known yet', read, customer, undefined, 'undecided'],
    ['a customer, their own by name', list, customer, of('ada'), 'allowed'],
    ['a customer, their own by id', read, customer, of('ada'), 'allowed'],
    ['a customer, another one by name', list, customer, of('bob'), NOT_YOURS],
    ['a customer, another one’s by id', read, customer, of('bob'), 'hidden'],
    ['a customer, the name in another case', list, customer, of('Ada'), NOT_YOURS],
    ['a customer cancels', move, customer, of('ada', 'cancelled'), 'allowed'],
    ['a customer ships', move, customer, of('ada', 'shipped'), lacks('orders:operate')],
    ['a customer cancels another one’s', move, customer, of('bob', 'cancelled'), 'hidden'],
    ['a customer ships another one’s: 404 first', move, customer, of('bob', 'shipped'), 'hidden'],
    ['a customer moves nowhere', move, customer, of('ada'), lacks('orders:operate')],
  ])('%s', (_, rule, caller, resource, decision) => {
    expect(decide(rule, caller, resource)).toEqual(decision);
  });
});

test('a customer never passes for another one, whatever the rule', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9._:@-]{1,12}$/);
  const rule = fc.record(
    {
      scope: fc.constantFrom(...SCOPES),
      owner: fc.constantFrom<Owner>('path', 'query', 'body', 'found'),
      moves: fc.array(id, { maxLength: 2 }),
    },
    { requiredKeys: ['scope', 'owner'] },
  );
  const resource = fc.record({ owner: id, move: id });
  fc.assert(
    fc.property(rule, id, resource, (own, customerId, one) => {
      const decision = decide(own, { kind: 'customer', customerId }, one);
      const foreign = own.owner === 'found' ? 'hidden' : NOT_YOURS;
      if (one.owner !== customerId) expect(decision).toEqual(foreign);
      else if (decision !== 'allowed') expect(decision).toEqual(lacks('orders:operate'));
    }),
  );
});

test('a refusal names the missing scope, in its detail and in its challenge', () => {
  const error = refusalOf({ refused: 'SCOPE_MISSING', scope: 'orders:operate' });
  expect(error).toMatchObject({ code: 'SCOPE_MISSING', details: { scope: 'orders:operate' } });
  expect(error.message).toContain('"orders:operate"');
  expect(challengeOf(error)).toBe(
    'Bearer realm="orders", error="insufficient_scope", scope="orders:operate", ' +
      'error_description="The token needs the scope \'orders:operate\'."',
  );
  expect(refusalOf({ refused: 'NOT_YOURS' }).code).toBe('NOT_YOURS');
});
