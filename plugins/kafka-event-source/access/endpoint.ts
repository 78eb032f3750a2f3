/** The options of AWS's clients for an endpoint of the user's own. */

/** Hosts on this machine: localhost, its numbers, and the names of containers, which have no dot. */
const ON_THIS_MACHINE = /^(?:[^.:]+|127(?:\.\d+){3}|\[::1\])$/;

/**
 * The address and the keys for a client. An endpoint on this machine takes any keys: it gets those of the
 * environment, else made-up ones, because the SDK may search for keys for minutes. A profile is not read
 * for it, since a profile may be missing or ask for a login.
 */
export function endpointOptions(endpoint: string | undefined) {
  if (endpoint === undefined) return {};
  const {
    AWS_ACCESS_KEY_ID: accessKeyId = '',
    AWS_SECRET_ACCESS_KEY: secretAccessKey = '',
    AWS_SESSION_TOKEN: sessionToken,
    AWS_PROFILE: profile,
  } = process.env;
  const isHere = ON_THIS_MACHINE.test(new URL(endpoint).hostname);
  if (!isHere && (accessKeyId || profile)) return { endpoint };
  const credentials = accessKeyId
    ? { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
    : { accessKeyId: 'local', secretAccessKey: 'local' };
  return { endpoint, credentials };
}
