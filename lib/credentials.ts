import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Replaces the SDK's chain of credential providers in the bundles: Lambda gives a function its
 * credentials in the environment, and loading the clients of SSO, STS and others takes time.
 */
export const defaultProvider = fromEnv;
