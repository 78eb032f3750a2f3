import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EVENT_TYPES } from '../lib/order-event.ts';
import { ownOptions } from '../local/options.ts';
import { asyncApiDocument, eventSchema, schemaFile } from './events.ts';

/** The documents that are made from the code, by their paths in docs/. A test compares. */
export function documents(): Record<string, string> {
  const schemas = EVENT_TYPES.map((type) => [`schemas/${schemaFile(type)}`, eventSchema(type)]);
  const all = [['asyncapi.json', asyncApiDocument()], ...schemas] as [string, object][];
  return Object.fromEntries(
    all.map(([file, document]) => [file, `${JSON.stringify(document, null, 2)}\n`]),
  );
}

const help = `npm run docs: writes what is made from the code anew, docs/asyncapi.json and docs/schemas/.
`;

async function main(): Promise<void> {
  ownOptions(help);
  await mkdir(join(import.meta.dirname, 'schemas'), { recursive: true });
  for (const [file, text] of Object.entries(documents())) {
    await writeFile(join(import.meta.dirname, file), text);
    console.log(`docs/${file}`);
  }
}

if (import.meta.main) await main();
