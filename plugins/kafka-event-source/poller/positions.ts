/** Where a poller stands in the partitions that are its own. */

export interface Position {
  /** What the group has committed, as far as this poller knows; -1 for nothing yet. */
  committed: number;
  /** What a commit under way, or one without an answer, may have made of it. */
  attempted: number;
  /** The offset after the last one in the buffer. */
  fetched: number | undefined;
  /** The offset after the last one that is done. */
  done: number;
}

export type Positions = Map<number, Position>;

export const NOTHING_COMMITTED = -1;

/** A partition read from its committed offset on, or from `fetched` where that is known. */
export function begin(committed: number, fetched?: number): Position {
  return { committed, attempted: committed, fetched, done: NOTHING_COMMITTED };
}

/**
 * Whether the group is where this poller left it, so that its buffer still follows. Of commits
 * without an answer, the broker may have any: all that they cover is done.
 */
export function isOwn({ committed, attempted }: Position, found: number): boolean {
  return committed <= found && found <= attempted;
}
