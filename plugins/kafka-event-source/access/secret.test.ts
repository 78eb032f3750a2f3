import { expect, test } from '@jest/globals';
import { createSecretReader } from './secret.ts';

const uri = 'arn:aws:secretsmanager:us-east-1:111111111111:secret:kafka';

async function messageOf(...bootstrapServers: string[]): Promise<string> {
  const read = createSecretReader({
    bootstrapServers,
    connection: { useDeployedAccess: true, secrets: {} },
    // Port 9 answers nobody.
    endpoints: { region: 'us-east-1', secretsManager: 'http://127.0.0.1:9' },
  });
  const error = await read(uri).then(
    () => undefined,
    (found: Error) => found,
  );
  return error?.message ?? 'no error';
}

test.each([[['localhost:9092']], [['127.0.0.1:9092', '[::1]:9093']]])(
  'without its secret, a mapping of the servers %j on this machine names bootstrapServers',
  async (servers) => {
    expect(await messageOf(...servers)).toMatch(
      new RegExp(
        `set custom\\.kafkaEventSource\\.bootstrapServers to ${RegExp.escape(servers.join(','))}\\. Or set a file`,
      ),
    );
  },
);

test('without its secret, a mapping of other servers names the secrets', async () => {
  const message = await messageOf('localhost:9092', 'b-1.example.com:9096');
  expect(message).toMatch(/Create it there\. Or set a file or a variable for it under custom\./);
  expect(message).not.toContain('bootstrapServers');
});
