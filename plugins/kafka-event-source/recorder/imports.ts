/** Exports of other machines, which are kept beside the store, and only read. */
import { chmodSync, copyFileSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../log.ts';
import { Asked } from './asked.ts';
import { Reader } from './reader.ts';
import { faultOfExport, makeFolder, openForReading } from './schema.ts';
import { type About, type Import, type RecorderReader, STORE_FOLDER } from './types.ts';

const END = '.sqlite';

const aboutSchema = z.object({
  service: z.string(),
  stage: z.string(),
  exportedAt: z.number(),
  mappings: z.array(
    z.object({
      uuid: z.string(),
      name: z.string(),
      functionKey: z.string(),
      topic: z.string(),
      groupId: z.string(),
      settings: z.record(z.string(), z.unknown()),
    }),
  ),
}) satisfies z.ZodType<About>;

/** An export that is read in this thread. */
interface OpenExport extends Disposable {
  readonly about: About;
  readonly reader: Reader;
}

/** Opens the file of an export. @throws Error that names the file's fault */
export function openExport(file: string): OpenExport {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw new Error(`There is no file ${file}.`);
  if (!found.isFile()) throw new Error(`${file} is a folder. Name the file of an export.`);
  const fault = faultOfExport(file);
  if (fault !== undefined) throw new Error(`${file} cannot be used: ${fault}.`);
  const db = openForReading(file);
  const reader = new Reader(db);
  try {
    const about = aboutSchema.parse(reader.about());
    return { about, reader, [Symbol.dispose]: () => db.close() };
  } catch (error) {
    db.close();
    throw new Error(`${file} cannot be used: it does not name its service: ${messageOf(error)}`);
  }
}

/**
 * Keeps a copy of an export in the service's folder. One of the same name is replaced.
 *
 * @throws Error that names the file's fault
 */
export function importStore(file: string, folder: string, name: string): About {
  using found = openExport(file);
  makeFolder(join(folder, STORE_FOLDER));
  makeFolder(importsOf(folder));
  const kept = join(importsOf(folder), fileOf(name));
  copyFileSync(file, `${kept}.part`);
  chmodSync(`${kept}.part`, 0o600);
  renameSync(`${kept}.part`, kept);
  return found.about;
}

/** The imports of a service, read in threads of their own. */
export class Imports {
  readonly #folder: string;
  readonly #open = new Map<string, { readonly changed: number; readonly asked: Asked }>();

  /** @param folder the service's folder */
  constructor(folder: string) {
    this.#folder = importsOf(folder);
  }

  async list(): Promise<Import[]> {
    const found = await Promise.all(
      this.#names().map(async (name): Promise<Import | undefined> => {
        // Anybody can put another file into the folder.
        const found = await this.#asked(name)
          .ask('about', undefined)
          .catch(() => undefined);
        const about = aboutSchema.safeParse(found);
        return about.success ? { name, ...about.data } : undefined;
      }),
    );
    return found.flatMap((one) => one ?? []);
  }

  /** The reader of the import with this name; undefined if there is none. */
  of(name: string): RecorderReader | undefined {
    if (!this.#names().includes(name)) return undefined;
    const asked = this.#asked(name);
    const ask =
      <T>(question: keyof RecorderReader) =>
      (about?: unknown) =>
        asked.ask(question, about) as Promise<T>;
    return {
      records: ask('records'),
      record: ask('record'),
      invocations: ask('invocations'),
      invocation: ask('invocation'),
      counts: ask('counts'),
      traces: ask('traces'),
      trace: ask('trace'),
      spansOf: ask('spansOf'),
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ asked }) => asked.close()));
    this.#open.clear();
  }

  /** The folder is read each time, so that an import of a running service needs no new start. */
  #names(): string[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .filter((file) => file.endsWith(END))
      .flatMap((file) => nameOf(file) ?? [])
      .toSorted();
  }

  #asked(name: string): Asked {
    const file = join(this.#folder, fileOf(name));
    const changed = statSync(file).mtimeMs;
    const known = this.#open.get(name);
    if (known?.changed === changed) return known.asked;
    // Another file was imported under the name.
    void known?.asked.close();
    const asked = new Asked(file);
    this.#open.set(name, { changed, asked });
    return asked;
  }
}

/** The name of the import in this file; undefined for a file that no import has written. */
function nameOf(file: string): string | undefined {
  try {
    const name = decodeURIComponent(file.slice(0, -END.length));
    return fileOf(name) === file ? name : undefined;
  } catch {
    return undefined;
  }
}

function fileOf(name: string): string {
  return `${encodeURIComponent(name)}${END}`;
}

function importsOf(folder: string): string {
  return join(folder, STORE_FOLDER, 'imported');
}
