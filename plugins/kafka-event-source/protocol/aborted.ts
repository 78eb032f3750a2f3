/** Removes records of aborted transactions. */
import type { DecodedRecord } from './decode.ts';

export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

type Message = Pick<DecodedRecord, 'offset' | 'key' | 'isControlRecord' | 'batchContext'>;

const ABORT = 0;
const MARKER_TYPE = 2;

/**
 * The messages without those of aborted transactions. kafkajs' own filter begins at most one
 * transaction at a message, so that a fetch inside two of them lets a record through. It also takes
 * any key of four zero bytes (the integer 0) for the marker that ends a transaction.
 */
export function withoutAborted<T extends Message>(
  messages: readonly T[],
  transactions: readonly AbortedTransaction[] = [],
): readonly T[] {
  if (transactions.length === 0) return messages;
  const upcoming = transactions
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }))
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const open = new Set<string>();
  let index = 0;
  return messages.filter((message) => {
    const { producerId, inTransaction } = message.batchContext;
    for (let next = upcoming[index]; next && next.firstOffset <= BigInt(message.offset); ) {
      open.add(next.producerId);
      index += 1;
      next = upcoming[index];
    }
    if (message.isControlRecord) {
      if (isAbort(message)) open.delete(producerId);
      return true;
    }
    return !(inTransaction && open.has(producerId));
  });
}

/** The key of a marker is a version and a type, of two bytes each. */
function isAbort({ key }: Message): boolean {
  return key !== null && key.length >= 4 && key.readInt16BE(MARKER_TYPE) === ABORT;
}
