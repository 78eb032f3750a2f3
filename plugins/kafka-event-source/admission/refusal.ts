/** The reasons why a mapping does not start, in AWS's words or in our own. */
import { ACCOUNT, accountLookup } from '../template/intrinsic.ts';
import { words } from '../words.ts';

export interface Refusal {
  /** Who refuses it: AWS; the framework, before AWS is asked; or this emulator alone. */
  readonly by: 'AWS' | 'Serverless' | 'emulator';
  readonly code?: string;
  readonly message: string;
  /** The change to make. These are the emulator's words, not AWS's. */
  readonly advice?: string;
}

/** A value that AWS refuses, with AWS's own message. */
export const invalid = (message: string): Refusal => ({
  by: 'AWS',
  code: 'InvalidParameterValueException',
  message,
});
/** A value that AWS's service model does not allow, with AWS's own message. */
export const validation = (message: string): Refusal => ({
  by: 'AWS',
  code: 'ValidationException',
  message,
});
/** A rule that AWS documents without its message. */
export const paraphrased = (message: string): Refusal => ({
  by: 'AWS',
  message: `${message} (AWS's own words are not known.)`,
});
/** A mapping that AWS accepts and this emulator cannot run. */
export const cannotRun = (message: string): Refusal => ({ by: 'emulator', message });

/** The advice about a value that is looked up in a map without a key for this machine's account; empty for other values. */
export function accountAdvice(value: unknown): string {
  const map = accountLookup(value);
  if (map === undefined) return '';
  return (
    ` The map ${map} has no key ${ACCOUNT}, the account of this machine: set the account whose values are ` +
    `wanted as AWS::AccountId under ${words().setting('parameters')}.`
  );
}
