import { createAwsCaller, oneTry } from './aws.ts';
import { segmentsOf } from './segments.ts';
import type { Sender, SmsMessage } from './sender.ts';

/** More segments mean a mistake in a template, and each segment costs. */
const MAX_SEGMENTS = 6;

const PERMANENT = new Set([
  'InvalidParameter',
  'InvalidParameterException',
  'InvalidParameterValue',
  'InvalidParameterValueException',
  'OptedOut',
  'OptedOutException',
  'ValidationError',
  'ValidationException',
]);

/** SMS by SNS. @param endpoint only where it is not AWS's own */
export function createSnsSender(options: {
  region: string;
  senderId?: string | undefined;
  endpoint?: string;
}): Sender<SmsMessage> {
  const { region, senderId, endpoint } = options;
  const load = async () => {
    const { PublishCommand, SNSClient } = await import('@aws-sdk/client-sns');
    return { client: new SNSClient({ region, endpoint, ...oneTry() }), PublishCommand };
  };
  const ask = createAwsCaller('sns', load, ({ name = '' }) => PERMANENT.has(name));
  const attributes = {
    'AWS.SNS.SMS.SMSType': { DataType: 'String', StringValue: 'Transactional' },
    ...(senderId && { 'AWS.SNS.SMS.SenderID': { DataType: 'String', StringValue: senderId } }),
  };
  return {
    name: 'sns',
    async send({ to, text }, signal) {
      const { encoding, segments } = segmentsOf(text);
      if (segments > MAX_SEGMENTS) {
        const reason = `sns: ${segments} segments of ${encoding}, at most ${MAX_SEGMENTS} are sent`;
        return { success: false, retriable: false, reason };
      }
      const sms = { PhoneNumber: to, Message: text, MessageAttributes: attributes };
      const result = await ask(({ client, PublishCommand }) =>
        client.send(new PublishCommand(sms), { abortSignal: signal }),
      );
      return result.success ? { ...result, segments } : result;
    },
  };
}
