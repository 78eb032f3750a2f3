import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { endpointOptions } from './endpoint.ts';

const NAMES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'];
const kept = { ...process.env };
const restore = () => {
  for (const name of NAMES) delete process.env[name];
};

beforeEach(restore);
afterEach(() => {
  restore();
  for (const name of NAMES) if (kept[name] !== undefined) process.env[name] = kept[name];
});

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret' };
const own = { accessKeyId: 'AKIA', secretAccessKey: 'secret' };
const local = { accessKeyId: 'local', secretAccessKey: 'local' };

test.each([
  ['http://localhost:4566', {}, local],
  ['http://localhost:4566', { AWS_PROFILE: 'sso' }, local],
  ['http://127.0.0.1:4566', { AWS_PROFILE: 'sso' }, local],
  ['http://[::1]:4566', { AWS_PROFILE: 'sso' }, local],
  ['http://localstack:4566', { AWS_PROFILE: 'sso' }, local],
  ['http://localhost:4566', { ...KEYS, AWS_PROFILE: 'sso' }, own],
  [
    'http://localhost:4566',
    { ...KEYS, AWS_SESSION_TOKEN: 'token' },
    { ...own, sessionToken: 'token' },
  ],
  ['http://[2001:db8::1]:4566', { AWS_PROFILE: 'sso' }, undefined],
  ['https://sqs.example.com', {}, local],
  ['https://sqs.example.com', { AWS_PROFILE: 'sso' }, undefined],
  ['https://sqs.example.com', KEYS, undefined],
])('%s with %j is asked with %j', (endpoint, environment, credentials) => {
  Object.assign(process.env, environment);
  expect(endpointOptions(endpoint)).toEqual({ endpoint, ...(credentials && { credentials }) });
});

test("without an endpoint the SDK's own is used, with the SDK's credentials", () => {
  expect(endpointOptions(undefined)).toEqual({});
});
