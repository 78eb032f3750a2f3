/** The reading of an update's JSON as AWS reads it: by the types of its service model. */
import { isObject, type Json } from '../json.ts';
import type { ChangeableName } from '../settings/settings.ts';
import { RequestError } from './request.ts';

/** Makes a member's value of JSON. @throws RequestError for JSON of another type */
type Reader = (value: unknown) => unknown;

// AWS: these words were recorded of Lambda for numbers, and of other services with the same reader for the
// other types: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html has the types.
const LIST = 'Start of list found where not expected';
const OBJECT = 'Start of structure or map found where not expected.';
const MAX_INTEGER = 2 ** 31 - 1;
const YES: readonly string[] = ['true', 'yes', 'y', 't', '1'];
const NO: readonly string[] = ['false', 'no', 'n', 'f', '0'];

const integer = scalar('an Integer', (value) => {
  if (typeof value !== 'number') return undefined;
  // AWS: a fraction is cut off, and a larger number is the largest integer.
  return Math.max(-MAX_INTEGER - 1, Math.min(MAX_INTEGER, Math.trunc(value) + 0));
});
const text = scalar('a String', (value) => (typeof value === 'string' ? value : undefined));
const flag = scalar('a Boolean', (value) => {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  if (YES.includes(value.toLowerCase())) return true;
  if (NO.includes(value.toLowerCase())) return false;
  throw unreadable('STRING_VALUE can not be converted to an Boolean');
});

const cluster = structure({
  ConsumerGroupId: text,
  SchemaRegistryConfig: structure({
    SchemaRegistryURI: text,
    EventRecordFormat: text,
    AccessConfigs: listOf(structure({ Type: text, URI: text })),
    SchemaValidationConfigs: listOf(structure({ Attribute: text })),
  }),
});
const destination = structure({ Destination: text });

const update = structure({
  FunctionName: text,
  // An update has no topics. The reader of CloudFormation's updates has a message for them.
  Topics: (value) => value,
  ParallelizationFactor: integer,
  TumblingWindowInSeconds: integer,
  ScalingConfig: structure({ MaximumConcurrency: integer }),
  DocumentDBEventSourceConfig: structure({
    DatabaseName: text,
    CollectionName: text,
    FullDocument: text,
  }),
  SourceAccessConfigurations: listOf(structure({ Type: text, URI: text })),
  SelfManagedKafkaEventSourceConfig: cluster,
  AmazonManagedKafkaEventSourceConfig: cluster,
  KMSKeyArn: text,
  ...({
    Enabled: flag,
    BatchSize: integer,
    MaximumBatchingWindowInSeconds: integer,
    FilterCriteria: structure({ Filters: listOf(structure({ Pattern: text })) }),
    ProvisionedPollerConfig: structure({
      MinimumPollers: integer,
      MaximumPollers: integer,
      PollerGroupName: text,
    }),
    MaximumRetryAttempts: integer,
    MaximumRecordAgeInSeconds: integer,
    BisectBatchOnFunctionError: flag,
    FunctionResponseTypes: listOf(text),
    DestinationConfig: structure({ OnFailure: destination, OnSuccess: destination }),
    MetricsConfig: structure({ Metrics: listOf(text) }),
    LoggingConfig: structure({ SystemLogLevel: text }),
  } satisfies Record<ChangeableName, Reader>),
});

/**
 * Reads the members of an update. As AWS does, it leaves out null and unknown members.
 *
 * @throws RequestError `SerializationException` for a member of another type
 */
export function readUpdate(body: unknown): Json {
  return update(body) as Json;
}

/** An answer to JSON that AWS cannot read. */
export function unreadable(message: string): RequestError {
  return new RequestError(400, 'SerializationException', message);
}

function structure(members: Readonly<Record<string, Reader>>): Reader {
  const readers = Object.entries(members);
  return (value) => {
    if (Array.isArray(value)) throw unreadable(LIST);
    if (!isObject(value)) throw unreadable('Expected null');
    return Object.fromEntries(
      readers.flatMap(([name, read]) => {
        const member = Object.hasOwn(value, name) ? (value[name] ?? null) : null;
        return member === null ? [] : [[name, read(member)]];
      }),
    );
  };
}

function listOf(read: Reader): Reader {
  return (value) => {
    if (isObject(value)) throw unreadable(OBJECT);
    if (!Array.isArray(value)) throw unreadable('Expected list or null');
    return value.filter((one) => one !== null).map(read);
  };
}

/** @param read gives undefined for JSON of another type */
function scalar(type: string, read: (value: unknown) => unknown): Reader {
  return (value) => {
    if (Array.isArray(value)) throw unreadable(LIST);
    if (isObject(value)) throw unreadable(OBJECT);
    const found = read(value);
    if (found !== undefined) return found;
    const kind =
      typeof value === 'boolean' ? String(value).toUpperCase() : (typeof value).toUpperCase();
    throw unreadable(`${kind}_VALUE can not be converted to ${type}`);
  };
}
