/** What an invocation's outcome means for the records that were in it. */

/** What came of an invocation. */
export type InvocationResult =
  | { readonly kind: 'ok'; readonly payload: unknown }
  | { readonly kind: 'functionError'; readonly message: string }
  /** Throttled or unreachable: the batch did not reach the function. */
  | { readonly kind: 'notReached'; readonly message: string }
  | { readonly kind: 'tooLarge'; readonly message: string };

/** The offsets of one `topic-partition` in the batch, ascending. */
export interface Part {
  readonly key: string;
  readonly offsets: readonly number[];
}

export interface PartVerdict extends Part {
  /** The offset to commit now: nothing before it is to be delivered again. */
  readonly commit?: number;
  readonly redeliver: readonly number[];
}

export interface Verdict {
  readonly parts: readonly PartVerdict[];
  /** Whether this was an attempt; what does not reach the function is none. */
  readonly attempted: boolean;
  /** Why something is delivered again. */
  readonly reason?: string;
}

/** Splits a batch into what is done and what is delivered again. */
export function acknowledge(
  batch: readonly Part[],
  result: InvocationResult,
  { reportBatchItemFailures }: { reportBatchItemFailures: boolean },
): Verdict {
  // AWS: throttles and service errors do not count toward retry attempts.
  // https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
  if (result.kind !== 'ok') {
    return { ...all(batch, result.message), attempted: result.kind === 'functionError' };
  }
  if (!reportBatchItemFailures) return verdict(batch, none);
  const answer = readAnswer(result.payload);
  if (typeof answer === 'string') return all(batch, answer);
  return byItems(batch, answer);
}

// Whatever cannot be read as the documented answer fails the whole batch: reading it as a success
// would lose the records that it meant.
function readAnswer(payload: unknown): readonly unknown[] | string {
  if (payload === null || payload === undefined || payload === '') return [];
  if (Array.isArray(payload) && payload.length === 0) return [];
  if (typeof payload !== 'object' || Array.isArray(payload)) {
    return `the answer ${show(payload)} is not an object with batchItemFailures`;
  }
  const failures = 'batchItemFailures' in payload ? payload.batchItemFailures : null;
  if (failures === null || failures === undefined) return [];
  return Array.isArray(failures) ? failures : `batchItemFailures ${show(failures)} is not a list`;
}

function byItems(batch: readonly Part[], items: readonly unknown[]): Verdict {
  const failed = new Map(batch.map(({ key }) => [key, new Set<number>()]));
  for (const item of items) {
    const { partition, offset } = readIdentifier(item);
    const known = batch.find(({ key }) => key === partition)?.offsets.includes(offset as number);
    // AWS: one identifier that was not in the event fails the entire batch.
    // https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
    if (!known) return all(batch, `item identifier ${show(item)} is not in the batch`);
    failed.get(partition as string)?.add(offset as number);
  }
  // AWS: only the failed records are retried, unlike Kinesis, where all from the lowest on are.
  // https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
  const reason = items.length > 0 ? 'reported in batchItemFailures' : undefined;
  return verdict(batch, (key, offset) => failed.get(key)?.has(offset) === true, reason);
}

function readIdentifier(item: unknown): { partition?: unknown; offset?: unknown } {
  if (typeof item !== 'object' || item === null || !('itemIdentifier' in item)) return {};
  const { itemIdentifier } = item;
  return typeof itemIdentifier === 'object' && itemIdentifier !== null ? itemIdentifier : {};
}

const none = () => false;

function all(batch: readonly Part[], reason: string): Verdict {
  return verdict(batch, () => true, reason);
}

function verdict(
  batch: readonly Part[],
  isFailed: (key: string, offset: number) => boolean,
  reason?: string,
): Verdict {
  const parts = batch.map(({ key, offsets }): PartVerdict => {
    const redeliver = offsets.filter((offset) => isFailed(key, offset));
    const commit = safePrefix(offsets, redeliver);
    return { key, offsets, redeliver, ...(commit !== undefined && { commit }) };
  });
  return { parts, attempted: true, ...(reason !== undefined && { reason }) };
}

// AWS does not say whether it commits past a failed record; never doing so loses nothing.
function safePrefix(offsets: readonly number[], redeliver: readonly number[]): number | undefined {
  const [failed] = redeliver;
  if (failed !== undefined) return failed === offsets[0] ? undefined : failed;
  const last = offsets.at(-1);
  return last === undefined ? undefined : last + 1;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
