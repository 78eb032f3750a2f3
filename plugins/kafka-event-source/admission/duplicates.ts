/** Refuses a mapping that conflicts with another mapping, as AWS does. */
import type { Mapping } from '../mapping.ts';
import { words } from '../words.ts';
import type { Refusal } from './refusal.ts';

/** A mapping with the source that it is deployed with. */
export interface Accepted {
  readonly mapping: Mapping;
  /** The servers in their order, or the cluster's ARN. */
  readonly sources: readonly string[];
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
 * AWS's page demands a group of its own for each mapping. A user saw AWS refuse a second mapping of the
 * same own servers (serverless/serverless#12377); services with two such mappings exist all the same.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-consumer-group-id.html
 */
export function warnOfGroup(mapping: Mapping, before: readonly Accepted[]): string[] {
  const sharing = before.find(({ mapping: { groupId } }) => groupId === mapping.groupId);
  if (!sharing) return [];
  return [
    `The consumer group ${mapping.groupId} is also the group of ${sharing.mapping.name}. AWS's page ` +
      'says that each mapping needs a group of its own: set ' +
      `${words().setting(`mappings.${mapping.functionKey}.consumerGroupId`)} for this machine, or ` +
      'consumerGroupId in the event.',
  ];
}

function overlaps({ sources }: Accepted, other: Accepted): boolean {
  return sources.some((source) => other.sources.includes(source));
}
