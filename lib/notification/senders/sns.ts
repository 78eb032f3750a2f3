import type { SNSClient } from '@aws-sdk/client-sns';
import { traceClient } from '../../tracer.ts';
import type { Sender, SmsMessage } from '../channels.ts';
import { ONE_TRY, refusalOf } from './refusal.ts';
import { segmentsOf } from './segments.ts';

/** More is a mistake in a template, and costs as much as it has parts. */
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

/** SMS by SNS, by Lambda's own client. @param endpoint only where it is not AWS's own */
export function createSnsSender(options: {
  region: string;
  senderId?: string | undefined;
  endpoint?: string;
}): Sender<SmsMessage> {
  const { region, senderId, endpoint } = options;
  let client: SNSClient | undefined;
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
        return { success: false, passing: false, reason };
      }
      const sms = { PhoneNumber: to, Message: text, MessageAttributes: attributes };
      try {
        const sns = await import('@aws-sdk/client-sns');
        client ??= traceClient(new sns.SNSClient({ region, endpoint, ...ONE_TRY }));
        const command = new sns.PublishCommand(sms);
        const { MessageId = '' } = await client.send(command, { abortSignal: signal });
        return { success: true, messageId: MessageId, segments };
      } catch (error) {
        return refusalOf('sns', error, ({ name = '' }) => PERMANENT.has(name));
      }
    },
  };
}
