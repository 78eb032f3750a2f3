/** An answer without the parts that differ from call to call: ids, times, latencies, counts of a run. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'string') return plainText(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      VARYING.has(key) && typeof inner !== 'boolean' ? '<n>' : plain(inner),
    ]),
  );
}

/** Counts are those of a run: offline an earlier one may have left nothing to do. */
const VARYING = new Set([
  'content-length',
  'handled',
  'latencyMs',
  'oldestPendingEventSeconds',
  'orders',
  'published',
]);

function plainText(text: string): unknown {
  if (/^[[{]/.test(text)) return plain(JSON.parse(text));
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>');
}
