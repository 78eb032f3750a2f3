import type { SendResult } from './sender.ts';

/** What the clients' errors and Node's have, as far as they are known. */
export type Problem = {
  name?: string;
  message?: string;
  code?: string;
  syscall?: string;
  errors?: Problem[];
  $metadata?: { httpStatusCode?: number };
};

/**
 * What a failed call means. The service said no: for good when the error is one of `permanent`, which
 * are about this message or its recipient; everything else is about rates, accounts and rights, and
 * passes. Where the request may have arrived and no answer of the service is known, it is thrown.
 *
 * The reason is the error's name alone: messages repeat addresses.
 */
export function refusalOf(
  provider: string,
  error: unknown,
  permanent: (problem: Problem) => boolean,
): SendResult {
  const problem: Problem = Object(error);
  const { httpStatusCode: status } = problem.$metadata ?? {};
  const reason = `${provider}: ${problem.code ?? problem.name}`;
  if (status === undefined && neverLeft(problem))
    return { success: false, retriable: true, reason };
  if (status === undefined || !isAnswer(status)) throw error;
  return { success: false, retriable: status >= 500 || !permanent(problem), reason };
}

/** 502 and 504 come from something between: the service's own answer is lost. */
function isAnswer(status: number): boolean {
  return (status >= 400 && status < 500 && status !== 408) || status === 500 || status === 503;
}

/** Whether a request surely did not leave: no name, no connection, no trust, no credentials. */
function neverLeft({ name, message = '', code = '', syscall, errors = [] }: Problem): boolean {
  // One error for each address of a name that was tried.
  if (errors.length > 0) return errors.every(neverLeft);
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true;
  if (/^(CERT_|ERR_TLS_CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/.test(code)) return true;
  if (name === 'CredentialsProviderError') return true;
  return name === 'TimeoutError' && /did not establish a connection/.test(message);
}
