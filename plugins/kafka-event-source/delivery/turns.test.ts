import { expect, test } from '@jest/globals';
import type { Invoker } from '../lambda/invoke.ts';
import type { InvocationResult } from '../lambda/result.ts';
import { Slots } from './slots.ts';
import { takingTurns } from './turns.ts';

const ok: InvocationResult = { kind: 'ok', payload: null };

test('invokers that share a slot invoke one after the other, and one that is closed waits no longer', async () => {
  const began: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<InvocationResult>>();
  const invoker: Invoker = {
    invoke(payload) {
      began.push(payload.toString());
      const answer = Promise.withResolvers<InvocationResult>();
      answers.set(payload.toString(), answer);
      return answer.promise;
    },
    close: () => undefined,
  };
  const slots = new Slots(1);
  const [one, other] = [takingTurns(invoker, slots), takingTurns(invoker, slots)];
  const first = one.invoke(Buffer.from('first'));
  const second = other.invoke(Buffer.from('second'));
  const third = one.invoke(Buffer.from('third'));
  await new Promise(setImmediate);
  expect(began).toEqual(['first']);
  one.close();
  expect(await third).toMatchObject({ kind: 'notReached' });
  answers.get('first')?.resolve(ok);
  expect(await first).toBe(ok);
  await new Promise(setImmediate);
  expect(began).toEqual(['first', 'second']);
  answers.get('second')?.reject(new Error('failed'));
  await expect(second).rejects.toThrow('failed');
  expect(slots.hasFree).toBe(true);
});
