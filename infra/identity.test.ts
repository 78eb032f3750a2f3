import { expect, test } from '@jest/globals';
import { identityOf, VARIABLES } from './identity.cjs';

const jwt = { auth: 'jwt', issuer: 'https://issuer.example', audience: 'orders' };
const running = {
  AUTH: 'local',
  AUTH_ISSUER: 'http://127.0.0.1:3005',
  AUTH_AUDIENCE: 'orders',
};
const deployment = {
  AUTH_ISSUER: 'https://issuer.example',
  AUTH_AUDIENCE: 'shop',
  AUTH_JWKS_URL: 'https://issuer.example/keys',
  AUTH_JWKS: '{"keys":[]}',
  AUTH_SCOPE_PREFIX: 'orders/',
  AUTH_CUSTOMER_CLAIM: 'customer',
  AUTH_GATEWAY: 'on',
};

test("a stage's own settings win over variables left in the shell", () => {
  const { auth: _, ...silent } = jwt;
  for (const [AUTH, own] of [
    ['off', jwt],
    ['local', jwt],
    ['off', silent], // with an issuer, tokens are meant
  ] as const) {
    const env = { AUTH, AUTH_ISSUER: 'https://other.example', AUTH_GATEWAY: 'off' };
    expect(identityOf('prod', { ...own, gateway: 'on' }, env, running)).toMatchObject({
      AUTH: 'jwt',
      AUTH_ISSUER: 'https://issuer.example',
      AUTH_AUDIENCE: 'orders',
      AUTH_GATEWAY: 'on',
    });
  }
});

test('a stage is open only where the stage or the environment says so', () => {
  expect(identityOf('prod', {}, {}, running)).toMatchObject({
    AUTH: 'jwt',
    AUTH_ISSUER: 'https://issuer.invalid',
    HASH_SECRET: 'hash-secret.invalid',
  });
  expect(identityOf('prod', {}, { AUTH: '' }, {}).AUTH).toBe('jwt');
  expect(identityOf('prod', {}, { AUTH: 'off' }, {})).toMatchObject({
    AUTH: 'off',
    AUTH_ISSUER: '',
  });
  expect(identityOf('prod', { auth: 'off' }, { AUTH: 'jwt' }, {}).AUTH).toBe('off');
});

test.each([
  ['AUTH', 'on', 'jwt, off, local'],
  ['AUTH', 'OFF', 'jwt, off, local'],
  ['AUTH_GATEWAY', 'yes', 'on, off'],
])('%s=%s is refused with the values that it may have', (variable, value, known) => {
  const message = `${variable} is "${value}". Set it to one of ${known}.`;
  expect(() => identityOf('prod', {}, { [variable]: value }, {})).toThrow(message);
  const name = variable === 'AUTH' ? 'auth' : 'gateway';
  expect(() => identityOf('prod', { [name]: value }, {}, {})).toThrow(message);
});

test('AUTH=local is refused for every stage but local', () => {
  for (const stage of ['prod', 'pr-12']) {
    expect(() => identityOf(stage, {}, { AUTH: 'local' }, running)).toThrow(/stage local alone/);
    expect(() => identityOf(stage, { auth: 'local' }, {}, {})).toThrow(/stage local alone/);
  }
});

test('a laptop has what npm start wrote, unless the environment says who may call', () => {
  expect(identityOf('local', {}, {}, {})).toMatchObject({ AUTH: 'off', AUTH_ISSUER: '' });
  expect(identityOf('local', {}, {}, running)).toMatchObject(running);
  expect(identityOf('local', {}, { AUTH: 'off' }, running)).toMatchObject({
    AUTH: 'off',
    AUTH_ISSUER: '',
  });
  const own = { AUTH: 'jwt', AUTH_ISSUER: 'https://issuer.example', AUTH_SCOPE_PREFIX: 'a/' };
  expect(identityOf('local', {}, own, running)).toMatchObject(own);
  expect(identityOf('local', {}, {}, own)).toMatchObject(own);
});

test('with AUTH=local no variable of a deployment counts', () => {
  const plain = identityOf('local', {}, {}, running);
  expect(identityOf('local', {}, deployment, running)).toEqual(plain);
  expect(identityOf('local', {}, { ...deployment, AUTH: 'local' }, running)).toEqual(plain);
  // npm start gives the address of its issuer to the functions before the file is written.
  expect(identityOf('local', {}, { ...deployment, ...running }, {})).toEqual(plain);
  expect(Object.keys(plain).toSorted()).toEqual(VARIABLES.toSorted());
});
