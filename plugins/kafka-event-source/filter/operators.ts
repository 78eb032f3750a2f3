/** The operators of a filter pattern. Each makes a test for one value of a record. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { isObject, JsonNumber } from './json.ts';

/** The fault of a pattern. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** Tests a value of a field: a text, number, boolean or null. */
export type Matcher = (value: unknown) => boolean;
type Operator = (value: unknown, where: string) => Matcher;

/** By their names in a pattern. `exists` is not among them, because it does not test a value. */
export const operators: Readonly<Record<string, Operator>> = {
  'equals-ignore-case': ignoringCase,
  prefix: withOrWithoutCase('prefix', startsWith, startsIgnoringCase),
  suffix: withOrWithoutCase('suffix', endsWith, endsIgnoringCase),
  wildcard,
  numeric,
  cidr,
  'anything-but': anythingBut,
};

/** Whether EventBridge has the operator and Lambda's own table does not. */
export function isUnlisted(name: string, value: unknown): boolean {
  return name === 'wildcard' || name === 'cidr' || isObject(value);
}

/** A number as it is written; undefined for other values. */
export function textOf(value: unknown): string | undefined {
  if (value instanceof JsonNumber) return value.written;
  return typeof value === 'number' ? String(value) : undefined;
}

function numberOf(value: unknown): number | undefined {
  if (value instanceof JsonNumber) return value.value;
  return typeof value === 'number' ? value : undefined;
}

const ifText =
  (test: (text: string) => boolean): Matcher =>
  (value) =>
    typeof value === 'string' && test(value);

function text(value: unknown, where: string, name: string): string {
  if (typeof value === 'string') return value;
  throw new PatternError(`${where}: ${name} needs a text`);
}

function startsWith(start: string): Matcher {
  return ifText((one) => one.startsWith(start));
}

function endsWith(end: string): Matcher {
  return ifText((one) => one.endsWith(end));
}

function ignoringCase(value: unknown, where: string): Matcher {
  const wanted = [...text(value, where, 'equals-ignore-case')];
  return ifText((one) => isSameIgnoringCase([...one], wanted));
}

function startsIgnoringCase(start: string): Matcher {
  const wanted = [...start];
  return ifText((one) => isSameIgnoringCase([...one].slice(0, wanted.length), wanted));
}

function endsIgnoringCase(end: string): Matcher {
  const wanted = [...end];
  return ifText((one) => {
    const characters = [...one];
    const from = characters.length - wanted.length;
    return from >= 0 && isSameIgnoringCase(characters.slice(from), wanted);
  });
}

// Character by character, as event-ruler does: ß is not SS.
function isSameIgnoringCase(one: readonly string[], wanted: readonly string[]): boolean {
  return (
    one.length === wanted.length &&
    one.every((character, index) => {
      const other = wanted[index] ?? '';
      return (
        character === other ||
        character.toLowerCase() === other.toLowerCase() ||
        character.toUpperCase() === other.toUpperCase()
      );
    })
  );
}

function withOrWithoutCase(
  name: string,
  exactly: (text: string) => Matcher,
  ignoring: (text: string) => Matcher,
): Operator {
  return (value, where) => {
    if (!isObject(value)) return exactly(text(value, where, name));
    const inner = 'equals-ignore-case';
    if (Object.keys(value).join() !== inner) {
      throw new PatternError(`${where}: ${name} takes a text or ${inner}`);
    }
    return ignoring(text(value[inner], where, inner));
  };
}

function wildcard(value: unknown, where: string): Matcher {
  const pieces = piecesOf(text(value, where, 'wildcard'), where);
  return ifText((one) => isMatching(one, pieces));
}

/** The texts between the stars. */
function piecesOf(pattern: string, where: string): string[] {
  let piece = '';
  const pieces: string[] = [];
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern.charAt(index);
    if (character === '*') {
      if (pattern[index + 1] === '*') throw new PatternError(`${where}: two stars in a row`);
      pieces.push(piece);
      piece = '';
    } else if (character === '\\') {
      index += 1;
      const escaped = pattern.charAt(index);
      if (escaped !== '*' && escaped !== '\\') {
        throw new PatternError(`${where}: a backslash may stand before * or \\ only`);
      }
      piece += escaped;
    } else piece += character;
  }
  return [...pieces, piece];
}

// Without a regular expression: its time could grow with each star.
function isMatching(one: string, pieces: readonly string[]): boolean {
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return one === first;
  if (!one.startsWith(first)) return false;
  let from = first.length;
  for (const piece of rest) {
    const found = one.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return one.length - last.length >= from && one.endsWith(last);
}

function numeric(value: unknown, where: string): Matcher {
  const fault = (why: string) => new PatternError(`${where}: numeric ${why}`);
  if (!Array.isArray(value)) throw fault('needs a list, such as [">", 10, "<=", 20]');
  const [operator, first, upper, second, ...more] = value;
  const limit = (one: unknown) => {
    const number = numberOf(one);
    if (number === undefined) throw fault('compares with numbers');
    return number;
  };
  const tests = [comparison(operator, limit(first), fault)];
  const isRange = operator === '>' || operator === '>=';
  if (value.length > 2) {
    if (!isRange || more.length > 0 || (upper !== '<' && upper !== '<=')) {
      throw fault('is one comparison, or one from below (> or >=) and one from above (< or <=)');
    }
    const [bottom, top] = [limit(first), limit(second)];
    if (bottom >= top) throw fault('has its bottom at or above its top');
    tests.push(comparison(upper, top, fault));
  }
  return (one) => {
    const number = numberOf(one);
    return number !== undefined && tests.every((test) => test(number));
  };
}

function comparison(
  operator: unknown,
  limit: number,
  fault: (why: string) => PatternError,
): (number: number) => boolean {
  switch (operator) {
    case '=':
      return (number) => number === limit;
    case '<':
      return (number) => number < limit;
    case '<=':
      return (number) => number <= limit;
    case '>':
      return (number) => number > limit;
    case '>=':
      return (number) => number >= limit;
    default:
      throw fault(`knows =, <, <=, > and >=, not ${JSON.stringify(operator)}`);
  }
}

function cidr(value: unknown, where: string): Matcher {
  const range = text(value, where, 'cidr');
  const [address = '', length = '', ...more] = range.split('/');
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
  const bits = Number(length);
  const most = family === 'ipv4' ? 32 : 128;
  if (!family || more.length > 0 || !/^\d{1,3}$/.test(length) || bits >= most) {
    throw new PatternError(`${where}: ${range} is not a range of addresses such as 10.0.0.0/24`);
  }
  const list = new BlockList();
  list.addSubnet(address, bits, family);
  return ifText((one) => {
    if (family === 'ipv4') return isIPv4(one) && list.check(one, 'ipv4');
    return isIPv6(one) && list.check(one, 'ipv6');
  });
}

/** The operators that anything-but takes, with one text or several. */
const negatable: Readonly<Record<string, Operator>> = {
  prefix: (value, where) => startsWith(notEmpty(value, where, 'prefix')),
  suffix: (value, where) => endsWith(notEmpty(value, where, 'suffix')),
  'equals-ignore-case': ignoringCase,
  wildcard,
};

function notEmpty(value: unknown, where: string, name: string): string {
  const found = text(value, where, name);
  if (found === '') throw new PatternError(`${where}: anything-but with an empty ${name}`);
  return found;
}

function anythingBut(value: unknown, where: string): Matcher {
  if (!isObject(value)) return notOneOf(Array.isArray(value) ? value : [value], where);
  const [name = '', ...more] = Object.keys(value);
  const operator = Object.hasOwn(negatable, name) ? negatable[name] : undefined;
  if (!operator || more.length > 0) {
    throw new PatternError(
      `${where}: anything-but takes values, or one of ${Object.keys(negatable).join(', ')}`,
    );
  }
  const inner = value[name];
  const matchers = (Array.isArray(inner) ? inner : [inner]).map((one) => operator(one, where));
  return (one) => !matchers.some((matches) => matches(one));
}

function notOneOf(values: readonly unknown[], where: string): Matcher {
  const isTexts = values.every((value) => typeof value === 'string');
  const isNumbers = values.every((value) => numberOf(value) !== undefined);
  if (values.length === 0 || (!isTexts && !isNumbers)) {
    throw new PatternError(`${where}: anything-but takes either texts or numbers`);
  }
  const excluded = new Set(values.map((value) => textOf(value) ?? value));
  return isNumbers
    ? (one) => !excluded.has(textOf(one))
    : (one) => !(typeof one === 'string' && excluded.has(one));
}
