/** A refusal of an action; the message says what to do. */
export class ActionError extends Error {
  override readonly name = 'ActionError';
  readonly status: number;
  readonly code: string;

  /** @param status of HTTP */
  constructor(status: number, code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
    this.code = code;
  }
}

/** @param fault the field, and its fault in words */
export function bad(fault: string): ActionError {
  return new ActionError(400, 'BadRequest', `Change the request and send it again: ${fault}.`);
}
