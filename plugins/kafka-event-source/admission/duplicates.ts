/** Refuses a mapping that conflicts with another mapping, as AWS does. */
import type { Mapping } from '../mapping.ts';
import { words } from '../words.ts';
import type { Refusal } from './refusal.ts';

/** A mapping with the source that it is deployed with. */
export interface Accepted {
  readonly mapping: Mapping;
  /** The servers in their order, or the cluster's ARN. */
  readonly sources: readonly string[];
  /** The group that it is deployed with; undefined for its UUID. */
  readonly group: string | undefined;
}

/** The refusals of a mapping beside those that were accepted before it. */
export function refuseDuplicate(one: Accepted, before: readonly Accepted[]): Refusal[] {
  const { mapping } = one;
  const same = before.find(
    (other) =>
      other.mapping.functionKey === mapping.functionKey &&
      other.mapping.topic === mapping.topic &&
      overlaps(other, one),
  );
  if (same) {
    const message =
      `An event source mapping with event source ("${one.sources.join(',')}"), function ` +
      `("${mapping.functionArn}"), topics ("${mapping.topic}") already exists. Please update or ` +
      `delete the existing mapping with UUID ${same.mapping.uuid}`;
    return [{ by: 'AWS', code: 'ResourceConflictException', message }];
  }
  return [];
}

/**
 * AWS refuses a second mapping with the group and a server of another one; the words are those that a user
 * got (https://github.com/serverless/serverless/issues/12377). Of other sources only AWS's page is known.
 * Services with two such mappings exist all the same, so that this is a warning.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-consumer-group-id.html
 */
export function warnOfGroup(one: Accepted, before: readonly Accepted[]): string[] {
  const { groupId, functionKey } = one.mapping;
  const sharing = before.filter(({ mapping }) => mapping.groupId === groupId);
  const refusing = sharing.find((other) => isOneGroupOfServers(other, one));
  const mapping = (refusing ?? sharing[0])?.mapping;
  if (!mapping) return [];
  const why = refusing
    ? `AWS refuses it (ResourceConflictException): An event source mapping with event source ` +
      `("${one.sources.join(',')}"), selfManagedKafkaEventSourceConfig.consumerGroupId ("${groupId}") ` +
      `already exists. Please update or delete the existing mapping with UUID ${mapping.uuid}.`
    : "AWS's page says that each mapping needs a group of its own.";
  return [
    `The consumer group ${groupId} is also the group of ${mapping.name}. ${why} The mapping runs here: set ` +
      `${words().setting(`mappings.${functionKey}.consumerGroupId`)} to give it another group on this ` +
      'machine, or consumerGroupId in the event.',
  ];
}

/** Whether both are deployed with one group at the same own servers. */
function isOneGroupOfServers(one: Accepted, other: Accepted): boolean {
  const isOwn = one.mapping.source.eventSource === 'SelfManagedKafka';
  return isOwn && one.group !== undefined && one.group === other.group && overlaps(one, other);
}

function overlaps({ sources }: Accepted, other: Accepted): boolean {
  return sources.some((source) => other.sources.includes(source));
}
