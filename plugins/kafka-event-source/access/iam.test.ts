import { expect, test } from '@jest/globals';
import { iamToken } from './iam.ts';

// https://github.com/aws/aws-msk-iam-auth#details: a signed address in base64url, made offline.
test("the token is AWS's signed address of kafka-cluster:Connect in the region", async () => {
  const { value } = await iamToken('eu-central-1');
  expect(value).toMatch(/^[A-Za-z0-9_-]+$/);
  const url = new URL(Buffer.from(value, 'base64url').toString());
  expect(url.origin).toBe('https://kafka.eu-central-1.amazonaws.com');
  const query = Object.fromEntries(url.searchParams);
  expect(query).toMatchObject({
    Action: 'kafka-cluster:Connect',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Expires': '900',
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(query['X-Amz-Credential']).toMatch(
    /^local\/\d{8}\/eu-central-1\/kafka-cluster\/aws4_request$/,
  );
  expect(query).toHaveProperty('User-Agent');
});
