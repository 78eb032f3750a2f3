/** Headers in their two forms: a list in the record's order, or an object as in kafkajs' types. */
import type { IHeaders } from 'kafkajs';
import type { Header } from './decode.ts';

type HeaderValue = Buffer | string | null | undefined;

export type Headers = readonly Header[] | Readonly<Record<string, HeaderValue | HeaderValue[]>>;

/** All headers as a list. In a list made of an object, the values of a repeated key stand together. */
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
