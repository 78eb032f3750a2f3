import { expect, test } from '@jest/globals';
import type { SignIn } from '../config.ts';
import { AppError } from '../errors.ts';
import { iamToken, securityOf } from './sign-in.ts';

const secretArn = 'arn:aws:secretsmanager:eu-west-1:1:secret:kafka';
const of = (way: 'scram' | 'mtls'): SignIn => ({ way, region: 'eu-west-1', secretArn });

test('a plain broker is asked without TLS, and no secret is read', async () => {
  const read = () => Promise.reject(new Error('read'));
  expect(await securityOf({ way: 'none' }, read)).toEqual({});
  expect(await securityOf({ way: 'iam', region: 'eu-west-1' }, read)).toMatchObject({
    ssl: true,
    sasl: { mechanism: 'oauthbearer' },
  });
});

test.each([
  ['scram', 'no json', 'not JSON'],
  ['scram', '{"username":"u","passwort":"hush"}', 'password'],
  ['mtls', '{"certificate":"hush"}', 'privateKey'],
] as const)(
  'a secret for %s that cannot be used names what it lacks: %s',
  async (way, text, lack) => {
    const error = await securityOf(of(way), async () => text).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'KAFKA_AWAY', retriable: true });
    expect(String(error)).toContain(lack);
    expect(String(error)).toContain(secretArn);
    expect(JSON.stringify(error) + String(error)).not.toContain('hush');
  },
);

// https://github.com/aws/aws-msk-iam-auth#details: a signed address in base64url, made offline.
test("the token is AWS's signed address of kafka-cluster:Connect in the region", async () => {
  const { value } = await iamToken('eu-central-1');
  expect(value).toMatch(/^[A-Za-z0-9_-]+$/);
  const url = new URL(Buffer.from(value, 'base64url').toString());
  expect(url.origin).toBe('https://kafka.eu-central-1.amazonaws.com');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    Action: 'kafka-cluster:Connect',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': expect.stringMatching(
      /^[^/]+\/\d{8}\/eu-central-1\/kafka-cluster\/aws4_request$/,
    ),
    'X-Amz-Expires': '900',
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});
