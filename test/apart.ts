// Takes the emulator and the order system apart, each into a folder of its own with its own `npm install`:
// the system must be whole without the emulator's folder, and the folder without the system.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineProperties } from '../plugins/kafka-event-source/template/properties.ts';

const HELP = `Usage: npm run test:apart [-- system|emulator]
  system     without the emulator: types, the unit tests of functions/ and lib/, sls package
  emulator   its folder alone: types and its own npm test`;
const ROOT = join(import.meta.dirname, '..');
const EMULATOR = 'plugins/kafka-event-source';
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund'];

const parts = { system: withoutEmulator, emulator: emulatorAlone };

const [wanted] = process.argv.slice(2);
if (wanted !== undefined && !Object.hasOwn(parts, wanted)) {
  console.error(HELP);
  process.exit(1);
}
try {
  for (const [name, part] of Object.entries(parts)) {
    if (wanted === undefined || wanted === name) apart(name, part);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function apart(name: string, part: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), `apart-${name}-`));
  try {
    part(folder);
    console.log(`\n${name}: whole`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function withoutEmulator(folder: string): void {
  const files = sources().filter((file) => !file.startsWith(`${EMULATOR}/`));
  copy(files, folder);
  edit(folder, 'package.json', [
    `    "${EMULATOR}"\n`,
    / && npm run --silent types:page --workspace [\w-]+/,
    /npm run --silent docs --workspace [\w-]+ && /,
    /^ +"(?:screenshots|test:conformance)": .*\n/gm,
  ]);
  for (const [file, lines] of Object.entries(emulatorInYml())) edit(folder, file, lines);
  removeUsers(folder, files);
  // These files are gone; the usual environment does, too.
  const gone = [/^ +global(?:Setup|Teardown): .*\n/gm, /^ +testEnvironment: '<rootDir>.*\n/gm];
  edit(folder, 'jest.config.ts', gone);
  const at = (command: string, ...args: string[]) => run(folder, command, ...args);
  at('npm', ...INSTALL);
  at('npm', 'run', 'types');
  at('npm', 'test', '--', '--selectProjects', 'unit', '--testPathPatterns', '/(functions|lib)/');
  at('npx', 'sls', 'package', '--stage', 'prod');
  refuseLooseEnds(join(folder, '.serverless/cloudformation-template-update-stack.json'));
}

/** CloudFormation refuses a template that refers to a resource which it does not have. */
function refuseLooseEnds(file: string): void {
  const text = readFileSync(file, 'utf8');
  const { Resources, Parameters = {} } = JSON.parse(text);
  const references = /"Ref":\s*"([^"]+)"|"Fn::GetAtt":\s*\[\s*"([^"]+)"|\$\{(\w+)[.}]/g;
  const named = [...text.matchAll(references)].map(([, ref, of, inText]) => ref ?? of ?? inText);
  const missing = named.filter(
    (id = '') => !id.startsWith('AWS::') && !(id in Resources) && !(id in Parameters),
  );
  if (missing.length > 0) throw new Error(`The template lacks ${[...new Set(missing)].join(', ')}`);
}

function emulatorAlone(folder: string): void {
  copy(sources(EMULATOR), folder, EMULATOR);
  run(folder, 'npm', ...INSTALL);
  run(folder, 'npm', 'run', 'types');
  run(folder, 'npm', 'test');
}

/** The files in the repository, with those that a commit of everything would add. */
function sources(below = '.'): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', below];
  const listed = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
  return listed.filter((file) => existsSync(join(ROOT, file)));
}

function copy(files: string[], folder: string, below = ''): void {
  for (const file of files) cpSync(join(ROOT, file), join(folder, file.slice(below.length)));
}

/**
 * Its lines: the plugin, its options and their variants, the properties of events that the framework lacks,
 * and the alarm on a metric that such a property asks for.
 */
function emulatorInYml(): Record<string, RegExp[]> {
  const names: string[] = [];
  defineProperties({
    defineFunctionEventProperties: (_, __, { properties = {} }: { properties?: object }) => {
      names.push(...Object.keys(properties));
    },
  });
  return {
    'serverless.yml': [
      /^ +- lambda-kafka-event-source\n/m,
      /^ {2}kafkaEventSource:\n(?: {4}.*\n)+/m,
      /^ {2}consoles:.*\n(?: {4}.*\n)+/m,
    ],
    'infra/kafka.yml': [new RegExp(`^ +(?:${names.join('|')}): .*\\n`, 'gm')],
    'infra/alarms.yml': [/^ {2}GivenUpAlarm:\n(?: {4}.*\n)+/m, / "\$\{GivenUpAlarm\.Arn\}",/],
  };
}

function edit(folder: string, file: string, lines: (string | RegExp)[]): void {
  let text = readFileSync(join(folder, file), 'utf8');
  for (const line of lines) {
    const rest = text.replace(line, '');
    if (rest === text) throw new Error(`${file} has nothing like ${line}`);
    text = rest;
  }
  writeFileSync(join(folder, file), text);
}

/** Removes the files whose imports are missing, and the files that import them in turn. */
function removeUsers(folder: string, files: string[]): void {
  const scripts = new Set(files.filter((file) => /\.(ts|cjs|mjs)$/.test(file)));
  const users = [...scripts].filter((file) => importsNothing(folder, file));
  if (users.length === 0) return;
  const foreign = users.filter((file) => !/^(local|test|bench)\//.test(file));
  if (foreign.length > 0) throw new Error(`These need the emulator: ${foreign.join(', ')}`);
  console.log(`Taken out, too: ${users.join(', ')}`);
  for (const file of users) rmSync(join(folder, file));
  removeUsers(
    folder,
    [...scripts].filter((file) => !users.includes(file)),
  );
}

function importsNothing(folder: string, file: string): boolean {
  const text = readFileSync(join(folder, file), 'utf8');
  // Statements only: a test may hold the text of another file's import.
  const statements =
    /^(?:(?:import|export|\})(?: .*)? from|import) '(\.[^']+)'|\bimport\('(\.[^']+)'/gm;
  const imports = [...text.matchAll(statements)].map(([, fixed, late]) => fixed ?? late ?? '');
  return imports.some((name) => !existsSync(join(folder, dirname(file), name)));
}

/** The environment without npm's variables for this project's scripts, with the user's settings. */
function run(cwd: string, command: string, ...args: string[]): void {
  console.log(`\n${cwd}$ ${command} ${args.join(' ')}`);
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle)_|npm_config_local_prefix$|NODE_OPTIONS$)/.test(name),
  );
  const own = join(ROOT, 'node_modules/.bin');
  const path = process.env.PATH?.split(':').filter(
    (entry) => entry !== own && !/node-gyp-bin/.test(entry),
  );
  const env = { ...Object.fromEntries(entries), PATH: path?.join(':') };
  execFileSync(command, args, { cwd, env, stdio: 'inherit', timeout: 1_800_000 });
}
