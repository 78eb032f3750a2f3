/** Services of the framework, made of the templates. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../../json.ts';
import { parseYaml } from '../../sources/yaml.ts';
import { merge } from '../../template/merge.ts';
import { link } from '../support/root.ts';
import { sls } from '../support/sls.ts';
import { textOf } from './shapes.ts';

interface Source {
  readonly provider: Json;
  readonly functions: Json | readonly Json[];
  readonly resources?: Json;
}

/** The name of the service of several templates. */
export const JOINED = 'witness';

/**
 * Writes a service into a new folder: that of one template as it is written, or one with the functions
 * of several.
 *
 * @param own more properties of the service, such as its plugins
 * @param url Lambda's Invoke API, to which the handlers send what they get
 */
export async function writeService(
  folder: string,
  files: readonly string[],
  own: Json = {},
  url = '',
): Promise<void> {
  const [file = '', ...others] = files;
  const more = {
    configValidationMode: 'error',
    package: { patterns: ['!**', 'handler.mjs'] },
    ...own,
  };
  await mkdir(folder);
  await link(folder);
  const text =
    others.length > 0 ? JSON.stringify(await joined(files, more)) : await alone(file, more);
  await writeFile(join(folder, 'serverless.yml'), text);
  await writeFile(join(folder, 'handler.mjs'), HANDLER.replace('<url>', url));
  await writeFile(join(folder, 'enrich.py'), PYTHON.replace('<url>', url));
}

/** The keys of a template's functions that serverless-offline cannot run. */
export async function elsewhere(files: readonly string[]): Promise<string[]> {
  const sources = await Promise.all(files.map(read));
  return sources
    .flatMap(({ provider, functions }) => entriesOf(functions, provider))
    .filter(([, { image, runtime }]) => image !== undefined || /^provided/.test(String(runtime)))
    .map(([key]) => key);
}

/** The templates of the package, without the time that the framework puts into the names of its files. */
export async function packaged(folder: string): Promise<readonly string[]> {
  const { code, stdout, stderr } = await sls(['package'], folder);
  if (code !== 0) throw new Error(`sls package ended with ${code}: ${stdout}${stderr}`);
  const time = /\d{13}-\d{4}-\d\d-\d\dT[\d:.]+Z/g;
  const names = ['create', 'update'].map((kind) => `cloudformation-template-${kind}-stack.json`);
  const texts = names.map((name) => readFile(join(folder, '.serverless', name), 'utf8'));
  return (await Promise.all(texts)).map((text) => text.replaceAll(time, 'time'));
}

/** The template as it is written, with more properties behind it. */
async function alone(file: string, more: Json): Promise<string> {
  const lines = Object.entries(more).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  // The framework writes the versions of functions in the order in which it has read their files.
  const text = (await textOf(file)).replace('provider: {', 'provider: { versionFunctions: false,');
  return text + lines.join('');
}

/** One service of these templates, each function with its own provider's settings. */
async function joined(files: readonly string[], more: Json): Promise<Json> {
  const sources = await Promise.all(files.map(read));
  const functions = sources.flatMap(({ provider, functions }) => entriesOf(functions, provider));
  return {
    service: JOINED,
    provider: { name: 'aws', region: 'us-east-1', stage: 'dev', versionFunctions: false },
    functions: Object.fromEntries(functions),
    resources: sources.reduce<unknown>((all, { resources = {} }) => merge(all, resources), {}),
    ...more,
  };
}

async function read(file: string): Promise<Source> {
  return parseYaml(await textOf(file)) as Source;
}

function entriesOf(
  functions: Source['functions'],
  { name: _, ...settings }: Json,
): [string, Json][] {
  return [functions]
    .flat()
    .flatMap(Object.entries)
    .map(([key, fn]) => [key, { ...settings, ...fn }]);
}

// The test leaves out the other events of a template, such as a schedule.
const HANDLER = `
export const run = async (event, { functionName }) => {
  const url = \`<url>/2015-03-31/functions/\${functionName}/invocations\`;
  if (event.records) await fetch(url, { method: 'POST', body: JSON.stringify(event) });
};
`;
const PYTHON = `
import json
import urllib.request

def main(event, context):
    url = '<url>/2015-03-31/functions/' + context.function_name + '/invocations'
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(event).encode())).read()
`;
