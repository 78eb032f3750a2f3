import { type AppError, ERRORS } from '../errors.ts';

/**
 * The value of `WWW-Authenticate` that goes with a refused token (RFC 6750, section 3); undefined
 * for an error that another token would not solve.
 */
export function challengeOf({ code, message, details }: AppError): string | undefined {
  const attributes: Record<string, string> = { realm: 'orders' };
  if (code === 'SCOPE_MISSING') {
    attributes.error = 'insufficient_scope';
    if (details.scope) attributes.scope = details.scope;
  } else if (ERRORS[code].status !== 401) {
    return undefined;
  } else if (code !== 'TOKEN_MISSING') {
    attributes.error = 'invalid_token';
  }
  if (attributes.error) attributes.error_description = quotable(message);
  const pairs = Object.entries(attributes).map(([name, value]) => `${name}="${value}"`);
  return `Bearer ${pairs.join(', ')}`;
}

/** RFC 6750 takes printable ASCII without quotation marks and backslashes. */
function quotable(text: string): string {
  return text.replaceAll('"', "'").replace(/[^\x20-\x7e]|\\/g, '?');
}
