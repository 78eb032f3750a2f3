import * as z from 'zod';
import { type KeySet, keySetSchema } from '../key-set.ts';
import { isSafeAddress } from '../safe-address.ts';

const MAX_BYTES = 256 * 1024;

const safeAddress = z.string().refine(isSafeAddress, 'https, or http on this machine');
const metadataSchema = z.object({ issuer: z.string(), jwks_uri: safeAddress });

/**
 * Asks an issuer for its keys. Without the keys' address, the issuer's metadata is fetched first
 * (OpenID Connect Discovery 1.0). Both requests together end within `ms`.
 *
 * @throws Error saying which address gave no usable answer, and why
 */
export async function fetchKeys(
  { issuer, url }: { issuer: string; url?: string | undefined },
  ms: number,
): Promise<KeySet> {
  const signal = AbortSignal.timeout(ms);
  return read(url ?? (await keysAddress(issuer, signal)), keySetSchema, signal);
}

async function keysAddress(issuer: string, signal: AbortSignal): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const metadata = await read(address, metadataSchema, signal);
  if (metadata.issuer === issuer) return metadata.jwks_uri;
  throw new Error(`${address} is the metadata of ${metadata.issuer}, not of ${issuer}.`);
}

async function read<T>(address: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  try {
    const parsed = schema.safeParse(JSON.parse(await textAt(address, signal)));
    if (parsed.success) return parsed.data;
    throw new Error(z.prettifyError(parsed.error));
  } catch (error) {
    throw new Error(`${address}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Follows no redirect: it may lead to an address whose answers can be changed on their way. */
async function textAt(address: string, signal: AbortSignal): Promise<string> {
  const headers = { accept: 'application/json' };
  const response = await fetch(address, { signal, headers, redirect: 'manual' });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`it answers ${response.status}`);
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`its answer is longer than ${MAX_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** fetch says "fetch failed" and keeps the reason in its cause. */
function reasonOf(error: unknown): string {
  if (!Error.isError(error)) return String(error);
  if (error.name === 'TimeoutError') return 'it did not answer in time';
  return Error.isError(error.cause) ? error.cause.message || error.cause.name : error.message;
}
