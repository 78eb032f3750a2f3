/** Reads from a handler's source, without running it, whether the handler declares a callback. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CALLBACK_PARAMETERS } from './handler.ts';

const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts'] as const;

/**
 * Whether the source says that the handler has three parameters. It is false, too, if the source does not
 * show the parameters, such as of a handler that another function makes; then the first invocation fails.
 *
 * @param folder the folder that `handler` begins in
 * @param handler such as `functions/notify/handler.main`
 */
export function declaresCallback(folder: string, handler: string): boolean {
  const [, file = '', name = ''] = /^([^.]*)\.(\w+)$/.exec(basename(handler)) ?? [];
  if (name === '') return false;
  const path = join(folder, dirname(handler), file);
  const extension = EXTENSIONS.find((one) => existsSync(path + one));
  if (extension === undefined) return false;
  const number = parametersOf(readFileSync(path + extension, 'utf8'), name);
  return number !== undefined && number >= CALLBACK_PARAMETERS;
}

/** The `length` of the function with this name. @returns undefined if it is not found */
export function parametersOf(source: string, name: string): number | undefined {
  // The second character of an arrow would count as a bracket.
  const text = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').replaceAll('=>', '⇒');
  const beginning = new RegExp(
    `\\bfunction\\s+${name}\\s*\\(|\\b${name}\\s*(?::[^=;]*)?=\\s*(?:async\\s*)?(?:function\\b[^(]*)?\\(`,
  ).exec(text);
  if (!beginning) return undefined;
  const parameters = [''];
  let depth = 0;
  for (const character of text.slice(beginning.index + beginning[0].length)) {
    if (character === ')' && depth === 0) return lengthOf(parameters);
    if ('([{<'.includes(character)) depth += 1;
    if (depth === 0 && character === ',') parameters.push('');
    // Text in brackets becomes underscores: a default in it is not the parameter's own.
    else parameters[parameters.length - 1] += depth === 0 ? character : '_';
    if (')]}>'.includes(character)) depth -= 1;
  }
  return undefined;
}

/** As JavaScript counts: up to the first parameter with a default, and without the rest. */
function lengthOf(parameters: readonly string[]): number {
  const named = parameters.map((one) => one.trim()).filter((one) => one !== '');
  const first = named.findIndex((one) => one.includes('=') || one.startsWith('...'));
  return first === -1 ? named.length : first;
}
