/** Warnings about settings that AWS accepts, or may accept. */
import type { Deployed } from '../template/deployed.ts';
import { type Shape, serversOf } from './shape.ts';

const SERVER =
  /^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]):[0-9]{1,5}$/;
export const VPC_TYPES = ['VPC_SUBNET', 'VPC_SECURITY_GROUP'] as const;
export const MSK_ACCESS: readonly string[] = ['SASL_SCRAM_512_AUTH', 'CLIENT_CERTIFICATE_TLS_AUTH'];

/** A warning for each setting that differs from AWS's documentation. */
export function warningsOf(
  { SourceAccessConfigurations: access, ...properties }: Shape,
  { kind }: Deployed,
): string[] {
  const found: string[] = [];
  const servers = serversOf(properties);
  const wrong = servers?.filter((one) => typeof one === 'string' && !SERVER.test(one)) ?? [];
  if (wrong.length > 0) {
    found.push(
      `AWS takes bootstrap servers as a list of host:port, and refuses ${JSON.stringify(wrong)}. ` +
        'The mapping starts here, because other servers may be polled.',
    );
  }
  const types = new Set(access.map(({ Type }) => Type));
  const [subnet, group] = VPC_TYPES.map((type) => types.has(type));
  if (subnet !== group)
    found.push('AWS documents VPC_SUBNET and VPC_SECURITY_GROUP only together.');
  const odd = [...types].filter((type) => kind === 'msk' && !MSK_ACCESS.includes(type));
  if (odd.length > 0) found.push(`AWS documents no ${odd.join(', ')} for Amazon MSK.`);
  return found;
}
