/** Runs `sls kafka record export` and `import`: takes the recorder's memory to another machine. */
import { basename, extname, resolve } from 'node:path';
import { mappingsOf } from '../definition.ts';
import { oneLine } from '../harmless.ts';
import { plural } from '../plural.ts';
import { exportStore } from '../recorder/export.ts';
import { importStore } from '../recorder/imports.ts';
import type { About } from '../recorder/types.ts';
import { writeSettings } from '../settings/settings.ts';
import type { CommandContext } from './commands.ts';
import { isCalled, withoutMapping } from './mapping.ts';
import { textOf } from './option.ts';
import { writing } from './output.ts';

const OUTPUT = 'kafka-record.sqlite';

export async function runExport({ loaded, place, options, print }: CommandContext): Promise<void> {
  const file = textOf(options.output) ?? OUTPUT;
  const { recorder } = loaded.options;
  const functionKey = functionKeyOf({ loaded, options });
  const { records, invocations } = await writing(file, () =>
    exportStore({
      ...place,
      file: resolve(file),
      private: recorder ? recorder.private : [],
      functionKey,
      about: aboutOf(loaded),
    }),
  );
  if (options.json === true) return print(JSON.stringify({ file, records, invocations }, null, 2));
  print(
    `Wrote ${plural(records, 'record')} and ${plural(invocations, 'invocation')} to ${file}. On another machine, ` +
      '`record import --file <file>` shows them, and `record replay --file <file>` runs the invocations again.',
  );
}

export async function runImport({ place, options, print }: CommandContext): Promise<void> {
  const file = fileOf(options);
  const name = textOf(options.name) ?? basename(file, extname(file));
  const about = importStore(resolve(file), place.folder, name);
  if (options.json === true) return print(JSON.stringify({ name, ...about }, null, 2));
  const { service, stage, exportedAt } = about;
  print(
    `Imported ${oneLine(`${service}, stage ${stage}`)}, of ${new Date(exportedAt).toISOString()} as "${name}". The page of ` +
      `the running mappings shows it at /?imported=${encodeURIComponent(name)}, read-only.`,
  );
}

/** The file of an export. @throws Error if the option is left out */
export function fileOf({ file }: CommandContext['options']): string {
  const found = textOf(file);
  if (found !== undefined) return found;
  throw new Error('Name the file of an export by --file <file>; `record export` writes one.');
}

/** The key of the function of `--function`, which may be its name. @throws Error for an unknown one */
export function functionKeyOf({
  loaded,
  options,
}: Pick<CommandContext, 'loaded' | 'options'>): string | undefined {
  const wanted = textOf(options.function);
  if (wanted === undefined) return undefined;
  const mappings = mappingsOf(loaded.definitions);
  const found = mappings.find((one) => isCalled(one, wanted));
  if (!found) throw withoutMapping(wanted, mappings);
  return found.functionKey;
}

function aboutOf({ service: { service, stage }, definitions }: CommandContext['loaded']): About {
  return {
    service,
    stage,
    exportedAt: Date.now(),
    mappings: mappingsOf(definitions).map((mapping) => {
      const { uuid, name, functionKey, topic, groupId } = mapping;
      // Without the connection, which may have a password.
      return { uuid, name, functionKey, topic, groupId, settings: writeSettings(mapping) };
    }),
  };
}
