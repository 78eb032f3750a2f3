import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { handler as notFound } from '../../functions/notFound/handler.ts';
import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import { packageProd } from '../runtime/package.ts';
import { call } from '../support/http.ts';
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

const corsOf = ({ HttpApi }: Resources) => HttpApi?.Properties.CorsConfiguration;

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
  expect(corsOf(resources)).toEqual(await functionsCors());
}, 120_000);

/** The functions' own headers, except that the gateway allows the methods of all addresses at each address. */
async function functionsCors() {
  const { headers } = await call(notFound, { method: 'OPTIONS', path: '/api/orders' });
  const listIn = (name: string) => headers[`access-control-${name}`]?.split(', ');
  return {
    AllowOrigins: listIn('allow-origin'),
    AllowHeaders: listIn('allow-headers'),
    ExposeHeaders: listIn('expose-headers'),
    MaxAge: Number(headers['access-control-max-age']),
    AllowMethods: expect.arrayContaining(['GET', 'POST', 'PUT', 'OPTIONS']),
  };
}

test.each<Record<string, string>>([{ AUTH: 'off' }, { AUTH: 'jwt', AUTH_GATEWAY: 'off' }])(
  'with %j the gateway checks nothing and adds no headers',
  async (env) => {
    const resources = await packaged(env);
    expect([authorizersOf(resources), corsOf(resources)]).toEqual([[], undefined]);
    const routes = routesOf(resources);
    expect(routes.map(({ RouteKey }) => RouteKey).toSorted()).toEqual(
      [...Object.keys(OPERATIONS), '$default'].toSorted(),
    );
    expect(routes.every(({ AuthorizationType }) => AuthorizationType === undefined)).toBe(true);
  },
  120_000,
);
