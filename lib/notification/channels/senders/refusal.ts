import type { SendResult } from './sender.ts';

/** The known fields of the clients' errors and Node's. */
export type Problem = {
  name?: string;
  message?: string;
  code?: string;
  syscall?: string;
  errors?: Problem[];
  $metadata?: { httpStatusCode?: number };
};

/**
 * The result of a failed call. A refusal by the service is final if the error is one of `permanent`,
 * which concern this message or its recipient. All other refusals concern rates, accounts and rights,
 * and are retriable. If the request may have arrived without a known answer, the error is thrown.
 *
 * The reason is only the error's name: messages repeat addresses.
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

/** True if a request surely did not leave: no name, no connection, no trust, no credentials. */
function neverLeft({ name, message = '', code = '', syscall, errors = [] }: Problem): boolean {
  // One error for each address of a name that was tried.
  if (errors.length > 0) return errors.every(neverLeft);
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true;
  if (/^(CERT_|ERR_TLS_CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/.test(code)) return true;
  if (name === 'CredentialsProviderError') return true;
  return name === 'TimeoutError' && /did not establish a connection/.test(message);
}
