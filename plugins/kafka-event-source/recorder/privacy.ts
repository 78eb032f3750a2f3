/** Replaces the values of private fields, before anything is written. */
import type { EventRecord } from '../event.ts';
import { REDACTED } from './schema.ts';

/** Stands in the place of a private value. */
export const PLACEHOLDER = '[private]';
const HIDDEN = Buffer.from(PLACEHOLDER).toString('base64');
/** Texts that are shorter are part of other words by chance; they are replaced only where they stand alone. */
const SHORT = 4;
/** The last private values of a mapping, of which so many to twice as many are kept in memory. */
const MOST_VALUES = 50_000;

/** The parts of an attribute's name that paths are compared with. */
const DEEPEST_NAME = 8;

interface Segment {
  /** '*' for each member. */
  readonly name: string;
  /** Whether the name may stand at any depth. */
  readonly isDeep: boolean;
}

interface Redacted {
  readonly record: EventRecord;
  /** Bits of REDACTED. */
  readonly flags: number;
}

export class Privacy {
  readonly #paths: readonly (readonly Segment[])[];
  readonly #headers: ReadonlySet<string>;
  /** For texts, such as log lines. */
  readonly #patterns: readonly RegExp[];

  /** @param entries JSON paths (`$.contact`), patterns of texts (`/.+@.+/`), and names of headers */
  constructor(entries: readonly string[]) {
    const { path = [], pattern = [], header = [] } = Object.groupBy(entries, kindOf);
    this.#paths = path.map(readPath);
    this.#patterns = pattern.map((one) => new RegExp(one.slice(1, -1), 'g'));
    this.#headers = new Set(header.map((name) => name.toLowerCase()));
  }

  get isNeeded(): boolean {
    return this.#paths.length + this.#patterns.length + this.#headers.size > 0;
  }

  /** For a mapping whose records are read from now on. */
  createSecrets(): Secrets {
    return new Secrets(this.#patterns);
  }

  /** The record without private values, which are added to `secrets`. */
  record(record: EventRecord, secrets: Secrets): Redacted {
    let flags = 0;
    const changed = { ...record };
    for (const field of ['key', 'value'] as const) {
      const base64 = record[field];
      if (base64 === undefined) continue;
      const found = this.#bytes(base64, field, secrets);
      if (found === undefined) continue;
      changed[field] = found;
      secrets.add(base64);
      flags |= REDACTED[field];
    }
    if (record.headers.some((header) => this.#isPrivate(header))) {
      changed.headers = record.headers.map((header) => this.#header(header, secrets));
      flags |= REDACTED.headers;
    }
    return { record: changed, flags };
  }

  /** A text about records, such as an answer, a log line or an edited event, without private values. */
  text(text: string, secrets: Secrets): string {
    if (!this.isNeeded) return text;
    const value = /^\s*[[{]/.test(text) ? parse(text) : undefined;
    const isChanged = value !== undefined && this.#json(value, secrets);
    return secrets.hide(isChanged ? JSON.stringify(value) : text);
  }

  /**
   * The attributes of a span without private values. Names have parts, such as `order.contact.email`: a path
   * is compared with the last parts, as with nested members, and the name of a header with the last part.
   *
   * @param secrets of all mappings: a span belongs to none
   */
  attributes(attributes: object, secrets: readonly Secrets[]): object {
    const [own = this.createSecrets()] = secrets;
    const hide = (value: unknown): unknown => {
      if (typeof value === 'string') {
        return secrets.reduce((text, known) => this.text(text, known), value);
      }
      // Numbers are compared as a whole: a part of one may equal a private value by chance.
      if (typeof value === 'number')
        return hide(String(value)) === PLACEHOLDER ? PLACEHOLDER : value;
      if (Array.isArray(value)) return value.map(hide);
      return isObject(value) ? mapped(value, hide) : value;
    };
    return mapped(attributes, (value, name) => hide(this.#attribute(name, value, own)));
  }

  #attribute(name: string, value: unknown, secrets: Secrets): unknown {
    const parts = name.split('.').slice(-DEEPEST_NAME);
    if (this.#headers.has(parts.at(-1)?.toLowerCase() ?? '')) return PLACEHOLDER;
    for (const from of parts.keys()) {
      const own = parts.slice(from);
      const whole = own.reduceRight((inner, part) => ({ [part]: inner }), structuredClone(value));
      if (!this.#json(whole, secrets)) continue;
      return own.reduce((inner, part) => (isObject(inner) ? inner[part] : inner), whole);
    }
    return value;
  }

  /** Undefined: there is nothing private in it. */
  #bytes(base64: string, field: 'key' | 'value', secrets: Secrets): string | undefined {
    if (this.#paths.length === 0) return undefined;
    const value = parse(Buffer.from(base64, 'base64').toString('utf8'));
    // Nobody can tell where the private fields of such bytes are. Keys are mostly plain ids.
    if (value === undefined) return field === 'value' ? HIDDEN : undefined;
    const isChanged = this.#json(value, secrets);
    return isChanged ? Buffer.from(JSON.stringify(value)).toString('base64') : undefined;
  }

  /** Changes the value in its place. @returns whether something was private */
  #json(value: unknown, secrets: Secrets): boolean {
    let isChanged = false;
    for (const path of this.#paths) isChanged = replace(value, path, secrets) || isChanged;
    // An event has its records in base64, and the letter of a failed record has its event.
    if (isObject(value)) {
      isChanged = this.#records(value, secrets) || isChanged;
      if (isObject(value.payload)) isChanged = this.#records(value.payload, secrets) || isChanged;
    }
    return isChanged;
  }

  /** Changes an event in its place. @returns whether something was private */
  #records(event: Json, secrets: Secrets): boolean {
    if (!isObject(event.records)) return false;
    let isChanged = false;
    for (const [key, list] of Object.entries(event.records)) {
      if (!Array.isArray(list)) continue;
      event.records[key] = list.map((one) => {
        if (!isObject(one)) return one;
        const record = { headers: [], ...one } as unknown as EventRecord;
        const found = this.record(record, secrets);
        if (found.flags === 0) return one;
        isChanged = true;
        return found.record;
      });
    }
    return isChanged;
  }

  #isPrivate(header: Record<string, number[]>): boolean {
    return Object.keys(header).some((name) => this.#headers.has(name.toLowerCase()));
  }

  #header(header: Record<string, number[]>, secrets: Secrets): Record<string, number[]> {
    if (!this.#isPrivate(header)) return header;
    return Object.fromEntries(
      Object.entries(header).map(([name, bytes]) => {
        secrets.add(Buffer.from(bytes).toString('utf8'));
        secrets.add(JSON.stringify(bytes));
        return [name, [...Buffer.from(PLACEHOLDER)]];
      }),
    );
  }
}

/**
 * The private values of a mapping's last records, which are replaced in texts about them, too: in log
 * lines, answers and reasons. A mapping has one of them, because a reason outlives its invocation.
 */
export class Secrets {
  readonly #patterns: readonly RegExp[];
  /** The values by their first characters: the newest ones, and those before them. */
  #now = new Map<string, Set<string>>();
  #before = new Map<string, Set<string>>();
  #size = 0;

  constructor(patterns: readonly RegExp[]) {
    this.#patterns = patterns;
  }

  add(value: string): void {
    if (value.length === 0) return;
    let form = value;
    // As they stand in JSON, which may stand within a JSON text.
    for (let depth = 0; depth < 3; depth += 1) {
      const start = form.slice(0, SHORT);
      const found = this.#now.get(start);
      if (!found) this.#now.set(start, new Set([form]));
      else found.add(form);
      const next = JSON.stringify(form).slice(1, -1);
      if (next === form) break;
      form = next;
    }
    this.#size += 1;
    if (this.#size < MOST_VALUES) return;
    this.#before = this.#now;
    this.#now = new Map();
    this.#size = 0;
  }

  /** The text without the values, and without the parts that fit the patterns. */
  hide(text: string): string {
    return this.#patterns.reduce(
      (hidden, pattern) => hidden.replace(pattern, PLACEHOLDER),
      this.#hideValues(text),
    );
  }

  #hideValues(text: string): string {
    if (this.#now.size === 0 && this.#before.size === 0) return text;
    const parts: string[] = [];
    let begin = 0;
    for (let at = 0; at < text.length; at += 1) {
      const length = this.#lengthAt(text, at);
      if (length === 0) continue;
      parts.push(text.slice(begin, at), PLACEHOLDER);
      begin = at + length;
      at = begin - 1;
    }
    return begin === 0 ? text : parts.join('') + text.slice(begin);
  }

  /** The length of the longest value that begins here; 0 for none. */
  #lengthAt(text: string, at: number): number {
    let longest = 0;
    for (const values of [this.#now, this.#before]) {
      for (const value of values.get(text.slice(at, at + SHORT)) ?? []) {
        if (value.length > longest && text.startsWith(value, at)) longest = value.length;
      }
    }
    for (let length = SHORT - 1; length > longest; length -= 1) {
      const value = text.slice(at, at + length);
      const isKnown = [this.#now, this.#before].some((values) => values.get(value)?.has(value));
      if (isKnown && isAlone(text, at, length)) return length;
    }
    return longest;
  }
}

function isAlone(text: string, at: number, length: number): boolean {
  const isWord = (character: string) => /[\p{L}\p{N}]/u.test(character);
  return !isWord(text.charAt(at - 1)) && !isWord(text.charAt(at + length));
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapped(object: object, change: (value: unknown, name: string) => unknown): Json {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, change(value, name)]),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Such as `$.contact`, `$.items[*].name`, `$['a.b']`, `$..email`. Indices count as `[*]`. */
function readPath(path: string): Segment[] {
  const part = /(\.\.?)([^.[\]]+)|\[(?:'([^']*)'|"([^"]*)"|(\*|\d+))\]/y;
  const segments: Segment[] = [];
  part.lastIndex = 1;
  while (part.lastIndex < path.length) {
    const at = part.lastIndex;
    const found = part.exec(path);
    if (!found)
      throw new Error(`${path} is no JSON path: it cannot be read from ${path.slice(at)}`);
    const [, dots, plain, single, double] = found;
    const name = plain ?? single ?? double;
    // Lists are looked through by themselves, so that a path without [*] hides their elements, too.
    if (name !== undefined) segments.push({ name, isDeep: dots === '..' });
  }
  return segments;
}

/** A reason why patterns left a record out, which was found without its private values. */
export function reasonWithout(flags: number, reason: string): string {
  return flags === 0
    ? reason
    : `${reason} Private fields are not known any more, and may be named here though they match.`;
}

function kindOf(entry: string): 'path' | 'pattern' | 'header' {
  if (entry.startsWith('$')) return 'path';
  return /^\/.+\/$/.test(entry) ? 'pattern' : 'header';
}

/** Whether the text can be an entry of the private ones. */
export function isPrivateEntry(text: string): boolean {
  try {
    if (kindOf(text) === 'pattern') return !new RegExp(text.slice(1, -1)).test('');
    return kindOf(text) === 'header' || readPath(text).length > 0;
  } catch {
    return false;
  }
}

function replace(value: unknown, path: readonly Segment[], secrets: Secrets): boolean {
  const [segment, ...rest] = path;
  if (!segment || typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) {
    let isChanged = false;
    for (const one of value) isChanged = replace(one, path, secrets) || isChanged;
    return isChanged;
  }
  let isChanged = false;
  for (const [name, member] of Object.entries(value)) {
    if (segment.name === '*' || segment.name === name) {
      if (rest.length > 0) isChanged = replace(member, rest, secrets) || isChanged;
      else if (member !== null && member !== PLACEHOLDER) {
        collect(member, secrets);
        (value as Json)[name] = PLACEHOLDER;
        isChanged = true;
        continue;
      }
    }
    if (segment.isDeep) isChanged = replace(member, path, secrets) || isChanged;
  }
  return isChanged;
}

function collect(value: unknown, secrets: Secrets): void {
  if (typeof value === 'string') secrets.add(value);
  else if (typeof value === 'number' && String(value).length >= SHORT) secrets.add(String(value));
  else if (typeof value === 'object' && value !== null) {
    for (const one of Object.values(value)) collect(one, secrets);
  }
}
