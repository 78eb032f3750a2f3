import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Context } from 'aws-lambda';
import { AppError, asAppError, ERRORS, inOneLine } from '../errors.ts';
import { invocation } from '../invocation.ts';
import { type Log, logFailure, logger, logWith } from '../logger.ts';
import { measure } from '../metrics.ts';
import { traceIdOf } from '../trace.ts';
import { traceRecord } from '../tracer.ts';
import { type BatchResponse, type Failure, processBatch } from './batch.ts';
import type { DeadLetters, Refused } from './dead-letter.ts';
import type { Message } from './decode.ts';
import { header, InvalidEventError, type Item, type KafkaEvent, parseEvent } from './event.ts';
import { exhausted, type FailureLedger, type Ids } from './failures.ts';
import type { Standstill } from './standstill.ts';

/** The facts about the invocation that the processing of a record may use. */
type Invocation = {
  /** The time at which Lambda ends the invocation with all work in it. */
  deadline: Date;
  /** Puts request, order, event and trace id on every line. */
  log: Log;
};

export type Process<T> = (message: Message<T>, invocation: Invocation) => Promise<void>;

export type KafkaHandlerDeps<T> = {
  schema: StandardSchemaV1<unknown, T>;
  identify: (value: T) => Ids;
  deadLetters: DeadLetters;
  failures: FailureLedger;
  /** Notes the records that fail again and again. */
  standstill?: Pick<Standstill, 'note'> | undefined;
  /**
   * True if the mapping has ReportBatchItemFailures. Without it Lambda takes any answer for success,
   * so a partial failure is thrown and the whole batch is delivered again.
   */
  reportsItemFailures: boolean;
  /** The longest time that one record may take. With less time left no record is begun. */
  recordTimeMs: number;
  /** The number of keys that may be processed at once. */
  concurrency: number;
};

/**
 * The house wrapper around a function behind a Kafka topic: each record is decoded, checked and
 * processed. A record that no further delivery can help is moved to the dead letters and
 * acknowledged. Every other failed record is reported, so that it is delivered again. A record that
 * fails with unexpected errors is moved to the dead letters when it has used up its tries. If no
 * record at all was done, the invocation fails, so that Lambda counts an error.
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
      return addDeadLetter(
        { ...item, event: batch, context, reason },
        logWith(placeOf(item)),
        deps,
      );
    },
  });
  for (const failure of failures) {
    logger.info('record failed, will be retried', { ...placeOf(failure), why: failure.why });
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
  const deadline = new Date(Date.now() + context.getRemainingTimeInMillis());
  const ids = deps.identify(message.value);
  const log = logWith({ ...placeOf(item), ...ids });
  try {
    const traceparent = header(message.headers, 'traceparent');
    await traceRecord(traceparent, () => process(message, { deadline, log }));
  } catch (error) {
    const reason = await reasonForDeadLetter(error, ids, log, deps);
    if (!reason) throw logged(error, log);
    await addDeadLetter({ ...item, event, context, reason }, log, deps);
    if (reason.code === 'INTERNAL') await forget(ids, log, deps);
  }
}

async function forget(ids: Ids, log: Log, { failures }: { failures: FailureLedger }) {
  await failures.forget(ids).catch((failure: unknown) => {
    // The record is in the dead letters already: at worst a redrive within the hour has one try.
    logFailure(log, 'failure count of the record not reset', failure);
  });
}

/** The reason for the dead letters; undefined if another delivery may help the record. */
async function reasonForDeadLetter(
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
    logFailure(log, 'failure of the record not counted', failure);
    return undefined;
  });
  if (verdict?.next === 'dead letter') {
    logFailure(log, 'record failed', error);
    return exhausted(verdict);
  }
  if (verdict?.next === 'hold back') {
    const { attempts, since } = verdict;
    log.error('record will be retried: so many records fail that the release looks bad', {
      attempts,
      since: since.toISOString(),
    });
    measure('RecordsHeldBack');
  }
  return undefined;
}

async function addDeadLetter(
  refused: Refused,
  log: Log,
  { deadLetters }: { deadLetters: DeadLetters },
): Promise<void> {
  const { code, message } = refused.reason;
  log.warn('record refused', { code, reason: message });
  await deadLetters.add(refused).catch((failure) => {
    throw logged(failure, log);
  });
  log.info('record moved to the dead letters');
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

/** The place of the record in Kafka, and the id of its trace. */
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
