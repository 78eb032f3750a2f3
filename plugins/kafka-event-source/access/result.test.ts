import { expect, test } from '@jest/globals';
import { RESULTS, resultOf } from './result.ts';
import { CredentialError } from './secret.ts';

const connection = (code: string) =>
  Object.assign(new Error(`Connection error: ${code}`), { name: 'KafkaJSConnectionError', code });

test.each([
  [RESULTS.connection, connection('ECONNREFUSED')],
  [RESULTS.connection, connection('ENOTFOUND')],
  [RESULTS.connection, Object.assign(new Error('t'), { name: 'KafkaJSRequestTimeoutError' })],
  [RESULTS.distrusted, connection('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
  [RESULTS.distrusted, connection('SELF_SIGNED_CERT_IN_CHAIN')],
  [RESULTS.distrusted, connection('ERR_TLS_CERT_ALTNAME_INVALID')],
  [RESULTS.refused, connection('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')],
  [RESULTS.sasl, Object.assign(new Error('x'), { name: 'KafkaJSSASLAuthenticationError' })],
  [RESULTS.notAuthorized, Object.assign(new Error('x'), { type: 'GROUP_AUTHORIZATION_FAILED' })],
  [RESULTS.certificate, new CredentialError('x', { ofCertificate: true })],
])('the last result is: %s', (result, error) => {
  expect(resultOf(error)).toBe(result);
  expect(resultOf(new Error('after some tries', { cause: error }))).toBe(result);
});

test('an error without a message of AWS has no result', () => {
  expect(resultOf(new Error('something else'))).toBeUndefined();
  expect(resultOf('text')).toBeUndefined();
});
