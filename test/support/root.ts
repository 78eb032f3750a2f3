import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The folder of the project. */
export const ROOT = join(import.meta.dirname, '..', '..');

type FunctionDefinition = {
  handler: string;
  events: Record<string, unknown>[];
};

/** The functions of serverless.yml, its variables unresolved. */
export function functionsInYml(): Record<string, FunctionDefinition> {
  const text = readFileSync(join(ROOT, 'serverless.yml'), 'utf8');
  return parse(text, { merge: true }).functions;
}
