/**
 * Reads a filter pattern: the rules of Amazon EventBridge, as AWS's own event-ruler checks them.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
 */
import type { Json } from '../json.ts';
import { isObject, parseExactly } from './json.ts';
import { isUnlisted, type Matcher, operators, PatternError, textOf } from './operators.ts';

/** The fields of an object. All of them must match. */
export interface Fields {
  readonly fields: readonly (readonly [name: string, field: Field])[];
  /** Groups of alternatives. In each group at least one must match. */
  readonly or: readonly (readonly Fields[])[];
}

export type Field = Fields | Leaf;

/** The tests for the values of one field. One of them must match. */
export interface Leaf {
  readonly matchers: readonly Matcher[];
  /** Whether the field may be absent. */
  readonly allowsAbsent: boolean;
}

export interface Pattern {
  readonly root: Fields;
  /** Whether the pattern compares numbers as they are written. */
  readonly needsText: boolean;
  /** Operators of EventBridge that Lambda's own table does not have. */
  readonly unlisted: readonly string[];
}

const OR = '$or';
// Names that event-ruler does not allow as fields below $or.
const RESERVED = new Set([
  ...['exactly', 'equals-ignore-case', 'prefix', 'suffix', 'anything-but', 'exists', 'wildcard'],
  ...['numeric', 'cidr', '=', '<', '<=', '>', '>=', 'regex', 'not-wildcard'],
  ...['not-equals-ignore-case', 'date-after', 'date-on-or-after', 'date-before'],
  ...['date-on-or-before', 'in-date-range', 'ip-address-in-range', 'ip-address-not-in-range'],
]);

/** Reads a pattern. @throws PatternError that names the fault */
export function parsePattern(text: string): Pattern {
  const found = { needsText: false, unlisted: new Set<string>() };
  const root = readFields(parse(text), [], found);
  return { root, needsText: found.needsText, unlisted: [...found.unlisted] };
}

export function isLeaf(field: Field): field is Leaf {
  return 'matchers' in field;
}

interface Findings {
  needsText: boolean;
  readonly unlisted: Set<string>;
}

function parse(text: string): Json {
  let value: unknown;
  try {
    value = parseExactly(text);
  } catch (error) {
    throw new PatternError(`it is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw new PatternError('it is not an object');
  return value;
}

function readFields(
  object: Json,
  path: readonly string[],
  found: Findings,
  isAlternative = false,
): Fields {
  const names = Object.keys(object);
  const where = path.join('.') || 'the pattern';
  if (names.length === 0) throw new PatternError(`${where} is an empty object`);
  const fields: [string, Field][] = [];
  const or: Fields[][] = [];
  for (const name of names) {
    const value = object[name];
    if (name === OR) or.push(readAlternatives(value, path, found));
    else if (isAlternative && RESERVED.has(name)) {
      throw new PatternError(`${name} is a reserved word, and cannot be a field below ${OR}`);
    } else fields.push([name, readField(value, [...path, name], found, isAlternative)]);
  }
  return { fields, or };
}

function readAlternatives(value: unknown, path: readonly string[], found: Findings): Fields[] {
  const where = [...path, OR].join('.');
  if (!Array.isArray(value) || value.length < 2 || !value.every(isObject)) {
    throw new PatternError(`${where} must be a list of at least two objects`);
  }
  return value.map((one) => readFields(one, path, found, true));
}

function readField(
  value: unknown,
  path: readonly string[],
  found: Findings,
  below: boolean,
): Field {
  if (isObject(value)) return readFields(value, path, found, below);
  const where = path.join('.');
  if (!Array.isArray(value)) throw new PatternError(`${where} must be an object or a list`);
  if (value.length === 0) throw new PatternError(`${where} is an empty list`);
  const matchers: Matcher[] = [];
  let allowsAbsent = false;
  for (const one of value) {
    const matcher = readValue(one, where, found);
    if (matcher === 'absent') allowsAbsent = true;
    else matchers.push(matcher);
  }
  return { matchers, allowsAbsent };
}

function readValue(value: unknown, where: string, found: Findings): Matcher | 'absent' {
  if (isObject(value)) return readOperator(value, where, found);
  if (Array.isArray(value)) throw new PatternError(`${where} has a list in its list`);
  const text = textOf(value);
  if (text === undefined) return (one) => one === value;
  // AWS: numbers are compared as they are written: 300, 300.0 and 3.0e2 are not equal.
  // https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
  found.needsText = true;
  return (one) => textOf(one) === text;
}

function readOperator(object: Json, where: string, found: Findings): Matcher | 'absent' {
  const [name, ...more] = Object.keys(object);
  if (name === undefined) throw new PatternError(`${where} has an empty object`);
  if (more.length > 0) {
    throw new PatternError(`${where} has two operators in one object: ${name}, ${more.join(', ')}`);
  }
  const value = object[name];
  if (name === 'exists') {
    if (typeof value !== 'boolean') throw new PatternError(`${where}: exists is true or false`);
    return value ? () => true : 'absent';
  }
  const operator = Object.hasOwn(operators, name) ? operators[name] : undefined;
  if (!operator) throw new PatternError(`${where}: there is no operator ${name}`);
  if (isUnlisted(name, value)) found.unlisted.add(describe(name, value));
  if (name === 'anything-but') found.needsText = true;
  return operator(value, where);
}

function describe(name: string, value: unknown): string {
  return isObject(value) ? `${name} with ${Object.keys(value).join(', ')}` : name;
}
