import type { SESv2Client, SendEmailCommandInput } from '@aws-sdk/client-sesv2';
import { traceClient } from '../../tracer.ts';
import type { EmailMessage, Sender } from '../channels.ts';
import { unsubscribeHeaders } from './headers.ts';
import { ONE_TRY, type Problem, refusalOf } from './refusal.ts';

const UTF8 = { Charset: 'UTF-8' };

/** Email by SES, by Lambda's own client. @param endpoint only where it is not AWS's own */
export function createSesSender(options: {
  region: string;
  from: string;
  endpoint?: string;
}): Sender<EmailMessage> {
  const { region, from, endpoint } = options;
  let client: SESv2Client | undefined;
  return {
    name: 'ses',
    async send(message, signal) {
      const { to, subject, body, html } = message;
      const email: SendEmailCommandInput = {
        FromEmailAddress: from,
        Destination: { ToAddresses: [to] },
        Content: {
          Simple: {
            Subject: { Data: subject, ...UTF8 },
            Body: { Text: { Data: body, ...UTF8 }, Html: { Data: html, ...UTF8 } },
            Headers: Object.entries(unsubscribeHeaders(message)).map(([Name, Value]) => ({
              Name,
              Value,
            })),
          },
        },
      };
      try {
        const ses = await import('@aws-sdk/client-sesv2');
        client ??= traceClient(new ses.SESv2Client({ region, endpoint, ...ONE_TRY }));
        const command = new ses.SendEmailCommand(email);
        const { MessageId = '' } = await client.send(command, { abortSignal: signal });
        return { success: true, messageId: MessageId };
      } catch (error) {
        return refusalOf('ses', error, isAboutTheMessage);
      }
    },
  };
}

/** SES says MessageRejected also of a sender that is not verified, which somebody can mend. */
function isAboutTheMessage({ name, message = '' }: Problem): boolean {
  if (name === 'MessageRejected') return !/not verified/i.test(message);
  return name === 'BadRequestException' || name === 'ValidationException';
}
