import { readFile } from 'node:fs/promises';
import type { Plugin, PluginBuild } from 'esbuild';

/** What a producer and a look at a topic ask of a broker. */
const ASKED_OF_KAFKA = new Set([
  'produce',
  'metadata',
  'apiVersions',
  'saslHandshake',
  'saslAuthenticate',
]);

/** What only some functions use: kafkajs' admin, zod's JSON Schemas, and the client for secrets. */
export type Extra = 'admin' | 'jsonSchema' | 'secrets';

/** What stands in a bundle for code that no function of ours can reach. */
const STANDS_FOR = {
  admin: `module.exports = () => { throw new Error('This bundle holds no admin of Kafka: see esbuild.config.ts.'); };`,
  consumer: `module.exports = () => { throw new Error('The bundles hold no consumer of Kafka.'); };`,
  request: `module.exports = { versions: [], protocol() {
    throw new Error('The bundles hold only the requests of a producer: see plugins/build/trim.ts.');
  } };`,
  types: `export const detectMimeType = () => 'application/octet-stream';
    export const detectExtension = () => 'bin';`,
  fetch: `export default () => { throw new Error('The bundles hold no fetching of attachments.'); };`,
  discovery: `module.exports = class {
    has() { throw new Error('The bundles hold no discovery of endpoints.'); }
  };`,
  streams: `const none = () => { throw new Error('The bundles hold no event streams of the AWS SDK.'); };
    export { none as EventStreamSerde, none as eventStreamSerdeProvider };`,
};

/** Clients that are used late, when nobody waits: they are Lambda's own, found by `NODE_PATH`. */
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
const OF_THE_RUNTIME = /^@aws-sdk\/client-(secrets-manager|sesv2|sns)$/;
const SECRETS = '@aws-sdk/client-secrets-manager';

/** Where each client of the SDK lists the shapes of all its operations. */
const SCHEMAS = /@aws-sdk[\\/]client-[\w-]+[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/;

/** Keeps out of a bundle what the packages bring along and its function never runs. */
export function trim(extras: readonly Extra[] = []): Plugin {
  return {
    name: 'trim',
    setup(build) {
      trimKafka(build, extras.includes('admin'));
      trimNodemailer(build);
      trimSdk(build, extras.includes('secrets'));
      if (!extras.includes('jsonSchema')) trimZod(build);
      build.onLoad({ filter: /[\\/]node_modules[\\/].*[\\/]package\.json$/ }, async ({ path }) => ({
        contents: shortened(await readFile(path, 'utf8')),
        loader: 'json',
      }));
    },
  };
}

function trimKafka(build: PluginBuild, keepsAdmin: boolean): void {
  // The event source mapping is what consumes; kafkajs' admin would only move a group's offsets.
  replace(build, 'consumer', /^\.\.?\/consumer$/, /kafkajs[\\/]src[\\/](admin[\\/])?index\.js$/);
  if (!keepsAdmin) replace(build, 'admin', /^\.\/admin$/, /kafkajs[\\/]src[\\/]index\.js$/);
  replace(
    build,
    'request',
    /^\.\/\w+$/,
    /kafkajs[\\/]src[\\/]protocol[\\/]requests[\\/]index\.js$/,
    (path) => path !== './apiKeys' && !ASKED_OF_KAFKA.has(path.slice(2)),
  );
}

function trimNodemailer(build: PluginBuild): void {
  // Its table of file types is for attachments, which our emails do not have.
  replace(build, 'types', /mime-types\.js$/, /nodemailer[\\/]/);
  // It fetches what an email names by its address; ours have all that they show.
  replace(build, 'fetch', /[\\/]fetch[\\/]index\.js$/, /nodemailer[\\/]/);
}

function trimSdk(build: PluginBuild, keepsSecrets: boolean): void {
  // Where AWS gives each account an address of its own, as DynamoDB does not.
  replace(build, 'discovery', /^mnemonist\//, /@aws-sdk[\\/]endpoint-cache[\\/]/);
  // The signer for MSK brings an older one of its own.
  build.onResolve({ filter: /^@smithy\/signature-v4$/ }, ({ path, importer, kind }) =>
    /aws-msk-iam-sasl-signer-js/.test(importer)
      ? build.resolve(path, { resolveDir: import.meta.dirname, kind })
      : undefined,
  );
  // Loaded by the SDK's clients whose operations stream; none of ours does.
  replace(build, 'streams', /^@smithy\/core\/event-streams$/, /@smithy[\\/]core[\\/]/);
  build.onLoad({ filter: SCHEMAS }, async ({ path }) => ({
    contents: droppable(await readFile(path, 'utf8')),
  }));
  build.onResolve({ filter: OF_THE_RUNTIME }, ({ path, kind }) => {
    if (keepsSecrets && path === SECRETS) return undefined;
    return kind === 'dynamic-import' ? { path, namespace: 'runtime' } : { path, external: true };
  });
  // By `require`: `import` does not look at `NODE_PATH`.
  build.onLoad({ filter: /.*/, namespace: 'runtime' }, ({ path }) => ({
    contents: `module.exports = require(${JSON.stringify(path)});`,
  }));
}

/** Every schema can be made a JSON Schema; the API's document is all that does it. */
function trimZod(build: PluginBuild): void {
  const filter = /[\\/]zod[\\/]v4[\\/]core[\\/](to-json-schema|json-schema-processors)\.js$/;
  build.onLoad({ filter }, async ({ path }) => ({
    contents: refusing(await readFile(path, 'utf8')),
  }));
}

/** The same exports as calls that fail; those that make a method for each schema make one that fails. */
function refusing(module: string): string {
  const names = [...module.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name);
  const refusals = names.map((name) =>
    name?.startsWith('create')
      ? `export const ${name} = () => refuse;`
      : `export const ${name} = refuse;`,
  );
  const why = 'This bundle holds no JSON Schemas: see esbuild.config.ts.';
  return `const refuse = () => { throw new Error(${JSON.stringify(why)}); };\n${refusals.join('\n')}`;
}

/** What clients tell of themselves, and where a bug of theirs is to be reported. */
function shortened(packageJson: string): string {
  const { name, version, bugs } = JSON.parse(packageJson);
  return JSON.stringify({ name, version, bugs });
}

/**
 * Each shape of an SDK client as a call that has no effect: esbuild then drops those of the operations
 * that are not imported. As the lists that they are it keeps all, since their keys are computed.
 */
function droppable(schemas: string): string {
  return schemas.replaceAll(
    /^((?:export )?var [\w$]+ = )(\[[^;]*\]);$/gm,
    (_, name: string, shape: string) => `${name}/* @__PURE__ */ (() => ${shape})();`,
  );
}

function replace(
  { onResolve, onLoad }: PluginBuild,
  name: keyof typeof STANDS_FOR,
  filter: RegExp,
  importers: RegExp,
  isMeant: (path: string) => boolean = () => true,
): void {
  const namespace = `trim-${name}`;
  onResolve({ filter }, ({ path, importer }) =>
    importers.test(importer) && isMeant(path) ? { path, namespace } : undefined,
  );
  onLoad({ filter: /.*/, namespace }, () => ({ contents: STANDS_FOR[name] }));
}
