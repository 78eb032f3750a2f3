/** Remembers the letters of a partition that were put back: an offset, and the letters beyond it. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** Brokers take 4096 bytes of metadata with an offset. */
const MAX_METADATA = 4_000;
/** The length from which on one more letter may not fit. */
const FULL = MAX_METADATA - 100;
/** A character of base64 holds six bits. */
const OFFSETS_A_CHARACTER = 6;
/** Longer lists of ranges are written as bits. */
const SHORT_METADATA = 1_000;
/** Ranges of offsets, such as `2-3,5`. */
const PREFIX = 'redriven:';
/** The first offset, and a deflated bit for each one from there on, in base64. */
const BITS_PREFIX = 'redriven-bits:';

interface Range {
  readonly first: number;
  readonly last: number;
}

export class Progress {
  /** All letters before this offset have been put back. */
  #next: number;
  readonly #beyond: Set<number>;
  #isGapless = true;
  /** The last letter that was put back, and the length of the bits when `hasRoom` last measured them. */
  #last = 0;
  #measured = { length: Number.POSITIVE_INFINITY, last: 0 };

  /** @param committed the group's offset and metadata; an offset below 0 stands for none */
  constructor(committed: { offset: number; metadata?: string | null }) {
    this.#next = Math.max(0, committed.offset);
    this.#beyond = new Set(readRanges(committed.metadata ?? ''));
  }

  /** A copy, to note letters before Kafka has acknowledged them. */
  copy(): Progress {
    const copy = new Progress({ offset: this.#next });
    for (const offset of this.#beyond) copy.#beyond.add(offset);
    copy.#isGapless = this.#isGapless;
    copy.#last = this.#last;
    copy.#measured = this.#measured;
    return copy;
  }

  get next(): number {
    return this.#next;
  }

  has(offset: number): boolean {
    return offset < this.#next || this.#beyond.has(offset);
  }

  /**
   * Whether one more offset can still be remembered. Deflating all bits for each letter takes minutes,
   * so they are measured again only when the bits added since then could fill the metadata.
   */
  get hasRoom(): boolean {
    const { length, last } = this.#measured;
    if (length + (this.#last - last) / OFFSETS_A_CHARACTER < FULL) return true;
    const { metadata } = this;
    const bits = metadata.startsWith(PREFIX) ? bitsOf(this.#offsets()) : metadata;
    this.#measured = { length: bits.length, last: this.#last };
    return metadata.length < FULL;
  }

  /** Notes the next letter by offset, and whether it has been put back, now or before. */
  pass(offset: number, isDone: boolean): void {
    if (offset < this.#next) return;
    if (!isDone) this.#isGapless = false;
    else if (this.#isGapless) this.#advance(offset + 1);
    else this.#beyond.add(offset);
    if (isDone) this.#last = offset;
  }

  /** Notes that there are no more letters before `end`. */
  passEnd(end: number): void {
    if (this.#isGapless) this.#advance(end);
  }

  /** The letters beyond the offset, as text for the metadata of the commit. */
  get metadata(): string {
    const offsets = this.#offsets();
    const ranges = rangesOf(offsets);
    if (ranges.length === 0) return '';
    const list = ranges.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
    const text = PREFIX + list.join(',');
    return text.length < SHORT_METADATA ? text : bitsOf(offsets);
  }

  #offsets(): number[] {
    return [...this.#beyond].sort((a, b) => a - b);
  }

  #advance(next: number): void {
    if (next <= this.#next) return;
    this.#next = next;
    for (const offset of this.#beyond) if (offset < next) this.#beyond.delete(offset);
  }
}

function bitsOf(offsets: readonly number[]): string {
  const [first = 0, last = first] = [offsets[0], offsets.at(-1)];
  const bits = Buffer.alloc(Math.floor((last - first) / 8) + 1);
  for (const offset of offsets) {
    const place = offset - first;
    const byte = Math.floor(place / 8);
    bits[byte] = (bits[byte] ?? 0) | (1 << (place % 8));
  }
  return `${BITS_PREFIX}${first},${deflateRawSync(bits, { level: 9 }).toString('base64')}`;
}

function* readBits(text: string): Generator<number> {
  const [first = '', content = ''] = text.split(',');
  for (const [byte, value] of inflateRawSync(Buffer.from(content, 'base64')).entries()) {
    for (let bit = 0; bit < 8; bit += 1) {
      if (value & (1 << bit)) yield Number(first) + byte * 8 + bit;
    }
  }
}

function* readRanges(metadata: string): Generator<number> {
  if (metadata.startsWith(BITS_PREFIX)) yield* readBits(metadata.slice(BITS_PREFIX.length));
  if (!metadata.startsWith(PREFIX)) return;
  for (const range of metadata.slice(PREFIX.length).split(',')) {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    for (let offset = first; offset <= last; offset += 1) yield offset;
  }
}

function rangesOf(offsets: readonly number[]): Range[] {
  const ranges: { first: number; last: number }[] = [];
  for (const offset of offsets) {
    const current = ranges.at(-1);
    if (current && current.last + 1 === offset) current.last = offset;
    else ranges.push({ first: offset, last: offset });
  }
  return ranges;
}
