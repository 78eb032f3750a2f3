/** Lays one part of a template over another, as the framework does. */

export type Json = Readonly<Record<string, unknown>>;

/** Objects are merged, lists by position; anything else is replaced. Neither part is changed. */
export function merge(target: unknown, source: unknown): unknown {
  if (source === undefined) return target;
  if (isObject(target) && isObject(source)) {
    const keys = [...Object.keys(target), ...Object.keys(source)];
    return Object.fromEntries(keys.map((key) => [key, merge(target[key], source[key])]));
  }
  if (Array.isArray(target) && Array.isArray(source)) {
    const length = Math.max(target.length, source.length);
    return Array.from({ length }, (_, index) => merge(target[index], source[index]));
  }
  return source;
}

/** Without what is null or undefined, which the framework leaves out of the template too. */
export function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(compact);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, compact(one)]));
}

/** A plain object; a list is none. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
