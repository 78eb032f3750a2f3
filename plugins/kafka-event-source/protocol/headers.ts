/** Headers in the two forms that kafkajs knows of: a list, as they stand in the record, or an object. */
import type { IHeaders } from 'kafkajs';
import type { Header } from './decode.ts';

type HeaderValue = Buffer | string | null | undefined;

export type Headers = readonly Header[] | Readonly<Record<string, HeaderValue | HeaderValue[]>>;

/** Every header in its order. From an object, a repeated key's values stand together. */
export function listHeaders(headers: Headers): readonly { key: string; value: HeaderValue }[] {
  if (isList(headers)) return headers;
  return Object.entries(headers).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => ({ key, value: one })),
  );
}

function isList(headers: Headers): headers is readonly Header[] {
  return Array.isArray(headers);
}

/** A list of headers for this plugin's own producers, which write it in its order. */
export function orderedHeaders(headers: readonly Header[]): IHeaders {
  return headers as unknown as IHeaders;
}
