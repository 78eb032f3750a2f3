/** Finds and reads the template and kafka-event-source.yml. Arguments win over settings of the file. */
import { existsSync, globSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { textOf } from '../commands/option.ts';
import { type Loaded, mappingsOf, readDefinitions } from '../definition.ts';
import { isObject, type Json, toObject } from '../json.ts';
import { regionOfSdk } from '../lambda/aws.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { AWS, isEndpoint, type Options, readOptions } from '../options.ts';
import { refusalOf } from '../refusal.ts';
import { folderOf, loadTemplate } from '../sources/source.ts';
import { decode, firstLine } from '../sources/text.ts';
import { parseYaml } from '../sources/yaml.ts';
import type { Service } from '../template/deployed.ts';
import { ACCOUNT } from '../template/intrinsic.ts';
import { checkBroker, pairsOf, UsageError, type Values } from './arguments.ts';
import { functionsSchema, plainService } from './functions.ts';

export const CONFIG = 'kafka-event-source.yml';
const CONFIGS = [CONFIG, 'kafka-event-source.yaml'];
/** The templates that are looked for, in this order. */
const TEMPLATES = [
  'template.yaml',
  'template.yml',
  'cdk.out/*.template.json',
  '.serverless/cloudformation-template-update-stack.json',
  'plan.json',
];

/** The settings of the command; all others in the file are options of the plugin. */
const commandSchema = z.object({
  template: z.string().min(1).optional(),
  endpoint: z.string().min(1).optional(),
  broker: z.string().min(1).optional(),
  region: z.string().min(1).optional(),
  stage: z.string().min(1).optional(),
  functions: functionsSchema.optional(),
});
type CommandSettings = z.output<typeof commandSchema>;

/** The names of the command's settings. */
export const SETTINGS: readonly string[] = Object.keys(commandSchema.shape);

/** The files of a service, and the settings that must be known before its mappings are read. */
export interface Project {
  readonly template: string | undefined;
  readonly config: string | undefined;
  /** The service's folder; with the stage it identifies the process that runs the service. */
  readonly folder: string;
  readonly stage: string;
  /** `start`, or the servers of this machine. */
  readonly broker: string | undefined;
}

/** Finds the files. @throws UsageError that names the files it has looked for */
export function findProject(values: Values, directory: string): Project {
  const named = textOf(values.template);
  const beside = named === undefined ? directory : folderOf(resolve(directory, named));
  const config = findConfig(textOf(values.config), [beside, directory], directory);
  const { settings } = readConfig(config);
  checkBroker(`broker of ${CONFIG}`, settings.broker, { mayStart: true });
  const template = findTemplate(named, settings, config, directory);
  const home = config ? dirname(config) : template ? folderOf(template) : directory;
  return {
    template,
    config,
    folder: realpathSync.native(home),
    stage: textOf(values.stage) ?? settings.stage ?? 'local',
    broker: textOf(values.broker) ?? settings.broker,
  };
}

function findConfig(named: string | undefined, folders: string[], directory: string) {
  if (named !== undefined) return existing('--config', resolve(directory, named));
  return folders
    .flatMap((folder) => CONFIGS.map((name) => join(folder, name)))
    .find((file) => existsSync(file));
}

function findTemplate(
  named: string | undefined,
  { template, functions }: CommandSettings,
  config: string | undefined,
  directory: string,
): string | undefined {
  if (named !== undefined) return existing('--template', resolve(directory, named));
  const folder = config === undefined ? directory : dirname(config);
  if (template !== undefined && functions !== undefined) {
    throw new UsageError(`${CONFIG} has both template and functions: leave one of them out.`);
  }
  if (template !== undefined) return existing(`template of ${CONFIG}`, resolve(folder, template));
  if (functions !== undefined) return undefined;
  for (const pattern of TEMPLATES) {
    const found = globSync(pattern, { cwd: folder }).filter(isStack).toSorted();
    if (found.length > 1) {
      throw new UsageError(
        `There are several templates: ${found.join(', ')}. Name one by --template.`,
      );
    }
    if (found[0] !== undefined) return join(folder, found[0]);
  }
  const advice = SERVERLESS.some((name) => existsSync(join(folder, name)))
    ? ` ${SERVERLESS_ADVICE}`
    : ` Name a template by --template, or write the functions into ${CONFIG}.`;
  throw new UsageError(
    `No template in ${folder}. Looked for ${TEMPLATES.join(', ')}, and for functions in ` +
      `${CONFIG}.${advice}`,
  );
}

/** CDK writes nested stacks beside the stack that has them, which names them by their assets. */
const isStack = (file: string) => !file.endsWith('.nested.template.json');

const SERVERLESS = ['serverless.yml', 'serverless.yaml', 'serverless.ts', 'serverless.json'];
const SERVERLESS_ADVICE =
  'A Serverless service runs with the plugin (`sls offline start`), or here after `sls package`.';

function existing(what: string, file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile()) return file;
  const why = found ? `${file} is a folder. Name a file in it` : `there is no file ${file}`;
  throw new UsageError(`${what}: ${why}.`);
}

export interface Read {
  readonly loaded: Loaded;
  /** Names of functions at the endpoint, by the functions' keys; without one it is the deployed name. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Reads the service and its settings.
 *
 * @param servers the servers of this machine, such as those of a broker that was started
 * @throws Error for a file that cannot be read, UsageError or ConfigurationError for a wrong setting
 */
export async function readProject(
  project: Project,
  values: Values,
  servers: readonly string[] | undefined,
): Promise<Read> {
  const config = readConfig(project.config);
  const { settings } = config;
  const general = readOptions(optionsOf(values, config, servers, project));
  const known = await knownRegion(values, settings, general);
  const region = known ?? 'us-east-1';
  const service = await readService(project, settings, region, general);
  checkParameters(values, config.options, service);
  const { endpoints, names } = functionsOf(values, service);
  const mappings = { ...general.mappings };
  for (const [key, lambdaEndpoint] of endpoints) {
    mappings[key] = { ...mappings[key], lambdaEndpoint };
  }
  const options = { ...general, mappings };
  const definitions = readDefinitions(service, options);
  if (known === undefined) checkRegions(mappingsOf(definitions));
  return { loaded: { service, options, definitions }, names };
}

async function knownRegion(
  values: Values,
  { region }: CommandSettings,
  options: Options,
): Promise<string | undefined> {
  const named = textOf(values.region) ?? region ?? process.env.AWS_REGION;
  return named ?? (usesAws(options) ? regionOfSdk() : undefined);
}

/** @throws UsageError for deployed functions whose region would be a guess: only a cluster's ARN has it */
function checkRegions(mappings: readonly Mapping[]): void {
  const isGuess = ({ lambdaEndpoint, source }: Mapping) =>
    lambdaEndpoint === AWS &&
    (source.eventSource !== 'aws:kafka' || source.eventSourceArn.split(':')[4] === ACCOUNT);
  if (!mappings.some(isGuess)) return;
  throw new UsageError(
    'The endpoint aws needs the region of the deployed functions: name it by --region, AWS_REGION, or in ' +
      'the profile of AWS_PROFILE.',
  );
}

function usesAws({ lambdaEndpoint, mappings }: Options): boolean {
  return [lambdaEndpoint, ...Object.values(mappings).map((one) => one.lambdaEndpoint)].includes(
    AWS,
  );
}

async function readService(
  { template, folder, stage }: Project,
  { functions = {} }: CommandSettings,
  region: string,
  options: Options,
): Promise<Service> {
  if (template === undefined) {
    return plainService(functions, { folder, region, stage, servers: options.bootstrapServers });
  }
  return loadTemplate(template, { region, stage, given: options });
}

/** The plugin's options: those of the file, with the arguments in their place. */
function optionsOf(
  values: Values,
  { settings, options }: Config,
  servers: readonly string[] | undefined,
  { broker }: Project,
): Json {
  const endpoint = textOf(values.endpoint) ?? settings.endpoint;
  if (endpoint !== undefined && !isEndpoint(endpoint)) {
    throw new UsageError(
      `${values.endpoint === undefined ? `endpoint of ${CONFIG}` : '--endpoint'} "${endpoint}" must be an ` +
        'address, such as http://127.0.0.1:3001, or aws for the deployed functions.',
    );
  }
  const lambdaEndpoint = endpoint ?? options.lambdaEndpoint;
  const own = broker === undefined || broker === 'start' ? undefined : broker;
  const bootstrapServers = servers ?? own ?? options.bootstrapServers;
  const parameters = pairsOf('parameter', values.parameter);
  return {
    ...options,
    ...(parameters.length > 0 && {
      parameters: { ...toObject(options.parameters), ...Object.fromEntries(parameters) },
    }),
    ...(bootstrapServers !== undefined && { bootstrapServers }),
    ...(lambdaEndpoint !== undefined && { lambdaEndpoint }),
    // A broker that was just started has no topics.
    ...(broker === 'start' && { createTopics: options.createTopics ?? true }),
    ...(values.strict === true && { strict: true }),
    ...(values.report === true && { report: true }),
  };
}

/**
 * The file may have values for several templates; the command line is for one.
 *
 * @throws UsageError for a name that nothing refers to
 */
function checkParameters(values: Values, { parameters: ofFile }: Json, service: Service): void {
  const { parameters } = service;
  for (const [name] of pairsOf('parameter', values.parameter)) {
    const isKnown = Object.hasOwn(parameters, name) || Object.hasOwn(toObject(ofFile), name);
    if (isKnown || /^AWS::|^\{\{resolve:/.test(name)) continue;
    const known = Object.keys(parameters).join(', ') || 'none';
    throw new UsageError(`--parameter ${name}=…: no such parameter. There are: ${known}.`);
  }
}

/** The pairs of --function, by the keys of the service's functions. */
function functionsOf(values: Values, { functions }: Service) {
  const endpoints = new Map<string, string>();
  const names = new Map<string, string>();
  // In the other commands, --function is the name of one function.
  const pairs = Array.isArray(values.function) ? pairsOf('function', values.function) : [];
  for (const [wanted, target] of pairs) {
    const found = functions.find(({ key, name }) => key === wanted || name === wanted);
    if (!found) {
      const known = functions.map(({ key }) => key).join(', ') || 'none';
      throw new UsageError(`--function ${wanted}=…: no such function. There are: ${known}.`);
    }
    if (/^https?:\/\//.test(target)) endpoints.set(found.key, target);
    else names.set(found.key, target);
  }
  return { endpoints, names };
}

/** The two kinds of settings in kafka-event-source.yml: the command's and the plugin's. */
interface Config {
  readonly settings: CommandSettings;
  readonly options: Json;
}

function readConfig(config: string | undefined): Config {
  if (config === undefined) return { settings: {}, options: {} };
  const file = readYaml(config);
  const result = commandSchema.safeParse(file, { error: refusalOf });
  if (!result.success) {
    const faults = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new UsageError(`${nameOf(config)}: ${faults.join('; ')}`);
  }
  const options = Object.entries(file).filter(
    ([name]) => !Object.hasOwn(commandSchema.shape, name),
  );
  return { settings: result.data, options: Object.fromEntries(options) };
}

function readYaml(file: string): Json {
  const text = decode(readFileSync(file));
  let value: unknown;
  try {
    value = parseYaml(text) ?? {};
  } catch (error) {
    throw new UsageError(`${nameOf(file)} is not YAML: ${firstLine(messageOf(error))}.`);
  }
  if (isObject(value)) return value;
  throw new UsageError(`${nameOf(file)} must have names and values, such as broker: start.`);
}

/** The file as a reader finds it from here. */
function nameOf(file: string): string {
  const near = relative(process.cwd(), file);
  return near === '' || near.startsWith('..') ? file : near;
}
