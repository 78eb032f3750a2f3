/** Passes on the request ids and log lines of pollers' calls, where serverless-offline runs in the same process. */

/** A call that has begun. */
export interface BegunCall {
  /** The poller's id for the invocation. */
  readonly invocation: string;
  /** The id that the handler sees. */
  readonly requestId: string | undefined;
  /** Whether the instance is a new one. */
  readonly isCold: boolean;
}

/** A line with the request id of its call. */
export type CapturedLine = readonly [requestId: string, at: number, line: string];

export interface CallListener {
  began(call: BegunCall): void;
  /** From now on `logged` gets the lines of this call. */
  captures(invocation: string): void;
  /** @param at milliseconds since 1970 */
  logged(invocation: string, at: number, line: string): void;
}

/** Hands the calls to the listener, if there is one. */
export class Calls implements CallListener {
  #listener: CallListener | undefined;

  get isHeard(): boolean {
    return this.#listener !== undefined;
  }

  hear(listener: CallListener): void {
    this.#listener = listener;
  }

  began(call: BegunCall): void {
    this.#listener?.began(call);
  }

  captures(invocation: string): void {
    this.#listener?.captures(invocation);
  }

  logged(invocation: string, at: number, line: string): void {
    this.#listener?.logged(invocation, at, line);
  }
}
