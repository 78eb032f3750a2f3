/** The result of an invocation. */
export type InvocationResult =
  | ({ readonly kind: 'ok'; readonly payload: unknown } & Invoked)
  | ({ readonly kind: 'functionError'; readonly message: string } & Invoked)
  /** Throttled or unreachable: the batch did not reach the function. */
  | { readonly kind: 'notReached'; readonly message: string }
  | { readonly kind: 'tooLarge'; readonly message: string };

/** The endpoint's data about the invocation itself. */
export interface Invoked {
  readonly requestId?: string;
  readonly executedVersion?: string;
  /** The body of an answer that is an error. */
  readonly body?: string;
  /** The last lines that the function has logged, where the endpoint sends them. */
  readonly logTail?: string;
}
