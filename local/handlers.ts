import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..');

/** The lines that every handler's comment has, in their order. */
const FIELDS = [
  'Trigger',
  'Input',
  'Answers',
  'Writes',
  'Publishes',
  'Safe to repeat because',
] as const;

/** The content of a handler's comment: "createOrder takes a new order.", then its fields. */
export type HandlerComment = {
  name: string;
  sentence: string;
  fields: Record<(typeof FIELDS)[number], string>;
};

/** The comments of all handlers, in the order of serverless.yml. */
export function handlerComments(): HandlerComment[] {
  const { functions } = parse(readFileSync(join(ROOT, 'serverless.yml'), 'utf8'), { merge: true });
  return Object.keys(functions).map((name) =>
    commentIn(name, readFileSync(join(ROOT, `functions/${name}/handler.ts`), 'utf8')),
  );
}

/** @throws Error when the source has no comment that begins with the name, or the comment lacks a field */
export function commentIn(name: string, source: string): HandlerComment {
  const [, block = ''] = new RegExp(`/\\*\\*\\n( \\* ${name} [^]*?)\\n \\*/`).exec(source) ?? [];
  const lines = block.replaceAll(/^ \* ?/gm, '').replaceAll(/\{@link (\w+)\}/g, '`$1`');
  const saidOf = (field: string) => {
    const [, value] = new RegExp(`^${field}: (.+)$`, 'm').exec(lines) ?? [];
    if (value === undefined) {
      throw new Error(`functions/${name}/handler.ts: the handler's comment has no "${field}:".`);
    }
    return value;
  };
  const fields = Object.fromEntries(FIELDS.map((field) => [field, saidOf(field)]));
  const [sentence = ''] = lines.split('\n\n');
  return {
    name,
    sentence: sentence.replaceAll('\n', ' '),
    fields: fields as HandlerComment['fields'],
  };
}
