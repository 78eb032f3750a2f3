type Environment = Record<string, unknown>;

type Keys = { accessKeyId: string; secretAccessKey: string };

/** As much of the framework's provider of AWS as gives credentials. */
export type AwsProvider = { getAwsSdkV3CredentialsProvider(): () => Promise<Keys> };

/**
 * Lets a stage whose environment has keys of its own run its functions with these: the framework would
 * ask the terminal's profile first, which may want a login, a code, or not be there.
 */
export function useKeysOf(environment: Environment | undefined, provider: AwsProvider): void {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } =
    environment ?? {};
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return;
  provider.getAwsSdkV3CredentialsProvider = () => async () => ({ accessKeyId, secretAccessKey });
}
