/** The arguments of `lambda-kafka-event-source`: its commands with their options, and the help. */
import { createRequire } from 'node:module';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { type CommandName, NAMED } from '../commands/commands.ts';
import { isServer } from '../options.ts';

export const NAME = 'lambda-kafka-event-source';

/** A wrong or missing argument; the message says how to mend it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface OptionText {
  readonly usage: string;
  readonly type: 'string' | 'boolean';
  readonly shortcut?: string;
  /** The name of the value in the help. */
  readonly value?: string;
  readonly multiple?: true;
}
type OptionTexts = Readonly<Record<string, OptionText>>;

const SERVICE: OptionTexts = {
  template: {
    usage: 'SAM, CloudFormation, CDK or packaged Serverless template, or Terraform plan (JSON)',
    type: 'string',
    value: 'file',
    shortcut: 't',
  },
  config: {
    usage: 'The settings (kafka-event-source.yml beside the template, or here)',
    type: 'string',
    value: 'file',
    shortcut: 'c',
  },
  broker: {
    usage: 'A Kafka of this machine, in place of the deployed one',
    type: 'string',
    value: 'host:port',
    shortcut: 'b',
  },
  parameter: {
    usage: "A value of a template's parameter; may be repeated",
    type: 'string',
    value: 'name=value',
    multiple: true,
  },
  region: { usage: 'The region of ARNs (AWS_REGION, else us-east-1)', type: 'string' },
  stage: { usage: 'The stage of the service (local)', type: 'string' },
  verbose: { usage: 'Log more', type: 'boolean' },
  help: { usage: 'Show this text', type: 'boolean', shortcut: 'h' },
};

const START: OptionTexts = {
  ...SERVICE,
  endpoint: {
    usage:
      "An address with Lambda's Invoke API; `aws`: the deployed functions, which change real data",
    type: 'string',
    value: 'url|aws',
    shortcut: 'e',
  },
  broker: {
    usage: 'A Kafka of this machine; `start` starts one (Java or Docker) and creates the topics',
    type: 'string',
    value: 'host:port|start',
    shortcut: 'b',
  },
  function: {
    usage: 'Another endpoint for a function, or its name at the endpoint; may be repeated',
    type: 'string',
    value: 'name=url|name=name',
    shortcut: 'f',
    multiple: true,
  },
  watch: { usage: 'Read a changed template or config again', type: 'boolean', shortcut: 'w' },
  strict: {
    usage: 'Do not start with a refused mapping, a warning, or a difference from AWS',
    type: 'boolean',
  },
  report: { usage: 'Log all settings, as deployed and as they run here', type: 'boolean' },
};

const ALL: Readonly<Record<string, { readonly usage: string; readonly options: OptionTexts }>> = {
  start: { usage: 'Poll Kafka, and invoke the functions', options: START },
  broker: {
    usage: 'Start a Kafka alone, such as for `sls offline start`, on port KAFKA_PORT (9092)',
    options: { verbose: SERVICE.verbose, help: SERVICE.help } as OptionTexts,
  },
  ...Object.fromEntries(
    Object.entries(NAMED).map(([name, { usage, options }]) => [
      name,
      { usage, options: { ...SERVICE, ...options } },
    ]),
  ),
};

/** Values by option, as `parseArgs` returns them. */
export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export type Arguments =
  | { readonly command: 'help'; readonly text: string }
  | { readonly command: OwnCommand | CommandName; readonly values: Values };

/** The commands that Serverless does not have. */
type OwnCommand = 'start' | 'broker';

/** Reads the arguments. @throws UsageError for a wrong or missing one */
export function readArguments(args: readonly string[]): Arguments {
  const [command, ...rest] = joined(args);
  if (command === undefined || command === 'help' || command === '--help' || command === '-h') {
    return { command: 'help', text: overview() };
  }
  if (command === '--version') return { command: 'help', text: version() };
  const group = Object.keys(ALL).filter((name) => name.startsWith(`${command} `));
  if (group.length > 0) return helpOfGroup(command, group, rest);
  const known = Object.hasOwn(ALL, command) ? ALL[command] : undefined;
  if (!known) {
    const what = command.startsWith('-') ? 'The command comes first' : `No command "${command}"`;
    throw new UsageError(
      `${what}. There are: ${Object.keys(ALL).join(', ')}. See \`${NAME} --help\`.`,
    );
  }
  const values = parse(command, known.options, rest);
  if (values.help === true) return { command: 'help', text: helpOf(command, known) };
  const name = command as OwnCommand | CommandName;
  checkBroker('--broker', values.broker, { mayStart: name === 'start' });
  return { command: name, values };
}

/** The help of a group of commands, such as `record`. @throws UsageError for a command that it does not have */
function helpOfGroup(
  group: string,
  names: readonly string[],
  [next]: readonly string[],
): Arguments {
  if (next !== undefined && next !== '--help' && next !== '-h') {
    throw new UsageError(
      `No command "${group} ${next}". There are: ${names.join(', ')}. See \`${NAME} ${group} --help\`.`,
    );
  }
  const rows = rowsOf(names.map((name) => [name, ALL[name]?.usage ?? '']));
  return { command: 'help', text: [`Usage: ${NAME} <command> [options]`, '', ...rows].join('\n') };
}

/** The arguments, with a name of two words such as `record export` as one of them. */
function joined(args: readonly string[]): readonly string[] {
  const name = args.slice(0, 2).join(' ');
  return Object.hasOwn(ALL, name) ? [name, ...args.slice(2)] : args;
}

function parse(command: string, texts: OptionTexts, args: string[]): Values {
  const options: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(texts).map(([name, { type, shortcut: short, multiple = false }]) => [
      name,
      { type, multiple, ...(short && { short }) },
    ]),
  );
  try {
    const { values } = parseArgs({ args, options, allowPositionals: false, strict: true });
    return values as Values;
  } catch (error) {
    // Node's message may end with advice about positional arguments, which no command has.
    const [fault] = (error as Error).message.split('. ');
    const [, argument] = /^Unexpected argument '(.*)'$/.exec(fault ?? '') ?? [];
    const advice =
      argument !== undefined && 'template' in texts
        ? ` Name a template by --template ${argument}.`
        : '';
    throw new UsageError(`${fault}.${advice} See \`${NAME} ${command} --help\`.`);
  }
}

/** Checks servers, or `start` where it is allowed. @throws UsageError that says what they must be */
export function checkBroker(
  where: string,
  broker: Values[string],
  { mayStart }: { readonly mayStart: boolean },
): void {
  if (broker === undefined || (mayStart && broker === 'start')) return;
  const isList = String(broker)
    .split(',')
    .every((one) => isServer(one));
  if (isList) return;
  const how = mayStart ? 'start, or host:port' : 'host:port';
  throw new UsageError(
    `${where} "${broker}" must be ${how} (port 1 to 65535), with an IPv6 address in brackets; several with commas.`,
  );
}

/** The pairs of an option like `--parameter name=value`. @throws UsageError for another form */
export function pairsOf(name: string, values: Values[string]): [string, string][] {
  return [values ?? []].flat().map((pair): [string, string] => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(String(pair)) ?? [];
    if (key !== undefined && value !== undefined) return [key, value];
    const how = name === 'function' ? 'name=url or name=name' : 'name=value';
    throw new UsageError(`--${name} "${pair}" must be ${how}.`);
  });
}

function overview(): string {
  return [
    `Usage: ${NAME} <command> [options]`,
    '',
    "Runs Lambda's Kafka event source mappings of a template on this machine.",
    '',
    ...rowsOf(Object.entries(ALL).map(([name, { usage }]) => [name, usage])),
    '',
    'In a folder with a template, and with the functions at an endpoint such as `sam local start-lambda`:',
    '',
    `  ${NAME} start --endpoint http://127.0.0.1:3001 --broker start`,
    '',
    `Options of a command: ${NAME} <command> --help. The version: --version`,
  ].join('\n');
}

/** The version of this package, which it may ask for by its own name. */
function version(): string {
  return createRequire(import.meta.url)('lambda-kafka-event-source/package.json').version;
}

function helpOf(command: string, { usage, options }: (typeof ALL)[string]): string {
  const rows = Object.entries(options).map(([name, { type, value = 'text', shortcut, usage }]) => {
    const short = shortcut ? `-${shortcut}, ` : '    ';
    return [`${short}--${name}${type === 'string' ? ` <${value}>` : ''}`, usage] as const;
  });
  return [
    `Usage: ${NAME} ${command} [options]`,
    '',
    usage,
    '',
    ...rowsOf(rows),
    ...(command === 'start' ? ['', DISCOVERY] : []),
  ].join('\n');
}

/** The lines of two columns. */
function rowsOf(rows: readonly (readonly [name: string, text: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
}

const DISCOVERY = `Without --template, the command reads the first of template.yaml, template.yml, cdk.out/*.template.json,
.serverless/cloudformation-template-update-stack.json and plan.json (the output of
\`terraform show -json <plan>\`), or the functions of kafka-event-source.yml.`;
