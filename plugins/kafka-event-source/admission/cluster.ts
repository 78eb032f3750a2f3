/** The ARN of an Amazon MSK cluster: as it is deployed, and the one that a function gets here. */
import type { Deployed } from '../template/deployed.ts';
import type { Shape } from './shape.ts';

/** Whether the value is a text, and names an Amazon MSK cluster. */
export function isClusterArn(arn: unknown): arn is string {
  return typeof arn === 'string' && /^arn:[^:]+:kafka:[^:]*:[^:]*:cluster\/./.test(arn);
}

/** The reason why AWS refuses the ARN of an msk mapping; undefined for an ARN of a cluster, or an unknown one. */
export function clusterFault(
  { kind }: Deployed,
  { EventSourceArn: arn }: Shape,
): string | undefined {
  if (kind !== 'msk' || typeof arn !== 'string' || isClusterArn(arn)) return undefined;
  return (
    `EventSourceArn "${arn}" is not the ARN of an Amazon MSK cluster ` +
    '(arn:aws:kafka:<region>:<account>:cluster/<name>/<uuid>).'
  );
}

/**
 * A cluster's name for an ARN that only AWS knows. Handlers split the ARN, so the name is never empty:
 * the text between `cluster/` and the next slash, else the first name in the value, else "local".
 */
export function localClusterName(arn: unknown): string {
  const texts = textsIn(arn);
  const named = texts.map((text) => /cluster\/([^/:]+)/.exec(text)?.[1] ?? '');
  const words = [...named, ...texts].map((text) => /[A-Za-z0-9][\w-]*/.exec(text)?.[0]);
  return words.find((word) => word !== undefined) ?? 'local';
}

function textsIn(value: unknown): string[] {
  // The name of a dynamic reference, `{{resolve:ssm:/msk/arn}}`, begins behind its service.
  if (typeof value === 'string') return [value.replace(/\{\{resolve:[\w-]*:/g, '')];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
