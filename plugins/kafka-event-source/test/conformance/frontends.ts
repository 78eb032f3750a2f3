/** The ways in which people run the emulator: the plugin in a framework, and the command with a template. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { FRAMEWORKS, type Framework } from '../frameworks/frameworks.ts';
import { install } from '../support/install.ts';
import { startProgram } from '../support/program.ts';
import { link, PLUGIN, ROOT } from '../support/root.ts';
import { plainEnvironment, startOffline } from '../support/sls.ts';
import { until } from '../support/until.ts';
import { type Started, writeService } from './endpoints.ts';
import {
  cloudFormationTemplate,
  FUNCTION,
  RUN,
  samTemplate,
  serverlessEvents,
  TIMEOUT_SECONDS,
  terraformPlan,
} from './templates.ts';

/** One run of the suite. */
export interface Surroundings {
  /** Begins the names of topics and groups. */
  readonly run: string;
  readonly brokers: string;
  /** An empty folder. */
  readonly folder: string;
  /** The folder in which the function notes its events. */
  readonly log: string;
  /** Undefined for serverless-offline in the process of the plugin. */
  readonly endpoint: Started | undefined;
}

export interface Running extends AsyncDisposable {
  readonly output: () => string;
}

/** Files that several pairs share. */
export interface Workshop {
  readonly folder: string;
  /** The packed package. */
  tarball(): Promise<string>;
}

export interface Frontend {
  readonly name: string;
  readonly note?: string;
  /** Whether serverless-offline runs in its process. */
  readonly hasOffline: boolean;
  start(surroundings: Surroundings, workshop: Workshop): Promise<Running>;
}

/** The file that describes the service, and the arguments that name it. */
type Write = (surroundings: Surroundings) => Promise<readonly string[]>;

const MAIN = join(ROOT, 'cli/main.ts');
const SYNTHESIZED = new URL('cdk/conformance.template.json', import.meta.url);

export const FRONTENDS: readonly Frontend[] = [
  ...FRAMEWORKS.map(plugin),
  command('command, SAM', template('template.yaml', samTemplate)),
  command('command, CDK', writeCdk, 'a template synthesized by aws-cdk-lib'),
  command(
    'command, Terraform',
    template('plan.json', ({ run }) => terraformPlan(run)),
    'plan JSON written after its published format, not produced here',
  ),
  command('command, CloudFormation', template('stack.yaml', cloudFormationTemplate)),
  command('command, kafka-event-source.yml', writePlain),
];

function plugin({ name, packages }: Framework, index: number): Frontend {
  return {
    name: `plugin, ${name}`,
    hasOffline: true,
    async start({ run, brokers, folder, log, endpoint }, workshop) {
      const service = (own: string) => ({
        plugins: [own, 'serverless-offline'],
        events: serverlessEvents(run),
        custom: {
          kafkaEventSource: {
            bootstrapServers: brokers,
            apiPort: 0,
            ...(endpoint && { lambdaEndpoint: wholeAddress(endpoint) }),
          },
        },
      });
      // The repository has the first one, and runs the plugin's source; the others run the package.
      if (index === 0) {
        await writeService(folder, log, service(PLUGIN));
        await link(folder);
        return running(await startOffline(folder));
      }
      const home = await install(join(workshop.folder, name.replaceAll(' ', '-')), [
        ...packages,
        await workshop.tarball(),
      ]);
      const inside = join(home, run); // So that it finds the packages.
      await mkdir(inside);
      await writeService(inside, log, service('lambda-kafka-event-source'));
      const sls = join(home, 'node_modules/.bin/serverless');
      return running(await startOffline(inside, {}, sls));
    },
  };
}

function running({ printed, stop }: Awaited<ReturnType<typeof startOffline>>): Running {
  return { output: printed, [Symbol.asyncDispose]: () => stop() };
}

/** The plugin has no other names for functions; it takes the whole address instead. */
function wholeAddress({ url, functionName = FUNCTION }: Started): string {
  if (url.endsWith('/invocations')) return url;
  return `${url}/2015-03-31/functions/${functionName}/invocations`;
}

function command(name: string, write: Write, note?: string): Frontend {
  return {
    name,
    ...(note !== undefined && { note }),
    hasOffline: false,
    async start(surroundings) {
      const { folder } = surroundings;
      const args = await write(surroundings);
      const env = plainEnvironment() as NodeJS.ProcessEnv;
      const program = startProgram(process.execPath, [MAIN, 'start', ...args], {
        cwd: folder,
        env,
      });
      const { output, hasEnded } = program;
      await until('the command to be ready', () => {
        if (hasEnded()) throw new Error(`the command ended: ${output()}`);
        return output().includes('ready.') ? true : undefined;
      }).catch(async (error) => {
        await program[Symbol.asyncDispose]();
        throw error;
      });
      return {
        output,
        async [Symbol.asyncDispose]() {
          const [code] = await program.end();
          if (code !== 0) throw new Error(`the command ended with ${code}: ${output()}`);
        },
      };
    },
  };
}

/** Writes a template, as YAML or JSON by the file's name. Arguments name everything else. */
function template(file: string, content: (surroundings: Surroundings) => object): Write {
  return async (surroundings) => {
    const text = file.endsWith('.json') ? JSON.stringify : stringify;
    await writeFile(join(surroundings.folder, file), text(content(surroundings)));
    return argumentsFor(file, surroundings);
  };
}

async function writeCdk(surroundings: Surroundings): Promise<readonly string[]> {
  const { folder } = surroundings;
  await mkdir(join(folder, 'cdk.out'));
  await copyFile(SYNTHESIZED, join(folder, 'cdk.out/conformance.template.json'));
  return argumentsFor('cdk.out/conformance.template.json', surroundings);
}

async function argumentsFor(
  file: string,
  { run, brokers, folder, endpoint }: Surroundings,
): Promise<readonly string[]> {
  await writeFile(join(folder, 'kafka-event-source.yml'), 'apiPort: 0\n');
  const { url = '', functionName } = endpoint ?? {};
  return [
    ...['--template', file],
    ...['--endpoint', url],
    ...['--broker', brokers],
    ...(file === 'plan.json' ? [] : ['--parameter', `${RUN}=${run}`]),
    ...(functionName ? ['--function', `${FUNCTION}=${functionName}`] : []),
  ];
}

/** Writes everything into kafka-event-source.yml, so that no arguments are needed. */
async function writePlain({ run, brokers, folder, endpoint }: Surroundings) {
  const { url, functionName: name = FUNCTION } = endpoint ?? {};
  const settings = {
    apiPort: 0,
    broker: brokers,
    endpoint: url,
    functions: { [FUNCTION]: { name, timeout: TIMEOUT_SECONDS, events: serverlessEvents(run) } },
  };
  await writeFile(join(folder, 'kafka-event-source.yml'), stringify(settings));
  return [];
}
