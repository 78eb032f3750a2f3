/** A record's bytes as text, JSON and hex. Each of them is text for the page, never markup. */

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
}

/** The bytes as UTF-8; undefined if they are not. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The JSON with two spaces of indentation; undefined if the text is none. Long numbers stay as they are written. */
export function prettyJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return indented(text).replace(NUMBERS, (list) =>
    list.replace(/\s+/g, ' ').replace(/^\[ | \]$/g, (end) => end.trim()),
  );
}

/** A list of numbers alone, such as the bytes of a header, is one line. Within a text JSON has no line feed. */
const NUMBERS = /\[\n\s+-?\d+(?:,\n\s+-?\d+)*\n\s*\]/g;

const OPEN = '{[';
const CLOSE = '}]';

/** Sets valid JSON in lines without reading its numbers: 12345678901234567890 must not become ...8000. */
function indented(text: string): string {
  const parts: string[] = [];
  let [last, depth] = ['', 0];
  const line = () => `\n${'  '.repeat(depth)}`;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs)) {
    if (OPEN.includes(token)) {
      depth += 1;
      parts.push(token, line());
    } else if (CLOSE.includes(token)) {
      depth -= 1;
      // An empty object or list stays on one line: the line break after its opening goes.
      if (OPEN.includes(last)) parts.pop();
      else parts.push(line());
      parts.push(token);
    } else if (token === ',') parts.push(token, line());
    else parts.push(token === ':' ? ': ' : token);
    last = token;
  }
  return parts.join('');
}

const ROW = 16;

/** Lines of 16 bytes: the place, the bytes, and the printable ones as ASCII. */
export function hexOf(bytes: Uint8Array, most = 64 * 1024): string {
  const lines: string[] = [];
  for (let place = 0; place < Math.min(bytes.length, most); place += ROW) {
    const row = [...bytes.subarray(place, Math.min(place + ROW, most))];
    const hex = row.map((one) => one.toString(16).padStart(2, '0'));
    const left = hex.slice(0, 8).join(' ').padEnd(23);
    const right = hex.slice(8).join(' ').padEnd(23);
    const ascii = row.map((one) => (one >= 0x20 && one < 0x7f ? String.fromCharCode(one) : '.'));
    lines.push(`${place.toString(16).padStart(8, '0')}  ${left}  ${right}  ${ascii.join('')}`);
  }
  if (bytes.length > most) lines.push(`… and ${bytes.length - most} more bytes`);
  return lines.join('\n');
}
