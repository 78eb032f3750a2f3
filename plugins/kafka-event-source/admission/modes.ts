/** Refuses settings that the mapping's mode does not have, and wrong destinations, as AWS does. */
import { isDeepStrictEqual } from 'node:util';
import { constraint } from '../settings/rules.ts';
import { KAFKA_DESTINATION, settingRows } from '../settings/settings.ts';
import type { Deployed } from '../template/deployed.ts';
import { isIntrinsic } from '../template/intrinsic.ts';
import { cannotRun, invalid, paraphrased, type Refusal, validation } from './refusal.ts';
import { clusterConfig, isProvisioned, type Shape } from './shape.ts';

const MIN_RECORD_AGE_SECONDS = 60;
const PROVISION =
  'set MinimumPollers in ProvisionedPollerConfig, which is provisionedPollers: { min: 1 } on an event';
const QUEUE =
  'ConsumptionMode Queue is not emulated: it reads share groups (Kafka 4.2 and later, with share.version ' +
  'enabled), which no Kafka client for JavaScript reads, and AWS has published neither the event of a ' +
  'queue nor the effect of a failed batch.';

export function refuseModes(properties: Shape, { kind }: Deployed): Refusal[] {
  const found: Refusal[] = [];
  const { MinimumPollers: min = 1, MaximumPollers: max = 200 } = properties.ProvisionedPollerConfig;
  if (min > max)
    found.push(paraphrased(`MinimumPollers ${min} is more than MaximumPollers ${max}.`));
  if (properties.ProvisionedPollerConfig.PollerGroupName && !isProvisioned(properties)) {
    found.push(paraphrased('PollerGroupName needs MinimumPollers or MaximumPollers.'));
  }
  const age = properties.MaximumRecordAgeInSeconds;
  if (age !== -1 && age < MIN_RECORD_AGE_SECONDS) {
    found.push(paraphrased(`MaximumRecordAgeInSeconds is ${age}; it must be -1, or 60 to 604800.`));
  }
  if (clusterConfig(properties).ConsumptionMode === 'Queue') {
    found.push(
      kind === 'msk'
        ? paraphrased('ConsumptionMode Queue is for self-managed clusters.')
        : cannotRun(QUEUE),
    );
  }
  if (isProvisioned(properties)) return found;
  const others = settingRows().filter(([name, row]) => row.isProvisionedOnly(properties[name]));
  for (const [name] of others) {
    found.push(paraphrased(`${name} is for provisioned mode: ${PROVISION}.`));
  }
  if ((properties.MetricsConfig?.Metrics ?? []).length > 0) {
    found.push(
      invalid(
        'MetricsConfig is only available for Provisioned Mode. To configure MetricsConfig, please ' +
          'enable Provisioned Mode by specifying MinimumPollers in ProvisionedPollerConfig.',
      ),
    );
  }
  return found;
}

/** AWS's pattern, of its service model. */
export const DESTINATION_PATTERN =
  '$|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:' +
  '([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)';
/** The topic in that pattern. It may have one character, which one of `Topics` may not. */
const TOPIC_OF_DESTINATION = /^[^.][a-zA-Z0-9\-_.]{0,248}$/;
const NOT_A_DESTINATION = `Member must satisfy regular expression pattern: ${DESTINATION_PATTERN}`;
const MAX_DESTINATION = 350;
const DESTINATION_SERVICES: readonly unknown[] = ['sqs', 'sns', 's3'];
/** The name of a queue, a topic or a bucket. Paths in buckets, access points and subscriptions have other characters. */
const NAME = /^[\w.-]+$/;

export function refuseDestination(properties: Shape): Refusal[] {
  const { OnFailure, OnSuccess } = properties.DestinationConfig;
  if (OnSuccess !== undefined && !isDeepStrictEqual(OnSuccess, {})) {
    return [
      invalid('Unsupported DestinationConfig parameter for given event source mapping type.'),
    ];
  }
  const to = OnFailure?.Destination;
  // Only CloudFormation knows the value of an intrinsic function: definition.ts refuses such a destination.
  if (to === undefined || to === '' || isIntrinsic(to)) return [];
  if (typeof to !== 'string') {
    return [paraphrased(`The on-failure destination ${JSON.stringify(to)} is not a text.`)];
  }
  if (to.length > MAX_DESTINATION) {
    return [unfit(to, `Member must have length less than or equal to ${MAX_DESTINATION}`)];
  }
  if (to.startsWith(KAFKA_DESTINATION))
    return refuseTopic(to.slice(KAFKA_DESTINATION.length), properties);
  const [arn, , service, , , ...name] = to.split(':');
  if (arn !== 'arn') return [unfit(to, NOT_A_DESTINATION)];
  if (!DESTINATION_SERVICES.includes(service) || !NAME.test(name.join(':'))) {
    return [
      paraphrased(
        `The on-failure destination ${to} is neither the ARN of a queue, a topic or a bucket, nor kafka://topic.`,
      ),
    ];
  }
  return to.endsWith('.fifo')
    ? [
        paraphrased(
          `The on-failure destination ${to} is FIFO; only standard queues and topics are possible.`,
        ),
      ]
    : [];
}

function unfit(to: string, rule: string): Refusal {
  return validation(constraint('destinationConfig.onFailure.destination', to, rule));
}

function refuseTopic(topic: string, properties: Shape): Refusal[] {
  const found: Refusal[] = [];
  if (!TOPIC_OF_DESTINATION.test(topic)) {
    found.push(unfit(`${KAFKA_DESTINATION}${topic}`, NOT_A_DESTINATION));
  }
  if (properties.Topics.includes(topic)) {
    found.push(
      paraphrased(`The on-failure destination is the source topic, ${topic}; it must be another.`),
    );
  }
  if (!isProvisioned(properties)) {
    found.push(
      paraphrased(`A Kafka topic as on-failure destination is for provisioned mode: ${PROVISION}.`),
    );
  }
  return found;
}
