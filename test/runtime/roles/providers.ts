import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { startMoto } from '../../providers/moto.ts';
import { ACCOUNT, REGION } from './policy.ts';

/** SES, SNS and Secrets Manager for the bundles. */
export type Providers = { endpoint: string; secretArn: string; stop(): Promise<void> };

/**
 * Moto, where Python with venv is there; else answers of our own, in the same shapes, which take
 * everything. Which permissions are needed does not depend on it.
 *
 * @param domain the identity that is verified in SES
 */
export async function startProviders(domain: string, secret: object): Promise<Providers> {
  try {
    await promisify(execFile)('python3', ['-c', 'import ensurepip'], { timeout: 20_000 });
  } catch {
    process.stderr.write('No python3 with venv: SES, SNS and Secrets Manager are not moto here.\n');
    return startStandIn(secret);
  }
  const moto = await startMoto();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const settings = { region: REGION, endpoint: moto.endpoint, credentials };
  const [ses, secrets] = [new SESv2Client(settings), new SecretsManagerClient(settings)];
  await ses.send(new CreateEmailIdentityCommand({ EmailIdentity: domain }));
  const SecretString = JSON.stringify(secret);
  const { ARN = '' } = await secrets.send(new CreateSecretCommand({ Name: 'kafka', SecretString }));
  ses.destroy();
  secrets.destroy();
  return { endpoint: moto.endpoint, secretArn: ARN, stop: moto.stop };
}

async function startStandIn(secret: object): Promise<Providers> {
  const secretArn = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:kafka-AbCdEf`;
  const published =
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>' +
    '<MessageId>m-1</MessageId></PublishResult></PublishResponse>';
  const server = createServer((request, response) => {
    const { 'x-amz-target': target } = request.headers;
    const answer = async () => {
      const body = await text(request);
      if (body.startsWith('Action=') || body.includes('&Action=')) {
        return response.writeHead(200, { 'content-type': 'text/xml' }).end(published);
      }
      const secretValue = { ARN: secretArn, Name: 'kafka', SecretString: JSON.stringify(secret) };
      const json = target ? secretValue : { MessageId: 'e-1' };
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
      return response.end(JSON.stringify(json));
    };
    answer().catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = async () => {
    server.closeAllConnections();
    server.close();
  };
  return { endpoint, secretArn, stop };
}
