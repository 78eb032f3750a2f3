import { type Definition, readDefinitions } from '../../plugins/kafka-event-source/definition.ts';
import { loadDefinitions, readService } from '../../plugins/kafka-event-source/framework.ts';
import { readOptions } from '../../plugins/kafka-event-source/options.ts';
import { sls } from '../support/sls.ts';

/** The source of the records may differ, but not their treatment. */
const PLACE = ['FunctionName', 'bootstrapServers', 'SourceAccessConfigurations'];

type Printed = {
  service: string;
  custom: Record<string, unknown>;
  resources: object;
  provider: { timeout: number };
  functions: Record<string, object>;
};
type Naming = ReturnType<Parameters<typeof readService>[0]['getProvider']>['naming'];

/** The settings of the one mapping as the emulator runs it, by AWS's names. */
export async function emulated(): Promise<Record<string, string>> {
  const { definitions } = loadDefinitions(loaded(await printed(), 'local')).definitions;
  return settingsOf(definitions, 'here');
}

/** The settings of the one mapping of a packaged template, as the emulator reads them. */
export async function packagedAs(resources: object): Promise<Record<string, string>> {
  const { functions, ...rest } = await printed();
  const withoutEvents = Object.fromEntries(
    Object.entries(functions).map(([key, definition]) => [key, { ...definition, events: [] }]),
  );
  const service = { ...rest, functions: withoutEvents, resources: { Resources: resources } };
  const options = readOptions({ bootstrapServers: 'localhost:9092' });
  const { definitions } = readDefinitions(readService(loaded(service, 'prod')), options);
  return settingsOf(definitions, 'deployed');
}

function settingsOf(definitions: readonly Definition[], side: 'here' | 'deployed') {
  const [definition, ...others] = definitions;
  if (!definition?.mapping || others.length > 0) {
    throw new Error(`One mapping is meant: ${JSON.stringify(definitions)}`);
  }
  const rows = definition.parity.filter(({ setting }) => !PLACE.includes(setting));
  return Object.fromEntries(rows.map((row) => [row.setting, row[side]]));
}

let config: Promise<Printed> | undefined;

/** serverless.yml with its variables resolved, for stage local. */
function printed(): Promise<Printed> {
  config ??= sls(['print', '--stage', 'local', '--format', 'json']).then(
    ({ code, stdout, stderr }) => {
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout);
    },
  );
  return config;
}

/** The part of the framework that the plugin reads. */
function loaded(config: Printed, stage: string): Parameters<typeof loadDefinitions>[0] {
  const capital = (text: string) => text.replace(/^./, (letter) => letter.toUpperCase());
  const naming: Naming = {
    getLambdaLogicalId: (key) => `${capital(key)}LambdaFunction`,
    getKafkaEventLogicalId: (key) => `${capital(key)}Kafka`,
    getMSKEventLogicalId: (key) => `${capital(key)}MSK`,
  };
  return {
    service: {
      ...config,
      getAllFunctions: () => Object.keys(config.functions),
      getFunction: (key) => ({ ...config.functions[key], name: `orders-${stage}-${key}` }),
    },
    configSchemaHandler: {
      defineCustomProperties: () => undefined,
      defineFunctionEventProperties: () => undefined,
    },
    classes: { Error },
    getProvider: () => ({ getStage: () => stage, getRegion: () => 'us-east-1', naming }),
  };
}
