/** How an SMS goes over the air: its encoding, and the messages that are paid for. */
export type Segments = { encoding: 'GSM-7' | 'UCS-2'; segments: number };

// GSM 03.38, basic table and extension; one of the extension takes two places.
// https://www.3gpp.org/ftp/Specs/archive/23_series/23.038/
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const EXTENSION = new Set('\f^{}\\[~]|€');

/** Places of a message that is alone, and of one that carries a header because it is a part. */
const PLACES = { 'GSM-7': { alone: 160, part: 153 }, 'UCS-2': { alone: 70, part: 67 } };

/** Counts as a phone network does: one character outside GSM-7 makes the whole text UCS-2. */
export function segmentsOf(text: string): Segments {
  const characters = [...text];
  const isGsm = characters.every((one) => BASIC.has(one) || EXTENSION.has(one));
  const encoding = isGsm ? 'GSM-7' : 'UCS-2';
  const sizes = characters.map((one) => (isGsm ? (EXTENSION.has(one) ? 2 : 1) : one.length));
  const { alone, part } = PLACES[encoding];
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return { encoding, segments: total <= alone ? 1 : partsOf(sizes, part) };
}

/** A character of two places is never cut in two: it begins the next part. */
function partsOf(sizes: number[], places: number): number {
  let parts = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > places) {
      parts += 1;
      used = 0;
    }
    used += size;
  }
  return parts;
}
