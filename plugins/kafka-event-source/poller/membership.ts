/** What the poller may do in its group just now: with which consumer, and whether it knows from where. */
import type { Admin, Consumer, EachBatchPayload } from 'kafkajs';

export type CommitOffsets = EachBatchPayload['commitOffsetsIfNecessary'];

export class Membership {
  readonly topic: string;
  admin: Admin | undefined;
  consumer: Consumer | undefined;
  /** Commits under the generation of the last fetch. */
  commitOffsets: CommitOffsets | undefined;
  /** Whether it is known, since the last join, from where each partition is read. */
  isPositioned = false;
  #joins = 0;

  constructor(topic: string) {
    this.topic = topic;
  }

  /** Begins a generation; the answer tells whether it is still that one. */
  join(consumer: Consumer): () => boolean {
    this.consumer = consumer;
    this.commitOffsets = undefined;
    this.isPositioned = false;
    this.#joins += 1;
    const join = this.#joins;
    return () => this.#joins === join && this.consumer === consumer;
  }

  leave(): void {
    this.consumer = undefined;
    this.commitOffsets = undefined;
    this.admin = undefined;
  }

  setPaused(partition: number, paused: boolean): void {
    const target = [{ topic: this.topic, partitions: [partition] }];
    if (paused) this.consumer?.pause(target);
    else this.consumer?.resume(target);
  }

  seek(partition: number, offset: number): void {
    this.consumer?.seek({ topic: this.topic, partition, offset: String(offset) });
  }
}
