/** Kafka's own errors, as kafkajs throws them: bare, or as the cause of another error. */
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
const EXPELLED = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']);
const COORDINATOR_MOVES = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
]);
const NEW_TOPIC = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
]);

/** The name that Kafka's protocol gives the error; undefined if it is not one of Kafka's. */
export function kafkaErrorOf(error: unknown): string | undefined {
  const { type, cause } = Object(error);
  return type ?? (cause && kafkaErrorOf(cause));
}

/** Whether Kafka found the records too large for their topic. */
export function isTooLarge(error: unknown): boolean {
  return TOO_LARGE.has(kafkaErrorOf(error) ?? '');
}

/** Whether the group has expelled the member, or has gone on without it. */
export function isExpelled(error: unknown): boolean {
  return EXPELLED.has(kafkaErrorOf(error) ?? '');
}

/** Whether the user lacks a right. */
export function isUnauthorized(error: unknown): boolean {
  return kafkaErrorOf(error)?.endsWith('_AUTHORIZATION_FAILED') === true;
}

/** Whether another broker has become the group's coordinator, or the coordinator is still loading the group. */
export function isCoordinatorMoving(error: unknown): boolean {
  return COORDINATOR_MOVES.has(kafkaErrorOf(error) ?? '');
}

/** Whether brokers do not know the topic or a leader of it yet, as for a moment after its creation. */
export function isTopicNew(error: unknown): boolean {
  return NEW_TOPIC.has(kafkaErrorOf(error) ?? '');
}
