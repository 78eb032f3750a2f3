// Lets the event types and libraries of other languages read the emulator's payloads, and compares
// their results with the records that were produced.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../bench/figures.ts';
import { ROOT } from '../support/root.ts';
import { agreement, type Line, type Row } from './agreement.ts';
import { nameOf, PAYLOADS } from './payloads.ts';
import { READERS } from './readers.ts';
import { type Language, missingCommands, TOOLCHAINS } from './toolchains.ts';

const LANGUAGES = Object.keys(TOOLCHAINS) as Language[];
const HELP = `npm run test:languages -- [${LANGUAGES.join('|')} …] [--write]

Makes payloads with the plugin's own code, lets a small program of each language read them, and prints
where its libraries agree. Without a language it runs all. Ends with 1 if a reader disagrees otherwise
than readers.ts expects, if a command is missing, or if the table in docs/fidelity.md is out of date;
--write writes that table anew. Builds go to .local/languages.`;

const DOCUMENT = join(ROOT, 'docs/fidelity.md');
const BEGIN = '<!-- written by npm run test:languages -- --write -->';
const END = '<!-- end of what npm run test:languages writes -->';
const HEAD = ['language', 'reader', 'payloads', 'result'];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { write: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  const strange = positionals.filter((name) => !LANGUAGES.some((language) => language === name));
  if (values.help || strange.length > 0) {
    console.log(HELP);
    return values.help ? 0 : 1;
  }
  const languages = LANGUAGES.filter(
    (one) => positionals.length === 0 || positionals.includes(one),
  );
  const lines = await linesOf(languages);
  const rows = READERS.filter(({ language }) => lines.has(language)).flatMap((reader) =>
    agreement(reader, lines.get(reader.language) ?? []),
  );
  console.log(table(HEAD, rows.map(cellsOf)));
  const unexpected = rows.filter(({ expected }) => !expected).length;
  console.log(`\n${rows.length - unexpected} rows as expected, ${unexpected} not`);
  const complete = lines.size === LANGUAGES.length;
  const written = !complete || (await document(rows, values.write === true));
  return unexpected === 0 && lines.size === languages.length && written ? 0 : 1;
}

/** The results that the program of each language printed; languages that cannot run here are left out. */
async function linesOf(languages: readonly Language[]): Promise<Map<Language, Line[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'languages-'));
  const results = new Map<Language, Line[]>();
  try {
    for (const payload of PAYLOADS) {
      await writeFile(join(folder, `${nameOf(payload)}.json`), payload.json);
    }
    await Promise.all(
      languages.map(async (language) => {
        const began = performance.now();
        try {
          const output = await outputOf(language, folder);
          const texts = output.split('\n').filter(Boolean);
          results.set(
            language,
            texts.map((text) => JSON.parse(text)),
          );
          console.error(`${language}: ran in ${((performance.now() - began) / 1000).toFixed(1)} s`);
        } catch (error) {
          // The other languages still run, and the missing one fails the run at its end.
          console.error(
            `${language}: did not run: ${error instanceof Error ? error.message : error}`,
          );
        }
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
  return results;
}

async function outputOf(language: Language, folder: string): Promise<string> {
  const missing = await missingCommands(language);
  if (missing.length > 0) throw new Error(`this machine has no ${missing.join(', ')}`);
  return TOOLCHAINS[language].run(folder);
}

/** Writes the table of the document, or says whether it has these rows. */
async function document(rows: readonly Row[], write: boolean): Promise<boolean> {
  const text = await readFile(DOCUMENT, 'utf8');
  const [before = '', rest = ''] = text.split(`${BEGIN}\n`);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`${DOCUMENT} has no lines ${BEGIN} and ${END}.`);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const body = [HEAD, HEAD.map(() => '---'), ...rows.map(cellsOf)].map(line).join('\n');
  const wanted = `${before}${BEGIN}\n${body}\n${END}${after}`;
  if (text === wanted) return true;
  if (write) await writeFile(DOCUMENT, wanted);
  else console.error('The table in docs/fidelity.md is out of date: run this again with --write.');
  return write;
}

function cellsOf({ language, reader, payloads, result }: Row): string[] {
  return [language, reader, payloads, result];
}

process.exitCode = await main();
