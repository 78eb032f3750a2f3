/** The options of AWS's clients for an endpoint of the user's own. */

/** The host is this machine, or a container beside it, whose name has no dot. */
const ON_THIS_MACHINE = /^(?:[^.:]+|127(?:\.\d+){3}|\[::1\])$/;

/**
 * Such an endpoint takes any key, and the SDK would search for one for minutes. One on this machine
 * is asked with the keys of the environment or any others, never with a profile, which may ask for a
 * login or be missing.
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
