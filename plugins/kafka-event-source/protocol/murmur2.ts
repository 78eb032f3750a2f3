/**
 * Hashes a key as Kafka's Java producer does, with integers of 32 bits.
 * https://github.com/apache/kafka/blob/4.1.0/clients/src/main/java/org/apache/kafka/common/utils/Utils.java
 */
const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

export function murmur2(key: Buffer | string): number {
  const data = Buffer.isBuffer(key) ? key : Buffer.from(String(key));
  const end = data.length - (data.length % 4);
  let hash = SEED ^ data.length;
  for (let index = 0; index < end; index += 4) {
    const mixed = Math.imul(data.readInt32LE(index), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(mixed ^ (mixed >>> 24), MULTIPLIER);
  }
  if (end < data.length) {
    hash ^= data.readUIntLE(end, data.length - end);
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}
