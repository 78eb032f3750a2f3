/** Writes a record with a list of headers; kafkajs' own encoder takes an object only. */
import type { Header } from './decode.ts';

/** The used part of kafkajs' encoder. */
export interface Encoder {
  size(): number;
  writeInt8(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: string): Encoder;
  writeBoolean(value: boolean): Encoder;
  writeBuffer(value: Buffer): Encoder;
  writeUVarInt(value: number): Encoder;
  writeUVarIntString(value: string): Encoder;
  writeUVarIntArray(values: readonly Encoder[] | null): Encoder;
  writeVarInt(value: number): Encoder;
  writeVarLong(value: unknown): Encoder;
  writeVarIntString(value: string): Encoder;
  writeVarIntBytes(value: unknown): Encoder;
  writeVarIntArray(values: readonly Encoder[]): Encoder;
  writeEncoder(value: Encoder): Encoder;
}

export interface RecordToWrite {
  readonly offsetDelta?: number;
  readonly timestampDelta?: unknown;
  readonly key?: unknown;
  readonly value?: unknown;
  readonly headers?: readonly Header[] | object;
}

/** The record in Kafka's form: https://kafka.apache.org/documentation/#record */
export function encodeRecord(
  encoder: () => Encoder,
  { offsetDelta = 0, timestampDelta = 0, key, value, headers = [] }: RecordToWrite,
): Encoder {
  const list = (headers as readonly Header[]).map((header) =>
    encoder().writeVarIntString(header.key).writeVarIntBytes(header.value),
  );
  const body = encoder()
    .writeInt8(0)
    .writeVarLong(timestampDelta)
    .writeVarInt(offsetDelta)
    .writeVarIntBytes(key)
    .writeVarIntBytes(value)
    .writeVarIntArray(list);
  return encoder().writeVarInt(body.size()).writeEncoder(body);
}
