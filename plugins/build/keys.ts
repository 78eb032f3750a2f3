type Environment = Record<string, unknown>;

type Keys = { accessKeyId: string; secretAccessKey: string };

/** The part of the framework's AWS provider that gives credentials. */
export type AwsProvider = { getAwsSdkV3CredentialsProvider(): () => Promise<Keys> };

/**
 * Runs a stage's functions with the keys of its own environment, if it has any. The framework would
 * use the terminal's profile first, which may ask for a login or a code, or may be missing.
 */
export function useKeysOf(environment: Environment | undefined, provider: AwsProvider): void {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } =
    environment ?? {};
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return;
  provider.getAwsSdkV3CredentialsProvider = () => async () => ({ accessKeyId, secretAccessKey });
}
