'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { checkKnown, knownOf } = require('./known.cjs');
const Refusal = require('./refusal.cjs');

/** The variables of the functions, by the names that `custom.stages` of serverless.yml has for them. */
const VARIABLES = {
  auth: 'AUTH',
  issuer: 'AUTH_ISSUER',
  audience: 'AUTH_AUDIENCE',
  jwksUrl: 'AUTH_JWKS_URL',
  jwks: 'AUTH_JWKS',
  gateway: 'AUTH_GATEWAY',
  scopePrefix: 'AUTH_SCOPE_PREFIX',
  customerClaim: 'AUTH_CUSTOMER_CLAIM',
  rolesClaim: 'AUTH_ROLES_CLAIM',
  operatorRole: 'AUTH_OPERATOR_ROLE',
  hashSecret: 'HASH_SECRET',
};

const PLACEHOLDERS = {
  AUTH_ISSUER: 'https://issuer.invalid',
  AUTH_AUDIENCE: 'audience.invalid',
  HASH_SECRET: 'hash-secret.invalid',
};

/** The ways of infra/auth.yml, and with or without its authorizers. The first of each is the safe one. */
const WAYS = { AUTH: ['jwt', 'off', 'local'], AUTH_GATEWAY: ['on', 'off'] };

const LAPTOPS_SECRET = 'for-this-laptop-alone';

/**
 * Who may call a stage.
 *
 * @throws Refusal for a way that there is not, and if the local issuer is asked for outside stage `local`
 */
function identityOf(stage, own, env, written) {
  const given = givenIdentity(stage, own, env, written);
  if (stage === 'local') return given;
  for (const [variable, value] of Object.entries(waysOf(own, env))) {
    checkKnown(variable, WAYS[variable], value);
  }
  if (given.AUTH !== 'local') return given;
  throw new Refusal(
    `AUTH=local is for stage local alone: its issuer runs on a laptop, and no gateway checks its tokens. ` +
      `For stage ${stage} take AUTH out of the environment, or set jwt and AUTH_ISSUER.`,
  );
}

/**
 * Who may call a stage. What `custom.stages` says of the stage wins over the environment, so that a
 * variable left in a shell opens no stage that has its callers written down.
 */
function givenIdentity(stage, own, env, written) {
  if (stage === 'local') return onLaptop(env, written);
  const set = valuesOf((name, variable) => own[name] || env[variable]);
  const { AUTH, AUTH_GATEWAY } = waysOf(own, env);
  const ways = {
    AUTH: knownOf(WAYS.AUTH, AUTH),
    AUTH_GATEWAY: knownOf(WAYS.AUTH_GATEWAY, AUTH_GATEWAY),
  };
  return { ...set, ...(ways.AUTH === 'jwt' && missing(set)), ...ways };
}

/** The values of both, as they are set. */
function waysOf(own, env) {
  return {
    AUTH: own.auth || (own.issuer && 'jwt') || env.AUTH || 'jwt',
    AUTH_GATEWAY: own.gateway || env.AUTH_GATEWAY || 'on',
  };
}

/** `written`: what `npm start` wrote for other terminals. The environment as a whole wins over it. */
function onLaptop(env, written) {
  const source = env.AUTH ? env : { ...env, ...written };
  const set = valuesOf((_, variable) => source[variable]);
  const common = { HASH_SECRET: env.HASH_SECRET || LAPTOPS_SECRET, AUTH_GATEWAY: 'off' };
  if (set.AUTH !== 'local') return { ...set, AUTH: set.AUTH || 'off', ...common };
  const nothing = valuesOf(() => '');
  return { ...nothing, AUTH: 'local', ...localIssuer(env, written), ...common };
}

/**
 * The issuer that `npm start` runs, and its audience. `AUTH_ISSUER` of the environment is used only if it is on
 * this machine: any other belongs to a deployment.
 */
function localIssuer(env, written) {
  const source = isOnThisMachine(env.AUTH_ISSUER) ? env : written;
  const { AUTH_ISSUER = '', AUTH_AUDIENCE = '' } = source;
  return { AUTH_ISSUER, AUTH_AUDIENCE };
}

function isOnThisMachine(issuer = '') {
  return /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(issuer);
}

function valuesOf(value) {
  const all = Object.entries(VARIABLES).map(([name, variable]) => [
    variable,
    value(name, variable) || '',
  ]);
  return Object.fromEntries(all);
}

function missing(set) {
  return Object.fromEntries(Object.entries(PLACEHOLDERS).filter(([variable]) => !set[variable]));
}

/** The file that `npm start` writes when its services answer; empty before. */
function writtenByStart(file = join(__dirname, '../.local/env.json')) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

// The framework shows an error of this function once for each variable, with its stack: plugins/deploy refuses.
module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('sls:stage');
  const stages = await resolveVariable('self:custom.stages');
  return givenIdentity(stage, stages[stage] ?? {}, process.env, writtenByStart());
};
module.exports.identityOf = identityOf;
module.exports.writtenByStart = writtenByStart;
module.exports.VARIABLES = Object.values(VARIABLES);
