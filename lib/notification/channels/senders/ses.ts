import type { SendEmailCommandInput } from '@aws-sdk/client-sesv2';
import { createAwsCaller, oneTry } from './aws.ts';
import { unsubscribeHeaders } from './headers.ts';
import type { Problem } from './refusal.ts';
import type { EmailMessage, Sender } from './sender.ts';

const UTF8 = { Charset: 'UTF-8' };

/** Email by SES. @param endpoint only where it is not AWS's own */
export function createSesSender(options: {
  region: string;
  from: string;
  endpoint?: string;
}): Sender<EmailMessage> {
  const { region, from, endpoint } = options;
  const load = async () => {
    const { SESv2Client, SendEmailCommand } = await import('@aws-sdk/client-sesv2');
    return { client: new SESv2Client({ region, endpoint, ...oneTry() }), SendEmailCommand };
  };
  const ask = createAwsCaller('ses', load, isAboutTheMessage);
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
      return ask(({ client, SendEmailCommand }) =>
        client.send(new SendEmailCommand(email), { abortSignal: signal }),
      );
    },
  };
}

/** SES says MessageRejected also of a sender that is not verified, which a person can correct. */
function isAboutTheMessage({ name, message = '' }: Problem): boolean {
  if (name === 'MessageRejected') return !/not verified/i.test(message);
  return name === 'BadRequestException' || name === 'ValidationException';
}
