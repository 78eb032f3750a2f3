import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asyncApiDocument, eventSchema, schemaFile } from '../lib/api-docs/asyncapi.ts';
import { ERRORS } from '../lib/errors.ts';
import { EVENT_TYPES } from '../lib/order-event.ts';
import { handlerComments } from './handlers.ts';
import { ownOptions } from './options.ts';

const ROOT = join(import.meta.dirname, '..');

const BEGIN = '<!-- written by npm run docs -->';
const END = '<!-- end of what npm run docs writes -->';
const BETWEEN = new RegExp(`(?<=${BEGIN}\n)[^]*(?=\n${END})`);

const help = `npm run docs: writes the documents' parts that are made from the code.

  docs/asyncapi.json, docs/schemas/     from lib/order-event.ts
  docs/functions.md, README.md's table  from the comments of the handlers
  docs/errors.md's table                from lib/errors.ts

Before them, the emulator's own npm run docs writes the parts of its docs/ that are made from its code.
`;

/** The files that are made from the code, in whole or in part, by their paths. A test compares. */
export function documents(): Record<string, string> {
  const json = (document: object) => `${JSON.stringify(document, null, 2)}\n`;
  const schemas = EVENT_TYPES.map((type) => [
    `docs/schemas/${schemaFile(type)}`,
    json(eventSchema(type)),
  ]);
  return {
    'docs/asyncapi.json': json(asyncApiDocument()),
    ...Object.fromEntries(schemas),
    'docs/functions.md': filled('docs/functions.md', sectionsOfFunctions()),
    'docs/errors.md': filled('docs/errors.md', tableOfErrors()),
    'README.md': filled('README.md', tableOfFunctions()),
  };
}

function sectionsOfFunctions(): string {
  const sections = handlerComments().map(({ name, sentence, fields }) => {
    const list = Object.entries(fields).map(([field, value]) => `- ${field}: ${value}`);
    return [`## ${name}`, '', sentence, '', ...list].join('\n');
  });
  return sections.join('\n\n');
}

function tableOfFunctions(): string {
  const rows = handlerComments().map(({ name, sentence, fields }) => [
    `\`${name}\``,
    fields.Trigger,
    sentence.slice(name.length + 1).replace(/\.$/, ''),
  ]);
  return table(['Function', 'Trigger', 'Does'], rows);
}

function tableOfErrors(): string {
  const rows = Object.entries(ERRORS).map(([code, { title, status, retriable, advice }]) => [
    `\`${code}\``,
    `${status}`,
    title,
    retriable ? 'yes' : 'no',
    advice,
  ]);
  return table(['Code', 'Status', 'Title', 'Again', 'What to do'], rows);
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** The file as it is, with the new text between its two marks. */
function filled(file: string, text: string): string {
  const parts = readFileSync(join(ROOT, file), 'utf8').split(BETWEEN);
  if (parts.length !== 2) throw new Error(`${file} needs the lines "${BEGIN}" and "${END}".`);
  return parts.join(text);
}

async function main(): Promise<void> {
  ownOptions(help);
  for (const [file, text] of Object.entries(documents())) {
    await mkdir(dirname(join(ROOT, file)), { recursive: true });
    await writeFile(join(ROOT, file), text);
    console.log(file);
  }
}

if (import.meta.main) await main();
