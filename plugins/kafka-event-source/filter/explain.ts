/** Says why no filter pattern lets a record pass. */
import { excerpt } from '../excerpt.ts';
import { isObject, type Json } from '../json.ts';
import { createFilter, type FilterRecord } from './record.ts';

/** The reason in one or a few sentences: for each pattern, the fields that do not match. */
export function explain(patterns: readonly string[], record: FilterRecord): string {
  const reasons = patterns.map((text, index) => {
    const name = patterns.length > 1 ? `Pattern ${index + 1} ${text}` : `The pattern ${text}`;
    return `${name} does not match: ${mismatches(text, record)}.`;
  });
  return reasons.join(' ');
}

function mismatches(text: string, record: FilterRecord): string {
  const found = leaves(JSON.parse(text) as Json, [])
    .filter(({ pattern }) => !createFilter([JSON.stringify(pattern)])(record))
    .map(({ path }) => `${path.join('.')} is ${shown(path, record)}`);
  // Each field matches by itself, but not in the same element of a list.
  return found.length > 0 ? found.join(', ') : 'its fields do not match together';
}

interface LeafPattern {
  readonly path: readonly string[];
  /** The pattern with this field alone. */
  readonly pattern: Json;
}

function leaves(pattern: Json, path: readonly string[]): LeafPattern[] {
  return Object.entries(pattern).flatMap(([name, field]) => {
    const here = [...path, name];
    if (isObject(field)) return leaves(field, here);
    const nested = here.reduceRight<unknown>((inner, one) => ({ [one]: inner }), field);
    return [{ path: here, pattern: nested as Json }];
  });
}

/** The record's value at the path of a pattern. */
function shown(path: readonly string[], record: FilterRecord): string {
  if (path.includes('$or')) return 'none of the alternatives';
  const [first = '', ...rest] = path;
  let value: unknown = (record as unknown as Json)[first];
  if (value instanceof Uint8Array) value = read(Buffer.from(value).toString('utf8'));
  for (const name of rest) {
    value = (Array.isArray(value) ? value : [value]).flatMap((one) =>
      isObject(one) && Object.hasOwn(one, name) ? [one[name]] : [],
    );
    if ((value as unknown[]).length === 0) return 'absent';
  }
  const list = rest.length > 0 ? (value as unknown[]) : [value];
  return list.length === 1 ? excerpt(list[0]) : excerpt(list);
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
