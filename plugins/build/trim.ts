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
  streams: `const none = () => { throw new Error('The bundles hold no event streams of the AWS SDK.'); };
    export { none as EventStreamSerde, none as eventStreamSerdeProvider };`,
};

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
    // Loaded by the SDK's clients whose operations stream; none of ours does.
    replace(build, 'streams', /^@smithy\/core\/event-streams$/, /@smithy[\\/]core[\\/]/);
  },
};

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
