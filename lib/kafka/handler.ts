import type { Logger } from '@aws-lambda-powertools/logger';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Context } from 'aws-lambda';
import { AppError, asAppError, ERRORS, inOneLine } from '../errors.ts';
import { invocation } from '../invocation.ts';
import { logFailure, logger } from '../logger.ts';
import { measure } from '../metrics.ts';
import { traceIdOf } from '../trace.ts';
import { traceRecord } from '../tracer.ts';
import { type BatchResponse, type Failure, processBatch } from './batch.ts';
import type { DeadLetters, Refused } from './dead-letter.ts';
import type { Message } from './decode.ts';
import { header, InvalidEventError, type Item, type KafkaEvent, parseEvent } from './event.ts';
import { exhausted, type FailureLedger, type Ids } from './failures.ts';
import type { Standstill } from './standstill.ts';

/** What the processing of one record may know beside its message. */
type Invocation = {
  /** When Lambda ends the invocation, and with it everything still under way. */
  deadline: Date;
  /** Puts request, order, event and trace id on every line. */
  log: Log;
};

type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

export type Process<T> = (message: Message<T>, invocation: Invocation) => Promise<void>;

export type KafkaHandlerDeps<T> = {
  schema: StandardSchemaV1<unknown, T>;
  identify: (value: T) => Ids;
  deadLetters: DeadLetters;
  failures: FailureLedger;
  /** Notes the records that fail again and again. */
  standstill?: Pick<Standstill, 'note'> | undefined;
  /**
   * Whether the mapping has ReportBatchItemFailures. Without it Lambda takes any answer for success,
   * so a partial failure is thrown and the whole batch comes again.
   */
  reportsItemFailures: boolean;
  /** The longest that one record may take, by its own time limits: with less left none is begun. */
  recordTimeMs: number;
  /** How many keys may be under way at once. */
  concurrency: number;
};

/**
 * The house wrapper around a function behind a Kafka topic: each record is decoded, checked and
 * processed. A record that no further delivery can help is set aside in the dead letters and
 * acknowledged. Every other failed record is reported, so that it is delivered again; after an
 * unexpected error only until the record has used up its tries. If no record at all was done, the
 * invocation fails, so that Lambda counts an error.
 */
export function kafkaHandler<T>(process: Process<T>, deps: KafkaHandlerDeps<T>) {
  return (event: unknown, context: Context): Promise<BatchResponse> =>
    invocation(context, { by: 'batch' }, async () => {
      try {
        return await handleBatch(event, context, process, deps);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const { code, message } = error;
        logger.error('invocation failed', { code, reason: message, advice: ERRORS[code].advice });
        throw inOneLine(error);
      }
    });
}

async function handleBatch<T>(
  event: unknown,
  context: Context,
  process: Process<T>,
  deps: KafkaHandlerDeps<T>,
): Promise<BatchResponse> {
  const batch = parsed(event);
  const { recordTimeMs, concurrency, schema } = deps;
  const { records, failures, response } = await processBatch(batch, {
    schema,
    recordTimeMs,
    concurrency,
    remainingTimeMs: () => context.getRemainingTimeInMillis(),
    process: (message, item) => handleMessage(message, item, batch, context, process, deps),
    refuse: (item, { message, faults }) => {
      const reason = new AppError('RECORD_INVALID', message, { errors: faults });
      return setAside({ ...item, event: batch, context, reason }, logOf(item), deps);
    },
  });
  for (const failure of failures) {
    logger.info('record to come again', { ...placeOf(failure), why: failure.why });
  }
  await deps.standstill?.note(batch, failures);
  logger.info('batch', { records, failed: failures.length });
  measure('BatchRecords', records);
  measure('BatchFailures', failures.length);
  const [first] = failures;
  if (first && (!deps.reportsItemFailures || failures.length === records)) {
    throw batchError(first, failures.length, records);
  }
  return response;
}

async function handleMessage<T>(
  message: Message<T>,
  item: Item,
  event: KafkaEvent,
  context: Context,
  process: Process<T>,
  deps: KafkaHandlerDeps<T>,
): Promise<void> {
  const log = logOf(item);
  const deadline = new Date(Date.now() + context.getRemainingTimeInMillis());
  const ids = deps.identify(message.value);
  log.appendKeys(ids);
  try {
    const traceparent = header(message.headers, 'traceparent');
    await traceRecord(traceparent, () => process(message, { deadline, log }));
  } catch (error) {
    const reason = await reasonToSetAside(error, ids, log, deps);
    if (!reason) throw logged(error, log);
    await setAside({ ...item, event, context, reason }, log, deps);
    if (reason.code === 'INTERNAL') await forget(ids, log, deps);
  }
}

async function forget(ids: Ids, log: Log, { failures }: { failures: FailureLedger }) {
  await failures.forget(ids).catch((failure: unknown) => {
    // The record is in the dead letters: at worst a redrive within the hour has one chance.
    logFailure(log, 'failures not forgotten', failure);
  });
}

/** The reason why no further delivery helps the record; undefined if another one may help. */
async function reasonToSetAside(
  error: unknown,
  ids: Ids,
  log: Log,
  { failures }: { failures: FailureLedger },
): Promise<AppError | undefined> {
  if (error instanceof AppError && error.code !== 'INTERNAL') {
    return error.retriable ? undefined : error;
  }
  const verdict = await failures.count(ids).catch((failure: unknown) => {
    // A failure that cannot be counted is delivered again.
    logFailure(log, 'failure not counted', failure);
    return undefined;
  });
  if (verdict?.next === 'set aside') {
    logFailure(log, 'record failed', error);
    return exhausted(verdict);
  }
  if (verdict?.next === 'hold back') {
    const { attempts, since } = verdict;
    log.error('record not set aside: so many fail that it looks like a bad release', {
      attempts,
      since: since.toISOString(),
    });
    measure('RecordsHeldBack');
  }
  return undefined;
}

async function setAside(
  refused: Refused,
  log: Log,
  { deadLetters }: { deadLetters: DeadLetters },
): Promise<void> {
  const { code, message } = refused.reason;
  log.warn('record refused', { code, reason: message });
  await deadLetters.add(refused).catch((failure) => {
    throw logged(failure, log);
  });
  log.info('record set aside');
  measure('DeadLetters');
}

function parsed(event: unknown): KafkaEvent {
  try {
    return parseEvent(event);
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error;
    throw new AppError(
      'RECORD_INVALID',
      `${error.message} Compare it with events/notify.json.`,
      {},
      error,
    );
  }
}

function logOf(item: Item) {
  return logger.createChild({ persistentKeys: placeOf(item) });
}

/** Where the record stands and whose trace it belongs to. */
function placeOf({ record, headers }: Item) {
  const { topic, partition, offset } = record;
  const traceId = traceIdOf(header(headers, 'traceparent'));
  return { topic, partition, offset, ...(traceId && { traceId }) };
}

function logged(error: unknown, log: Log): unknown {
  logFailure(log, 'record failed', error);
  return error;
}

function batchError(first: Failure, failed: number, count: number): AppError {
  const place = `${first.partition} offset ${first.record.offset}`;
  const { code, message } =
    first.why === 'failed'
      ? asAppError(first.error)
      : new AppError('INTERNAL', 'The time left was too short to begin it. Raise the timeout.');
  return new AppError(code, `${failed} of ${count} records failed, first ${place}: ${message}`);
}
