import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncApiDocument, eventSchema, schemaFile } from '../lib/api-docs/asyncapi.ts';
import { EVENT_TYPES } from '../lib/order-event.ts';
import { ownOptions } from './options.ts';

/** The documents that are made from the code, by their paths in docs/. A test compares. */
export function documents(): Record<string, string> {
  const schemas = EVENT_TYPES.map((type) => [`schemas/${schemaFile(type)}`, eventSchema(type)]);
  const all = [['asyncapi.json', asyncApiDocument()], ...schemas] as [string, object][];
  return Object.fromEntries(
    all.map(([file, document]) => [file, `${JSON.stringify(document, null, 2)}\n`]),
  );
}

const DOCS = join(import.meta.dirname, '../docs');

const help = `npm run docs: writes what is made from the code anew, docs/asyncapi.json and docs/schemas/.
`;

async function main(): Promise<void> {
  ownOptions(help);
  await mkdir(join(DOCS, 'schemas'), { recursive: true });
  for (const [file, text] of Object.entries(documents())) {
    await writeFile(join(DOCS, file), text);
    console.log(`docs/${file}`);
  }
}

if (import.meta.main) await main();
