/** A mapping that does not start, and why: in AWS's words where they are known, else marked so. */

export interface Refusal {
  /** Who refuses it: AWS; the framework, before AWS is asked; or this emulator alone. */
  readonly by: 'AWS' | 'Serverless' | 'emulator';
  readonly code?: string;
  readonly message: string;
}

export const invalid = (message: string): Refusal => ({
  by: 'AWS',
  code: 'InvalidParameterValueException',
  message,
});
/** AWS documents the rule; its message is not known. */
export const paraphrased = (message: string): Refusal => ({
  by: 'AWS',
  message: `${message} (AWS's own words are not known.)`,
});
/** AWS would take it. */
export const here = (message: string): Refusal => ({ by: 'emulator', message });
