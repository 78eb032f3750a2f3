/**
 * The stack of the suite. `npm run test:conformance -- --synth` runs it with aws-cdk-lib from the folder
 * CDK_HOME, and keeps the template beside this file.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CLUSTER_ARN, SCENARIOS, SERVERS } from '../scenarios.ts';
import { FUNCTION, RUN, TIMEOUT_SECONDS } from '../templates.ts';

const { CDK_HOME = '', CDK_OUT = '' } = process.env;
const require = createRequire(join(CDK_HOME, 'package.json'));
// aws-cdk-lib is no dependency of this package: 186 MB for one template.
const { App, CfnParameter, DefaultStackSynthesizer, Duration, Stack } = require('aws-cdk-lib');
const lambda = require('aws-cdk-lib/aws-lambda');
const sources = require('aws-cdk-lib/aws-lambda-event-sources');
const { Secret } = require('aws-cdk-lib/aws-secretsmanager');

const app = new App({ outdir: CDK_OUT, analyticsReporting: false });
const stack = new Stack(app, 'conformance', {
  synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
});
const run = new CfnParameter(stack, RUN).valueAsString;
const fn = new lambda.Function(stack, FUNCTION, {
  runtime: lambda.Runtime.NODEJS_24_X,
  code: lambda.Code.fromInline('exports.conform = () => undefined;'),
  handler: 'index.conform',
  timeout: Duration.seconds(TIMEOUT_SECONDS),
});
fn.node.defaultChild.overrideLogicalId(FUNCTION);
const secret = Secret.fromSecretNameV2(stack, 'Secret', 'kafka');

for (const { id, settings, source, hasDestination } of SCENARIOS) {
  const { ProvisionedPollerConfig: pollers } = settings;
  const { MaximumBatchingWindowInSeconds: window } = settings;
  const common = {
    topic: id,
    consumerGroupId: `${run}-${id}`,
    batchSize: settings.BatchSize,
    maxBatchingWindow: window === undefined ? undefined : Duration.seconds(window),
    startingPosition: settings.StartingPosition,
    startingPositionTimestamp: settings.StartingPositionTimestamp,
    filters: settings.FilterCriteria?.Filters.map(({ Pattern }) =>
      lambda.FilterCriteria.filter(JSON.parse(Pattern)),
    ),
    reportBatchItemFailures: settings.FunctionResponseTypes && true,
    retryAttempts: settings.MaximumRetryAttempts,
    bisectBatchOnError: settings.BisectBatchOnFunctionError,
    provisionedPollerConfig: pollers && {
      minimumPollers: pollers.MinimumPollers,
      maximumPollers: pollers.MaximumPollers,
    },
    onFailure: hasDestination && new sources.KafkaDlq(`kafka://${run}-letters`),
  };
  const known = new Set(fn.node.findAll());
  fn.addEventSource(
    source === 'msk'
      ? new sources.ManagedKafkaEventSource({ clusterArn: CLUSTER_ARN, ...common })
      : new sources.SelfManagedKafkaEventSource({ bootstrapServers: [SERVERS], secret, ...common }),
  );
  // A topic's name becomes a part of an id, where CDK takes no parameter.
  const mapping = fn.node.findAll().find(isNewMapping(known));
  mapping.addPropertyOverride('Topics', [`${run}-${id}`]);
}

app.synth();

function isNewMapping(known: ReadonlySet<unknown>) {
  return (one: unknown) => one instanceof lambda.CfnEventSourceMapping && !known.has(one);
}
