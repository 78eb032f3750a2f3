import { Socket } from 'node:net';

/**
 * A partition without a leader, as one process sees it: `refuses` answers each write to it with Kafka's
 * NOT_LEADER_OR_FOLLOWER, `hangs` answers nothing. Other partitions work.
 */
export type Leaderless = { partition: number; answer: 'refuses' | 'hangs' };

const PRODUCE = 0;
const NOT_LEADER_OR_FOLLOWER = 6;

type Write = typeof Socket.prototype.write;
type Produce = { correlationId: number; topic: string; partitions: number[] };

/** Takes the leader of a partition away from this process, for its whole life. */
export function loseLeader({ partition, answer }: Leaderless, kafkaPort: number): void {
  const { write } = Socket.prototype;
  Socket.prototype.write = function leaderlessWrite(this: Socket, ...args: Parameters<Write>) {
    const [bytes] = args;
    const produce =
      this.remotePort === kafkaPort && Buffer.isBuffer(bytes) ? readProduce(bytes) : undefined;
    if (!produce?.partitions.includes(partition)) return Reflect.apply(write, this, args);
    if (answer === 'refuses') setImmediate(() => this.push(refusalOf(produce)));
    return true;
  } as Write;
}

/** Finds a produce request (v7): https://kafka.apache.org/protocol#The_Messages_Produce. */
function readProduce(bytes: Buffer): Produce | undefined {
  if (bytes.length < 14 || bytes.readInt16BE(4) !== PRODUCE) return undefined;
  const correlationId = bytes.readInt32BE(8);
  let at = 12;
  const text = () => {
    const length = Math.max(0, bytes.readInt16BE(at));
    at += 2 + length;
    return bytes.toString('utf8', at - length, at);
  };
  const number = () => {
    at += 4;
    return bytes.readInt32BE(at - 4);
  };
  text(); // client
  text(); // transaction
  at += 2 + 4 + 4; // acks, time limit, how many topics: one here
  const topic = text();
  const partitions = Array.from({ length: number() }, () => {
    const partition = number();
    const size = number();
    at += size;
    return partition;
  });
  return { correlationId, topic, partitions };
}

function refusalOf({ correlationId, topic, partitions }: Produce): Buffer {
  const answers = partitions.map((partition) => {
    const answer = Buffer.alloc(4 + 2 + 8 + 8 + 8, 0xff);
    answer.writeInt32BE(partition, 0);
    answer.writeInt16BE(NOT_LEADER_OR_FOLLOWER, 4);
    return answer;
  });
  const body = Buffer.concat([
    int32(correlationId),
    int32(1),
    int16(Buffer.byteLength(topic)),
    Buffer.from(topic),
    int32(answers.length),
    ...answers,
    int32(0), // throttled for no time
  ]);
  return Buffer.concat([int32(body.length), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
