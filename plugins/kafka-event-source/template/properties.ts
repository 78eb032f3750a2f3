/** The properties of events; adds those that the installed framework lacks to its validation. */
import { isObject, type Json } from '../json.ts';
import { cloudFormation } from '../settings/rules.ts';
import { settingRows } from '../settings/settings.ts';
import { ACCESS_TYPES, type EventKind } from './compile.ts';

interface SchemaHandler {
  defineFunctionEventProperties(provider: 'aws', event: string, schema: object): void;
  readonly schema?: unknown;
}

const secret = { anyOf: [{ type: 'string', pattern: '^arn:' }, cloudFormation] };
/** The properties that this plugin writes into the template, even if the framework validates them. */
const OWN_PROPERTIES: Readonly<Record<string, object>> = {
  ...Object.assign({}, ...settingRows().map(([, { own }]) => own?.properties)),
  schemaRegistry: {
    type: 'object',
    properties: {
      uri: { anyOf: [{ type: 'string', minLength: 1, maxLength: 10_000 }, cloudFormation] },
      eventRecordFormat: { enum: ['JSON', 'SOURCE'] },
      accessConfigurations: {
        type: 'object',
        properties: {
          basicAuth: secret,
          clientCertificateTlsAuth: secret,
          serverRootCaCertificate: secret,
        },
        additionalProperties: false,
      },
      validate: { type: 'array', minItems: 1, items: { enum: ['key', 'value', 'KEY', 'VALUE'] } },
    },
    required: ['uri', 'eventRecordFormat', 'validate'],
    additionalProperties: false,
  },
};

const any = {};
const BOTH = {
  topic: any,
  batchSize: any,
  maximumBatchingWindow: any,
  enabled: any,
  startingPosition: any,
  startingPositionTimestamp: any,
  consumerGroupId: any,
  filterPatterns: any,
};
const access = Object.fromEntries(Object.keys(ACCESS_TYPES).map((name) => [name, any]));
/** All properties of an event: the framework's own, of which only the names matter here, and this plugin's. */
const PROPERTIES: Readonly<Record<EventKind, object>> = {
  kafka: {
    accessConfigurations: { properties: access },
    bootstrapServers: any,
    ...BOTH,
    ...OWN_PROPERTIES,
  },
  msk: { arn: any, saslScram512: any, ...BOTH, ...OWN_PROPERTIES },
};

interface Unknown {
  readonly name: string;
  /** The names that may stand in its place. */
  readonly known: readonly string[];
}

/** The properties of an event that neither the framework nor this plugin has. */
export function unknownProperties(kind: EventKind, event: Json): Unknown[] {
  return unknownIn(event, PROPERTIES[kind], '');
}

function unknownIn(value: Json, properties: object, path: string): Unknown[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = Object.keys(properties).toSorted();
    if (!known.includes(key)) {
      return [{ name: path + key, known: known.map((name) => path + name) }];
    }
    const within = propertiesWithin(properties[key as keyof typeof properties]);
    return within && isObject(inner) ? unknownIn(inner, within, `${path}${key}.`) : [];
  });
}

function propertiesWithin(schema: Schema): object | undefined {
  return [schema, ...(schema.anyOf ?? [])].find((one) => one.properties)?.properties;
}

interface Schema {
  readonly properties?: object;
  readonly anyOf?: readonly Schema[];
}

/** Adds to the `kafka` and `msk` events the properties that they do not have yet. */
export function defineProperties(handler: SchemaHandler): void {
  for (const event of ['kafka', 'msk']) {
    for (const [name, schema] of Object.entries(OWN_PROPERTIES)) {
      const properties = { [name]: structuredClone(schema) };
      try {
        handler.defineFunctionEventProperties('aws', event, { properties });
      } catch (error) {
        // The framework has the property already, and says so by this code alone.
        if (!isCollision(error)) throw error;
      }
    }
  }
  allowDestinationOfStack(handler);
}

function isCollision(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SCHEMA_COLLISION';
}

/** osls validates `onFailureDestination` as a text only, but deploys `Fn::GetAtt` of a queue, too. */
function allowDestinationOfStack({ schema }: SchemaHandler): void {
  for (const properties of kafkaSchemas(schema)) {
    const { onFailureDestination: own } = properties;
    if (own?.type === 'string')
      properties.onFailureDestination = structuredClone(OWN_PROPERTIES.onFailureDestination);
  }
}

type Properties = Record<string, { type?: string; anyOf?: object[] } | undefined>;

function kafkaSchemas(schema: unknown): Properties[] {
  const functions = at(schema, ['properties', 'functions', 'patternProperties']);
  return Object.values((functions ?? {}) as object).flatMap((one) => {
    const events = at(one, ['properties', 'events', 'items', 'anyOf']);
    const found = Array.isArray(events) ? events : [];
    return found.flatMap((event) => {
      const properties = at(event, ['properties', 'kafka', 'properties']);
      return properties ? [properties as Properties] : [];
    });
  });
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (one, key) => (one as Record<string, unknown> | undefined)?.[key],
    value,
  );
}
