import type * as z from 'zod';

type Path = readonly PropertyKey[];
type Fields = Record<PropertyKey, unknown>;

/** A stored value as this release reads it. */
export type Reading<T> = {
  value: T;
  /** The fields that the schema does not know, at their places in the value. */
  unknown: Fields;
  /** The paths of values that break the schema's rules and have their default; never the values. */
  faults: string[];
};

/**
 * Reads with a strict schema a value that another release may have stored. Fields that the schema
 * does not know stay. A field that breaks the schema's rules counts as absent, so it has its
 * default. The schema must take an empty object.
 */
export function readTolerantly<T>(schema: z.ZodType<T>, stored: unknown): Reading<T> {
  const rest: Fields = isFields(stored) ? structuredClone(stored) : {};
  const unknown: Fields = {};
  const faults: string[] = [];
  for (;;) {
    const { data, error } = schema.safeParse(rest);
    if (!error) return { value: data as T, unknown, faults };
    // One fault at a time: removing a field may end other faults, or make new ones.
    const [issue] = error.issues;
    if (issue?.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        put(unknown, [...issue.path, key], take(rest, [...issue.path, key]));
      continue;
    }
    const at = present(rest, issue?.path ?? []);
    if (at.length === 0) throw error;
    faults.push(at.map(String).join('.'));
    take(rest, at);
  }
}

/** Merges the fields of two objects, at every depth. */
export function withUnknown<T extends Fields>(known: T, unknown: Fields): T {
  const merged: Fields = { ...known };
  for (const [name, value] of Object.entries(unknown)) {
    const own = merged[name];
    if (!(name in merged)) merged[name] = value;
    else if (isFields(own) && isFields(value)) merged[name] = withUnknown(own, value);
  }
  return merged as T;
}

/** The longest beginning of the path that leads to an existing value. */
function present(fields: Fields, path: Path): Path {
  let at: unknown = fields;
  for (const [i, key] of path.entries()) {
    if (!isFields(at) || !(key in at)) return path.slice(0, i);
    at = at[key];
  }
  return path;
}

function take(fields: Fields, path: Path): unknown {
  const [key = '', ...deeper] = path;
  if (deeper.length > 0) return take(fields[key] as Fields, deeper);
  const value = fields[key];
  delete fields[key];
  return value;
}

function put(fields: Fields, path: Path, value: unknown): void {
  const [key = '', ...deeper] = path;
  if (deeper.length === 0) {
    fields[key] = value;
    return;
  }
  const inner = isFields(fields[key]) ? fields[key] : {};
  fields[key] = inner;
  put(inner, deeper, value);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
