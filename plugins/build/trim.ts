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

/** What stands in a bundle for code that no function of ours can reach. */
const STANDS_FOR = {
  consumer: `module.exports = () => { throw new Error('The bundles hold no consumer of Kafka.'); };`,
  request: `module.exports = { versions: [], protocol() {
    throw new Error('The bundles hold only the requests of a producer: see plugins/build/trim.ts.');
  } };`,
  types: `export const detectMimeType = () => 'application/octet-stream';
    export const detectExtension = () => 'bin';`,
  fetch: `export default () => { throw new Error('The bundles hold no fetching of attachments.'); };`,
  streams: `const none = () => { throw new Error('The bundles hold no event streams of the AWS SDK.'); };
    export { none as EventStreamSerde, none as eventStreamSerdeProvider };`,
};

/** Where each client of the SDK lists the shapes of all its operations. */
const SCHEMAS = /@aws-sdk[\\/]client-[\w-]+[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/;

/** Keeps out of the bundles what the packages bring along and our functions never run. */
export const trim: Plugin = {
  name: 'trim',
  setup(build) {
    // The event source mapping is what consumes; kafkajs' admin would only move a group's offsets.
    replace(build, 'consumer', /^\.\.?\/consumer$/, /kafkajs[\\/]src[\\/](admin[\\/])?index\.js$/);
    replace(
      build,
      'request',
      /^\.\/\w+$/,
      /kafkajs[\\/]src[\\/]protocol[\\/]requests[\\/]index\.js$/,
      (path) => path !== './apiKeys' && !ASKED_OF_KAFKA.has(path.slice(2)),
    );
    // nodemailer's table of file types is for attachments, which our emails do not have.
    replace(build, 'types', /mime-types\.js$/, /nodemailer[\\/]/);
    // It fetches what an email names by its address; ours have all that they show.
    replace(build, 'fetch', /[\\/]fetch[\\/]index\.js$/, /nodemailer[\\/]/);
    // Loaded by the SDK's clients whose operations stream; none of ours does.
    replace(build, 'streams', /^@smithy\/core\/event-streams$/, /@smithy[\\/]core[\\/]/);
    build.onLoad({ filter: SCHEMAS }, async ({ path }) => ({
      contents: droppable(await readFile(path, 'utf8')),
    }));
  },
};

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
