import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Stands in for the SDK's chain of credential providers in the bundles: Lambda gives a function's
 * credentials in its environment, and the clients of SSO, STS and the like are a hundred kilobytes.
 */
export const defaultProvider = fromEnv;
