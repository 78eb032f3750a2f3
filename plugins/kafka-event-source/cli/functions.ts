/** The functions of kafka-event-source.yml, for a service without a template. */
import { basename } from 'node:path';
import { z } from 'zod';
import { asText, type Json } from '../json.ts';
import { type EventKind, findEvents, NO_ACCESS } from '../template/compile.ts';
import type { FunctionDefinition, Service } from '../template/deployed.ts';
import { unknownProperties } from '../template/properties.ts';
import { stableUuid } from '../template/uuid.ts';

/** The faults of an event's properties that do not exist: a misspelt one would have no effect. */
export function wrongProperties(kind: EventKind, event: Json): string[] {
  return unknownProperties(kind, event).map(
    ({ name, known }) =>
      `the mapping of topic ${asText(event.topic ?? '-')} has no property ${name}. Its properties are: ` +
      known.join(', '),
  );
}

const properties = (kind: EventKind) =>
  z.looseObject({}).superRefine((event: Json, { addIssue }) => {
    for (const message of wrongProperties(kind, event)) addIssue({ code: 'custom', message });
  });

const event = z.union(
  [z.strictObject({ kafka: properties('kafka') }), z.strictObject({ msk: properties('msk') })],
  { error: 'must be kafka or msk, with the properties of the event in serverless.yml' },
);

export const functionsSchema = z.record(
  z.string().min(1),
  z.strictObject({
    /** Its name at the endpoint; the key if it is left out. */
    name: z.string().min(1).optional(),
    /** In seconds. */
    timeout: z.int().min(1).max(900).default(6),
    events: z.array(event, { error: 'must be a list of kafka or msk events' }).min(1),
  }),
);

interface Surroundings {
  readonly folder: string;
  readonly region: string;
  readonly stage: string;
  readonly servers: readonly string[] | undefined;
}

/** The functions as a service. Nothing is deployed, so that servers and access may be left out. */
export function plainService(
  functions: z.output<typeof functionsSchema>,
  { folder, region, stage, servers = ['localhost:9092'] }: Surroundings,
): Service {
  return {
    service: basename(folder),
    stage,
    region,
    folder,
    functions: Object.entries(functions).map(
      ([key, { name = key, timeout, events }]): FunctionDefinition => ({
        key,
        name,
        logicalIds: [word(key)],
        timeoutSeconds: timeout,
        events: findEvents(events).map(({ kind, event }) => ({
          [kind]: kind === 'kafka' ? { ...defaults(servers), ...event } : event,
        })),
      }),
    ),
    resourcesPath: '',
    resources: {},
    parameters: {},
    mappings: {},
    conditions: {},
    extensions: {},
    logicalId: logicalIds(),
  };
}

/**
 * Gives each mapping an id of its own. Of mappings whose names have the same letters and digits, such as those of
 * the topics a.b and a-b, the first one has the bare id.
 */
function logicalIds(): Service['logicalId'] {
  const owners = new Map<string, string>();
  return (kind, key, topic, cluster) => {
    const id = word(`${key}-${kind}-${cluster}-${topic}`);
    const name = [kind, key, topic, cluster];
    const owner = owners.get(id);
    if (owner === undefined) owners.set(id, String(name));
    const isBare = owner === undefined || owner === String(name);
    return isBare ? id : `${id}${stableUuid(name).slice(0, 8)}`;
  };
}

/** AWS's rules refuse a self-managed cluster without servers and access. */
function defaults(servers: readonly string[]): Json {
  return { bootstrapServers: [...servers], accessConfigurations: NO_ACCESS };
}

/** A text in the form of a logical id. */
function word(text: string): string {
  return text.replace(/[^A-Za-z0-9]+(.?)/g, (_, next: string) => next.toUpperCase());
}
