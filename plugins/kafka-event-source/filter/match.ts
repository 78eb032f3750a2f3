/** Compares a JSON value with a pattern, with EventBridge's rules for lists. */
import { type Json, own } from '../json.ts';
import { isObject } from './json.ts';
import { type Fields, isLeaf, type Leaf } from './pattern.ts';

/** Whether the comparison leaves out a field of the outermost object. */
export type IsIgnored = (name: string, field: Fields | Leaf) => boolean;

const ignoresNothing: IsIgnored = () => false;

export function matches(
  pattern: Fields,
  object: Json,
  isIgnored: IsIgnored = ignoresNothing,
): boolean {
  return matchesObject(pattern, object, [object], isIgnored);
}

/**
 * `all` has the objects at this place from all elements of the lists above it. A field is absent only
 * if none of them has it.
 */
function matchesObject(
  { fields, or }: Fields,
  object: Json,
  all: readonly Json[],
  isIgnored: IsIgnored,
): boolean {
  for (const [name, field] of fields) {
    if (isIgnored(name, field)) continue;
    const isMatching = isLeaf(field)
      ? matchesLeaf(field, name, object, all)
      : matchesFields(field, name, object, all);
    if (!isMatching) return false;
  }
  return or.every((group) => group.some((one) => matchesObject(one, object, all, isIgnored)));
}

function matchesLeaf(
  { matchers, allowsAbsent }: Leaf,
  name: string,
  object: Json,
  all: readonly Json[],
): boolean {
  const isMatched = (value: unknown) => matchers.some((matcher) => matcher(value));
  if (matchers.length > 0 && someLeaf(own(object, name), isMatched)) return true;
  // AWS: `exists` is about leaves only; an object below the name does not count.
  // https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
  return allowsAbsent && !all.some((one) => someLeaf(own(one, name), () => true));
}

const NOTHING: Json = {};

/** All fields below a list must match in the same element of the list. */
function matchesFields(fields: Fields, name: string, object: Json, all: readonly Json[]): boolean {
  const below = all.flatMap((one) => objects(own(one, name)));
  const here = objects(own(object, name));
  return (here.length > 0 ? here : [NOTHING]).some((one) =>
    matchesObject(fields, one, below, ignoresNothing),
  );
}

function someLeaf(value: unknown, test: (value: unknown) => boolean): boolean {
  if (Array.isArray(value)) return value.some((one) => someLeaf(one, test));
  return value !== undefined && !isObject(value) && test(value);
}

function objects(value: unknown): Json[] {
  if (Array.isArray(value)) return value.flatMap(objects);
  return isObject(value) ? [value] : [];
}
