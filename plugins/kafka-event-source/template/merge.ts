/** Merges templates as the framework does. */
import { isObject } from '../json.ts';

/** Merges objects, and lists by position; replaces other values. Changes neither argument. */
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

/** Leaves out null and undefined, as the framework does in the template. */
export function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(compact);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [key, compact(one)]));
}
