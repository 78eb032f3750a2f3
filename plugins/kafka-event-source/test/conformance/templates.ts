/** Writes the mappings of the scenarios as each kind of project declares them. */
import { CLUSTER_ARN, SCENARIOS, type Scenario, SERVERS, type Settings } from './scenarios.ts';

/** The logical id or key of the function. */
export const FUNCTION = 'Conform';
/** Longer than the starts of all instances at once take on a busy machine; the test `hang` waits for it. */
export const TIMEOUT_SECONDS = 8;
/** The parameter whose value begins the names of topics and groups. */
export const RUN = 'Run';

const SECRET = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:kafka';
const ACCESS = [{ Type: 'SASL_SCRAM_512_AUTH', URI: SECRET }];
const ROLE = 'arn:aws:iam::000000000000:role/conformance';

/** A scenario's topic, and its consumer group. */
export const topicOf = (run: string, { id }: Pick<Scenario, 'id'>) => `${run}-${id}`;
export const lettersOf = (run: string) => `${run}-letters`;

/** With a parameter of the template as the name's beginning. */
const sub = (id: string) => ({ 'Fn::Sub': `\${${RUN}}-${id}` });

const destination = (value: unknown) => ({
  DestinationConfig: { OnFailure: { Destination: value } },
});

/** The settings under CloudFormation's names, with the topic, the group and the destination as references. */
function properties({ id, settings, hasDestination }: Scenario) {
  return {
    ...settings,
    Topics: [sub(id)],
    ...(hasDestination && destination({ 'Fn::Sub': `kafka://\${${RUN}}-letters` })),
  };
}

/** Resources of a SAM template: one function with all events. */
export function samTemplate(): object {
  const events = SCENARIOS.map((scenario) => {
    const group = { ConsumerGroupId: sub(scenario.id) };
    const own =
      scenario.source === 'msk'
        ? { Type: 'MSK', Properties: { Stream: CLUSTER_ARN, ...group } }
        : {
            Type: 'SelfManagedKafka',
            Properties: {
              KafkaBootstrapServers: [SERVERS],
              SourceAccessConfigurations: ACCESS,
              ...group,
            },
          };
    const Properties = { ...own.Properties, ...properties(scenario) };
    return [title(scenario.id), { ...own, Properties }];
  });
  return {
    Transform: 'AWS::Serverless-2016-10-31',
    Parameters: { [RUN]: { Type: 'String' } },
    Globals: { Function: { Timeout: TIMEOUT_SECONDS, Runtime: 'nodejs24.x' } },
    Resources: {
      [FUNCTION]: {
        Type: 'AWS::Serverless::Function',
        Properties: {
          CodeUri: '.',
          Handler: 'handler.conform',
          Events: Object.fromEntries(events),
        },
      },
    },
  };
}

/** A plain CloudFormation template: the function, and a mapping for each scenario. */
export function cloudFormationTemplate(): object {
  const mappings = SCENARIOS.map((scenario) => {
    const group = { ConsumerGroupId: sub(scenario.id) };
    const own =
      scenario.source === 'msk'
        ? { EventSourceArn: CLUSTER_ARN, AmazonManagedKafkaEventSourceConfig: group }
        : {
            SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: [SERVERS] } },
            SelfManagedKafkaEventSourceConfig: group,
            SourceAccessConfigurations: ACCESS,
          };
    const Properties = { FunctionName: { Ref: FUNCTION }, ...own, ...properties(scenario) };
    return [title(scenario.id), { Type: 'AWS::Lambda::EventSourceMapping', Properties }];
  });
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Parameters: { [RUN]: { Type: 'String' } },
    Resources: {
      [FUNCTION]: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          Code: { S3Bucket: 'code', S3Key: 'code.zip' },
          Handler: 'handler.conform',
          Runtime: 'nodejs24.x',
          Role: ROLE,
          Timeout: TIMEOUT_SECONDS,
        },
      },
      ...Object.fromEntries(mappings),
    },
  };
}

/**
 * A plan in the form of `terraform show -json`, with what such a plan knows before the apply.
 * https://developer.hashicorp.com/terraform/internals/json-format
 */
export function terraformPlan(run: string): object {
  const fn = {
    address: 'aws_lambda_function.conform',
    type: 'aws_lambda_function',
    name: 'conform',
    values: {
      function_name: FUNCTION,
      handler: 'handler.conform',
      package_type: 'Zip',
      reserved_concurrent_executions: -1,
      runtime: 'nodejs24.x',
      timeout: TIMEOUT_SECONDS,
    },
  };
  const mappings = SCENARIOS.map((scenario) => ({
    address: `aws_lambda_event_source_mapping.${scenario.id}`,
    type: 'aws_lambda_event_source_mapping',
    name: scenario.id,
    values: terraformMapping(run, scenario),
  }));
  const resources = [fn, ...mappings];
  const common = { mode: 'managed', provider_name: 'registry.terraform.io/hashicorp/aws' };
  return {
    format_version: '1.2',
    terraform_version: '1.11.4',
    planned_values: {
      root_module: {
        resources: resources.map((one) => ({ ...common, schema_version: 0, ...one })),
      },
    },
    configuration: {
      root_module: {
        resources: resources.map(({ values: _, ...one }) => ({
          ...one,
          mode: 'managed',
          provider_config_key: 'aws',
          expressions:
            one === fn || one.type === fn.type
              ? {}
              : { function_name: { references: [`${fn.address}.arn`, fn.address] } },
        })),
      },
    },
  };
}

function terraformMapping(run: string, scenario: Scenario): object {
  const { settings, source, hasDestination } = scenario;
  const topic = topicOf(run, scenario);
  const { FilterCriteria: filters, ProvisionedPollerConfig: pollers } = settings;
  const { StartingPositionTimestamp: seconds } = settings;
  const group = [{ consumer_group_id: topic }];
  const own =
    source === 'msk'
      ? { event_source_arn: CLUSTER_ARN, amazon_managed_kafka_event_source_config: group }
      : {
          self_managed_event_source: [{ endpoints: { KAFKA_BOOTSTRAP_SERVERS: SERVERS } }],
          self_managed_kafka_event_source_config: group,
          source_access_configuration: [{ type: 'SASL_SCRAM_512_AUTH', uri: SECRET }],
        };
  return {
    batch_size: settings.BatchSize ?? null,
    bisect_batch_on_function_error: settings.BisectBatchOnFunctionError ?? null,
    destination_config: hasDestination
      ? [{ on_failure: [{ destination_arn: `kafka://${lettersOf(run)}` }] }]
      : [],
    enabled: true,
    event_source_arn: null,
    filter_criteria: filters
      ? [{ filter: filters.Filters.map(({ Pattern }) => ({ pattern: Pattern })) }]
      : [],
    function_response_types: settings.FunctionResponseTypes ?? null,
    maximum_batching_window_in_seconds: settings.MaximumBatchingWindowInSeconds ?? null,
    maximum_retry_attempts: settings.MaximumRetryAttempts,
    provisioned_poller_config: pollers
      ? [{ minimum_pollers: pollers.MinimumPollers, maximum_pollers: pollers.MaximumPollers }]
      : [],
    starting_position: settings.StartingPosition,
    starting_position_timestamp:
      seconds === undefined ? null : new Date(seconds * 1000).toISOString(),
    topics: [topic],
    ...own,
  };
}

/** The events of a function in serverless.yml and in kafka-event-source.yml. */
export function serverlessEvents(run: string): object[] {
  return SCENARIOS.map((scenario) => {
    const topic = topicOf(run, scenario);
    const common = {
      topic,
      consumerGroupId: topic,
      ...serverlessSettings(scenario.settings),
      ...(scenario.hasDestination && { onFailureDestination: `kafka://${lettersOf(run)}` }),
    };
    return scenario.source === 'msk'
      ? { msk: { arn: CLUSTER_ARN, ...common } }
      : {
          kafka: {
            bootstrapServers: [SERVERS],
            accessConfigurations: { saslScram512Auth: SECRET },
            ...common,
          },
        };
  });
}

function serverlessSettings({
  BatchSize: batchSize,
  MaximumBatchingWindowInSeconds: maximumBatchingWindowInSeconds,
  StartingPosition: startingPosition,
  StartingPositionTimestamp: startingPositionTimestamp,
  FilterCriteria: filters,
  FunctionResponseTypes: responseTypes,
  MaximumRetryAttempts: maximumRetryAttempts,
  BisectBatchOnFunctionError: bisectBatchOnFunctionError,
  ProvisionedPollerConfig: pollers,
}: Settings): object {
  const settings = {
    batchSize,
    maximumBatchingWindowInSeconds,
    startingPosition,
    startingPositionTimestamp,
    filterPatterns: filters?.Filters.map(({ Pattern }) => JSON.parse(Pattern)),
    functionResponseType: responseTypes?.[0],
    maximumRetryAttempts,
    bisectBatchOnFunctionError,
    provisionedPollers: pollers && { min: pollers.MinimumPollers, max: pollers.MaximumPollers },
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

export const title = (id: string) => id.replace(/^./, (first) => first.toUpperCase());
