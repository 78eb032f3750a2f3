/** Tokens for MSK's IAM authentication, signed by AWS's own library. */
import { CredentialError } from './secret.ts';

/** A token for one connection. Before its session ends, kafkajs asks for another token. */
export async function iamToken(region: string): Promise<{ value: string }> {
  const { generateAuthToken } = await loadSigner();
  try {
    const { token } = await generateAuthToken({ region });
    return { value: token };
  } catch (cause) {
    const { name, message } = cause as Error;
    throw new CredentialError(
      `no IAM token for MSK in ${region}: ${name}: ${message}. Give this process AWS credentials ` +
        'with kafka-cluster:Connect, or set another connection for the mapping.',
      { cause },
    );
  }
}

async function loadSigner() {
  try {
    return await import('aws-msk-iam-sasl-signer-js');
  } catch (cause) {
    throw new CredentialError(
      "MSK's IAM authentication needs aws-msk-iam-sasl-signer-js. Install it, or set another " +
        'connection for the mapping.',
      { cause },
    );
  }
}
