/** Reads Confluent's frame around a key or value, which names its schema. */

export interface Framed {
  readonly schemaId: number;
  /** The bytes after the id. Protobuf's begin with the place of the message in its schema. */
  readonly content: Buffer;
}

// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
const MAGIC = 0;
const PREFIX = 5;

/** Reads id and content; undefined for bytes that no serialiser of the registry wrote. */
export function readFrame(bytes: Buffer): Framed | undefined {
  if (bytes.length < PREFIX || bytes[0] !== MAGIC) return undefined;
  return { schemaId: bytes.readUInt32BE(1), content: bytes.subarray(PREFIX) };
}

/** Puts the schema's id before the content. */
export function frame(schemaId: number, content: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX, MAGIC);
  prefix.writeUInt32BE(schemaId, 1);
  return Buffer.concat([prefix, content]);
}

export interface MessagePlace {
  /** The message's index in its file, then in the message around it, and so on. */
  readonly path: readonly number[];
  readonly content: Buffer;
}

/** Reads Protobuf's place: a count and as many indexes, as zigzag varints; 0 is the first message. */
export function readMessagePlace(bytes: Buffer): MessagePlace {
  let at = 0;
  const next = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 28) throw new Error('its message indexes are cut off');
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
  };
  const count = next();
  if (count === 0) return { path: [0], content: bytes.subarray(at) };
  if (count < 0 || count > bytes.length) throw new Error(`it has ${count} message indexes`);
  const path = Array.from({ length: count }, next);
  return { path, content: bytes.subarray(at) };
}
