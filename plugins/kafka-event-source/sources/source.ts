/** Reads a service from a template file: SAM, CloudFormation, CDK, a packaged Serverless service, Terraform. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { isObject, type Json } from '../json.ts';
import { messageOf } from '../log.ts';
import { ConfigurationError } from '../options.ts';
import type { Service } from '../template/deployed.ts';
import { readCloudFormation } from './cloudformation.ts';
import type { SourceOptions } from './source-options.ts';
import { readTerraformPlan } from './terraform.ts';
import { decode, firstLine } from './text.ts';
import { parseYaml } from './yaml.ts';

/** The folders into which CDK and Serverless write templates, within the project's. */
const OUTPUT = ['cdk.out', '.serverless'];

/** The project's folder of a template. */
export function folderOf(template: string): string {
  const folder = dirname(resolve(template));
  return OUTPUT.includes(basename(folder)) ? dirname(folder) : folder;
}

/**
 * The service of a template in YAML or JSON. Its kind is known by its content: a Terraform plan
 * (`terraform show -json`) has `planned_values`, the other kinds have `Resources`.
 *
 * @throws ConfigurationError naming the file and what is wrong with it
 */
export async function loadTemplate(
  file: string,
  options: Omit<SourceOptions, 'service' | 'folder'>,
): Promise<Service> {
  const path = resolve(file);
  const template = parse(file, await read(file));
  const folder = folderOf(path);
  // A CDK project may have several stacks with equal logical ids.
  const [, stack] = /([^/\\]+)\.template\.json$/.exec(path) ?? [];
  const service = [basename(folder), stack].filter(Boolean).join('-');
  const place = { ...options, folder, service };
  if (isObject(template.planned_values)) return readTerraformPlan(template, place);
  if (isObject(template.Resources)) return readCloudFormation(template, place);
  throw new ConfigurationError(
    `${file} has neither Resources, as templates of SAM, CloudFormation and CDK have, nor ` +
      `planned_values, as the output of \`terraform show -json <plan>\` has.${adviceFor(template)}`,
  );
}

function adviceFor({ functions, provider }: Json): string {
  return functions === undefined || provider === undefined
    ? ' Name another file by --template.'
    : ' A Serverless service runs with the plugin (`sls offline start`), or here after `sls package`, by ' +
        '--template .serverless/cloudformation-template-update-stack.json.';
}

async function read(file: string): Promise<string> {
  try {
    return decode(await readFile(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(`The template ${file} cannot be read (${code}).`);
  }
}

function parse(file: string, text: string): Json {
  let value: unknown;
  try {
    value = file.endsWith('.json') ? JSON.parse(text) : parseYaml(text, { isTemplate: true });
  } catch (error) {
    const kind = file.endsWith('.json') ? 'JSON' : 'YAML';
    throw new ConfigurationError(`${file} is not ${kind}: ${firstLine(messageOf(error))}.`);
  }
  if (isObject(value)) return value;
  throw new ConfigurationError(
    `${file} is not a template: it is empty, or holds no names with values.`,
  );
}
