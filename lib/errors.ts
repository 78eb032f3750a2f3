/**
 * All planned errors, one row for each code: its HTTP answer, and `retriable`, which says if a Kafka
 * record is delivered again. `npm run docs` writes docs/errors.md from it.
 */
export const ERRORS = {
  TOKEN_MISSING: {
    title: 'The request has no token',
    status: 401,
    retriable: false,
    advice:
      'Send "authorization: Bearer <token>" with an access token. On a laptop "npm run token -- --help" says how to get one.',
  },
  TOKEN_INVALID: {
    title: 'The token is not accepted',
    status: 401,
    retriable: false,
    advice: 'Read "detail", which names the failed check, and get another access token.',
  },
  TOKEN_EXPIRED: {
    title: 'The token has expired',
    status: 401,
    retriable: false,
    advice: 'Get a new access token, and send the request again with it.',
  },
  SCOPE_MISSING: {
    title: 'The token does not allow this request',
    status: 403,
    retriable: false,
    advice: 'Use a token with the scope that "detail" names.',
  },
  NOT_YOURS: {
    title: 'The data belongs to another customer',
    status: 403,
    retriable: false,
    advice: 'Use the customer id that your token stands for.',
  },
  TOO_MANY_REQUESTS: {
    title: 'There were too many requests',
    status: 429,
    retriable: true,
    advice: 'Send the request again after the time in "retry-after".',
  },
  KEYS_AWAY: {
    title: 'The token cannot be checked at the moment',
    status: 503,
    retriable: true,
    advice: 'Send the request again, with the same token, after the time in "retry-after".',
  },
  KEY_UNKNOWN: {
    title: 'The key of the token is not known yet',
    status: 503,
    retriable: true,
    advice:
      'Send the request again, with the same token, after the time in "retry-after". If the issuer does not have the key, the answer is then 401.',
  },
  BODY_MISSING: {
    title: 'The request has no body',
    status: 400,
    retriable: false,
    advice: 'Send the JSON document that the operation describes.',
  },
  BODY_NOT_JSON: {
    title: 'The body is not valid JSON',
    status: 400,
    retriable: false,
    advice: 'Send one JSON document in UTF-8.',
  },
  CONTENT_TYPE: {
    title: 'The body is not declared as JSON',
    status: 415,
    retriable: false,
    advice: 'Set the header "content-type: application/json".',
  },
  BODY_TOO_LARGE: {
    title: 'The body is larger than 1 MB',
    status: 413,
    retriable: false,
    advice: 'Send fewer items, or several orders.',
  },
  VALIDATION: {
    title: 'The request breaks the rules of its fields',
    status: 422,
    retriable: false,
    advice: 'Correct each field that "errors" names; the documentation has the rules.',
  },
  IDEMPOTENCY_KEY_INVALID: {
    title: 'The header "idempotency-key" is malformed',
    status: 400,
    retriable: false,
    advice: 'Send 1 to 255 printable ASCII characters, such as a UUID, or leave the header out.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    title: 'The "idempotency-key" belongs to another order',
    status: 422,
    retriable: false,
    advice: 'Use a new key for every order, and the same body whenever you repeat a key.',
  },
  IDEMPOTENCY_KEY_BUSY: {
    title: 'A request with this "idempotency-key" is under way',
    status: 409,
    retriable: true,
    advice: 'Send the request again, with the same key, after the time in "retry-after".',
  },
  ORDER_NOT_FOUND: {
    title: 'There is no such order',
    status: 404,
    retriable: false,
    advice: 'Use the id in the answer to the creation of the order.',
  },
  LINK_INVALID: {
    title: 'The link is not valid',
    status: 404,
    retriable: false,
    advice: 'Use the whole link, from the newest email that you have.',
  },
  ROUTE_NOT_FOUND: {
    title: 'Nothing is served at this address',
    status: 404,
    retriable: false,
    advice: 'Check the path against the documentation.',
  },
  METHOD_NOT_ALLOWED: {
    title: 'This address does not take this method',
    status: 405,
    retriable: false,
    advice: 'Use one of the methods that the header "allow" names.',
  },
  VERSIONS_DIFFER: {
    title: 'The header "if-match" and the field "expectedVersion" differ',
    status: 422,
    retriable: false,
    advice: 'Send one of them, or the same version in both.',
  },
  VERSION_MISMATCH: {
    title: 'The order has changed since the version that you expect',
    status: 412,
    retriable: false,
    advice: 'Read the order again, decide again, and send its current version.',
  },
  PREFERENCES_CHANGED: {
    title: 'The preferences have changed since the version that you expect',
    status: 412,
    retriable: false,
    advice: 'Read the preferences again, decide again, and send their current version.',
  },
  MOVE_NOT_ALLOWED: {
    title: 'The order cannot take this status now',
    status: 409,
    retriable: false,
    advice:
      'Choose one of the statuses under "allowed". If it is empty, the order has its final status.',
  },
  DATABASE_AWAY: {
    title: 'The database cannot be reached at the moment',
    status: 503,
    retriable: true,
    advice:
      'Send the request again after the time in "retry-after". On a laptop: is "npm start" running?',
  },
  KAFKA_AWAY: {
    title: 'Kafka did not acknowledge in time',
    status: 503,
    retriable: true,
    advice:
      'Nothing is lost: the relay publishes the event later. On a laptop: is "npm start" running?',
  },
  KAFKA_REFUSED: {
    title: 'Kafka does not take the record',
    status: 503,
    retriable: false,
    advice: 'Read the reason in the log: the record is too large, or the topic has other rules.',
  },
  RECORD_INVALID: {
    title: 'The record is not an event that this system knows',
    status: 422,
    retriable: false,
    advice:
      'Read the record in the dead letters, correct its writer or this reader, and redrive it.',
  },
  SEND_FAILED: {
    title: 'Another invocation is sending the notification',
    status: 503,
    retriable: true,
    advice: 'Do nothing: the record is delivered again, when the notification is settled.',
  },
  CONFIG: {
    title: 'The configuration is incomplete or wrong',
    status: 500,
    retriable: false,
    advice:
      'Set the variables that the message names (serverless.yml sets them for every stage), or call the function with an event in the right format.',
  },
  INTERNAL: {
    title: 'Something went wrong on our side',
    status: 500,
    retriable: true,
    advice: 'Send the request again. If the error stays, tell us the "instance".',
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** One fault of the input: its path (`items.0.price`), and the rule that it breaks. */
export type Fault = { path: string; message: string };

/** Facts that the caller gets with an error, beside its code and message. */
export type ErrorDetails = {
  errors?: Fault[];
  currentVersion?: number;
  allowed?: readonly string[];
  allow?: string;
  /** The scope that the token lacks. */
  scope?: string;
  /** The same request may succeed after this number of seconds. */
  retryAfter?: number;
  dependencies?: object;
};

/**
 * The root of every planned error. HTTP reads status and body from its row in {@link ERRORS}; Kafka
 * reads `retriable`: deliver the record again, or move it to the dead letters. Any other error is a
 * bug: hidden from the caller, its stack in the log.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  get retriable(): boolean {
    return ERRORS[this.code].retriable;
  }
}

/** The error itself when it is planned, else `INTERNAL` with the error as its cause. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('INTERNAL', 'An unexpected error.', {}, error);
}

/** The error with a stack of one line, for Lambda and local tools, which print stacks to people. */
export function inOneLine(error: AppError): AppError {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}
