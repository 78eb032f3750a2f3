/** Calls of `/api`, which the page's cookie opens. */

/** An answer that is an error, with the sentence to show. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** @throws ApiError with a sentence for the reader, also when the server does not answer */
export async function call<T>(
  path: string,
  { method = 'GET', body, signal }: Sent = {},
): Promise<T> {
  const response = await fetch(path, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The emulator does not answer. Is it still running?');
  });
  const answer = (await response.json().catch(() => undefined)) as Answered | undefined;
  if (response.ok) return answer as T;
  const message = answer?.error?.message ?? answer?.Message ?? `It answered ${response.status}.`;
  throw new ApiError(response.status, message);
}

interface Answered {
  readonly error?: { readonly message?: string };
  readonly Message?: string;
}

/** Asks for the sentence about the effect of a change. Nothing is changed. */
export async function dryRun(path: string, method: string, body: unknown): Promise<string> {
  const way = path.includes('?') ? '&' : '?';
  const { will } = await call<{ will: string }>(`${path}${way}dryRun=true`, { method, body });
  return will;
}
