/** Reports a poller's state: the beginning of each problem, once, and its end. */
import { RESULTS, resultOf } from '../access/result.ts';
import type { Stats } from '../delivery/stats.ts';
import { type Log, messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import type { SystemLog } from '../monitoring/records.ts';
import { isCoordinatorMoving, kafkaErrorOf } from '../protocol/errors.ts';
import { words } from '../words.ts';

export interface ReporterOptions {
  readonly mapping: Pick<Mapping, 'name' | 'topic' | 'groupId' | 'bootstrapServers'>;
  readonly log: Log;
  readonly stats: Stats;
  readonly systemLog: Pick<SystemLog, 'warn'>;
  /** After it aborts, problems are no longer reported. */
  readonly signal: AbortSignal;
}

/** A broker that has just started loads its groups for so long: a state that passes, and no problem. */
const COORDINATOR_MOVES_MS = 10_000;

export class Reporter {
  readonly #options: ReporterOptions;
  #problem: string | undefined;
  /** The time (ms) since which sessions fail, until a fetch is answered again. */
  #failingSince: number | undefined;
  /** The problem that ended the last session, until a fetch is answered again. */
  #failure: string | undefined;
  /** Whether a request got no answer, and no later request got one. */
  #isUnanswered = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** The problem that holds up polling, in words. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Warns of a problem, unless it is the current one already.
   * @param cause the error, or another object with the type that Kafka gives it
   * @returns ends this problem, unless another one is the current one by then
   */
  problemIs(text: string, cause?: unknown): () => void {
    const { mapping, signal } = this.#options;
    const message = `${mapping.name}: ${text}`;
    if (this.#problem !== message && !signal.aborted) this.warn(text, cause);
    this.#problem = message;
    return () => {
      if (this.#problem === message) this.problemIsOver();
    };
  }

  /** Ends the current problem; after a failed session the problem of that session remains. */
  problemIsOver(): void {
    this.#problem = this.#failure;
  }

  /** A session has ended by an error. */
  sessionFailed(error: unknown): void {
    const { mapping, stats } = this.#options;
    const { topic, bootstrapServers } = mapping;
    const [reason, result] = [messageOf(error), resultOf(error)];
    stats.result(result ?? `PROBLEM: ${reason}`);
    stats.emit('PollingErrorCount', 1);
    // AWS's message for a server that does not answer is long and says less than the reason.
    const why = result && result !== RESULTS.connection ? `${result}: ${reason}` : reason;
    const where = `${topic} at ${bootstrapServers.join(',')}`;
    const text = `cannot poll ${where}: ${why.replace(/\.$/, '')}.${this.#advice(error)} Trying again.`;
    this.#failingSince ??= performance.now();
    const failingMs = performance.now() - this.#failingSince;
    if (isCoordinatorMoving(error) && failingMs < COORDINATOR_MOVES_MS) {
      this.debug(text);
      return;
    }
    this.problemIs(text, error);
    this.#failure = this.#problem;
  }

  /** A fetch was answered, and its records can be read: the problem of the last session is over. */
  fetchAnswered(): void {
    if (this.#failingSince === undefined) return;
    this.#failingSince = undefined;
    const failure = this.#failure;
    this.#failure = undefined;
    if (this.#problem === failure) this.problemIsOver();
    this.#options.stats.result(RESULTS.ok);
  }

  requestUnanswered(broker: string, request: string): void {
    const { mapping, stats } = this.#options;
    this.#isUnanswered = true;
    stats.result(RESULTS.connection);
    stats.emit('PollingErrorCount', 1);
    const reason = `${broker} does not answer ${request}`;
    const cause = { type: 'REQUEST_TIMED_OUT' };
    this.problemIs(`cannot poll ${mapping.topic}: ${reason}. Waiting.`, cause);
  }

  brokerAnswered(): void {
    if (!this.#isUnanswered) return;
    this.#isUnanswered = false;
    this.problemIsOver();
    if (this.#failingSince === undefined) this.#options.stats.result(RESULTS.ok);
  }

  /** @param cause the error, or another object with the type that Kafka gives it */
  warn(text: string, cause?: unknown): void {
    const { log, mapping, systemLog } = this.#options;
    log.warning(`${mapping.name}: ${text}`);
    systemLog.warn(text, cause);
  }

  notice(text: string): void {
    this.#options.log.notice(`${this.#options.mapping.name}: ${text}`);
  }

  debug(text: string): void {
    this.#options.log.debug(`${this.#options.mapping.name}: ${text}`);
  }

  #advice(error: unknown): string {
    if (/\b(ECONNREFUSED|ENOTFOUND)\b/.test(messageOf(error))) {
      return ` If no Kafka runs there, start it, or ${words().otherBroker}.`;
    }
    // Differs from AWS: kafkajs has its own way of dividing partitions among members.
    if (kafkaErrorOf(error) !== 'INCONSISTENT_GROUP_PROTOCOL') return '';
    return (
      ` The group ${this.#options.mapping.groupId} has members of another kind of client: stop them, or ` +
      'give this mapping a consumerGroupId of its own.'
    );
  }
}
