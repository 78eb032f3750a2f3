/** The text beside a committed offset: the topic's id, and the number of partitions when polling began. */

export const NOTHING_COMMITTED = -1;

export interface Note {
  /** The topic's id; undefined where Kafka has none, and in a commit of another tool. */
  readonly topicId: string | undefined;
  /** How many partitions polling began with; undefined in a commit of another tool. */
  readonly partitionsAtFirst: number | undefined;
}

export interface CommitNote extends Note {
  readonly offset: number;
}

const TEXT = /^topic-id=([0-9a-f]{32}|none) partitions-at-first=(\d{1,9}|unknown)$/;

/** The text to store with a commit. */
export function writeNote({ topicId = 'none', partitionsAtFirst }: Note): string {
  return `topic-id=${topicId} partitions-at-first=${partitionsAtFirst ?? 'unknown'}`;
}

/** Reads a commit. The text of another tool is ignored. */
export function readNote(offset: number, text: string | null): CommitNote {
  const [, id = 'none', count = 'unknown'] = TEXT.exec(text ?? '') ?? [];
  return {
    offset,
    topicId: id === 'none' ? undefined : id,
    partitionsAtFirst: count === 'unknown' ? undefined : Number(count),
  };
}

/** Whether the note fits the topic with this id. An unknown id fits each topic. */
export function isOf({ topicId }: Note, current: string | undefined): boolean {
  return topicId === undefined || current === undefined || topicId === current;
}
