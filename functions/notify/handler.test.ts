import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import { createRecipientOf } from '../../lib/notification/preferences/recipient.ts';
import { lambdaContext } from '../../test/support/http.ts';
import { forgetfulLedger } from '../../test/support/ledger.ts';
import { createHandler } from './handler.ts';

/** Gives the sample to the function, and returns the messages and the dead letters. */
async function run(sample: string) {
  const told: string[] = [];
  const refused: string[] = [];
  const sender = {
    name: 'test',
    async send({ channel, to }: { channel: string; to: string }) {
      told.push(`${channel} ${to}`);
      return { success: true as const, messageId: 'm1' };
    },
  };
  const handler = createHandler({
    senders: { email: [sender], sms: [sender] },
    recipientOf: createRecipientOf({
      customers: { find: async () => undefined },
      fallback: undefined,
    }),
    clock: systemClock,
    unsubscribe: undefined,
    ledger: forgetfulLedger(),
    deadLetters: {
      add: async ({ record: { offset }, reason }) => {
        refused.push(`${offset} ${reason.code}: ${reason.message}`);
      },
    },
    failures: {
      count: () => Promise.reject(new Error('nothing fails here')),
      forget: async () => undefined,
    },
    reportsItemFailures: true,
  });
  const file = new URL(`../../events/${sample}.json`, import.meta.url);
  const answer = await handler(JSON.parse(await readFile(file, 'utf8')), lambdaContext());
  return { answer, told, refused };
}

const NO_JSON = 'Its value is not JSON; write one JSON document a record.';
const done = { batchItemFailures: [] };
const both = ['email ada@example.com', 'sms +15550123'];

test('the sample is sent by email and SMS', async () => {
  expect(await run('notify')).toEqual({ answer: done, told: both, refused: [] });
});

test('the poisoned sample and the tombstone go to the dead letters', async () => {
  expect(await run('notify.poison')).toEqual({
    answer: done,
    told: [],
    refused: [`1 RECORD_INVALID: ${NO_JSON}`],
  });
  expect(await run('notify.tombstone')).toEqual({
    answer: done,
    told: [],
    refused: ['2 RECORD_INVALID: It has no value (a tombstone); write one JSON document a record.'],
  });
});

test('the good records of the mixed sample are sent, and the others go to the dead letters', async () => {
  expect(await run('notify.partial')).toEqual({
    answer: done,
    told: [...both, ...both],
    refused: [
      `11 RECORD_INVALID: ${NO_JSON}`,
      '6 RECORD_INVALID: Its value breaks the schema: schemaVersion: must be 1.',
    ],
  });
});
