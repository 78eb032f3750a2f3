import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import { packageProd } from '../runtime/package.ts';
import { ROOT } from '../support/root.ts';

const open = Object.entries(OPERATIONS).flatMap(([route, { rule }]) =>
  rule === 'open' ? [route] : [],
);

type Resources = Awaited<ReturnType<typeof packageProd>>['resources'];

async function packaged(env: Record<string, string>): Promise<Resources> {
  const { resources, remove } = await packageProd(env);
  await remove();
  return resources;
}

const routesOf = (resources: Resources) =>
  Object.values(resources).flatMap(({ Type, Properties }) =>
    Type === 'AWS::ApiGatewayV2::Route' ? [Properties] : [],
  );

const authorizersOf = (resources: Resources) =>
  Object.values(resources).filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Authorizer');

test('the open routes of the gateway are the open operations', () => {
  const { openRoutes } = parse(readFileSync(join(ROOT, 'infra/auth.yml'), 'utf8'));
  expect(openRoutes.toSorted()).toEqual(open.toSorted());
});

test('with an issuer the gateway checks the token of every route but the open ones', async () => {
  const resources = await packaged({
    AUTH: 'jwt',
    AUTH_ISSUER: 'https://issuer.example/shop',
    AUTH_AUDIENCE: 'shop, machine',
  });
  expect(authorizersOf(resources)).toEqual([
    expect.objectContaining({
      Properties: expect.objectContaining({
        AuthorizerType: 'JWT',
        IdentitySource: ['$request.header.Authorization'],
        JwtConfiguration: { Issuer: 'https://issuer.example/shop', Audience: ['shop', 'machine'] },
      }),
    }),
  ]);
  const routes = routesOf(resources);
  const guarded = [...Object.keys(OPERATIONS).filter((route) => !open.includes(route)), '$default'];
  const keysOf = (type: string | undefined) =>
    routes.flatMap(({ RouteKey, AuthorizationType }) =>
      AuthorizationType === type ? [RouteKey] : [],
    );
  expect(keysOf('JWT').toSorted()).toEqual(guarded.toSorted());
  expect(keysOf(undefined).toSorted()).toEqual([...open, 'OPTIONS /{proxy+}'].toSorted());
  for (const { AuthorizationType, AuthorizerId, AuthorizationScopes } of routes) {
    if (AuthorizationType) expect(AuthorizerId).toEqual({ Ref: 'HttpApiAuthorizerTokens' });
    expect(AuthorizationScopes).toBeUndefined();
  }
}, 120_000);

test.each<Record<string, string>>([{ AUTH: 'off' }, { AUTH: 'jwt', AUTH_GATEWAY: 'off' }])(
  'with %j the gateway checks nothing',
  async (env) => {
    const resources = await packaged(env);
    expect(authorizersOf(resources)).toEqual([]);
    const routes = routesOf(resources);
    expect(routes.map(({ RouteKey }) => RouteKey).toSorted()).toEqual(
      [...Object.keys(OPERATIONS), '$default'].toSorted(),
    );
    expect(routes.every(({ AuthorizationType }) => AuthorizationType === undefined)).toBe(true);
  },
  120_000,
);
