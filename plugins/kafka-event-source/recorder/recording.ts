/** Records what happens to the records of all mappings, in threads of its own. */
import { randomUUID } from 'node:crypto';
import type { BegunCall, CallListener } from '../lambda/lines.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { OnStep } from '../life.ts';
import { type Log, messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { endsWithin } from '../time.ts';
import { Asked, type StartThread, startThread, type Thread } from './asked.ts';
import type { CallFacts, FromWriter, Op, Span, StoreOptions, ToWriter } from './ops.ts';
import { NEWEST_DONE, Outbox } from './outbox.ts';
import { Privacy } from './privacy.ts';
import { Rests } from './rests.ts';
import { storeFile } from './schema.ts';
import type { Question } from './serve.ts';
import { addTail, answerOf, bytesOf, rangesOf, Track } from './track.ts';
import type {
  Counts,
  Invocation,
  InvocationQuery,
  InvocationSummary,
  LogLine,
  Page,
  Recorder,
  RecorderChange,
  RecordId,
  RecordLife,
  RecordQuery,
  RecordSummary,
  RunAgain,
  Spans,
  Trace,
  TraceQuery,
  TraceSpan,
  TraceSummary,
} from './types.ts';

export interface RecordingOptions {
  /** The service's folder. */
  readonly folder: string;
  readonly stage: string;
  readonly maxMegabytes: number;
  readonly maxDays: number;
  readonly private: readonly string[];
  readonly log: Log;
  /** Starts the thread that writes, and the one that answers questions. */
  readonly start?: StartThread;
}

const TICK_MS = 100;
/** In a flood the writer is woken less often, since each time costs the thread that delivers. */
const FLOOD_TICK_MS = 500;
/** Done records wait so long, so that those of a flood are pushed out before they cost anything. */
const DONE_MS = 500;
const CLOSE_MS = 2_000;
/** The log lines of one invocation that are kept, and their characters. */
const MOST_LINES = 5_000;
const MOST_CHARACTERS = 1024 * 1024;
const DAY_MS = 86_400_000;
const MB = 1024 * 1024;

interface Lines {
  count: number;
  characters: number;
}

export class Recording implements Recorder, CallListener {
  readonly privacy: Privacy;
  readonly #log: Log;
  readonly #store: StoreOptions;
  readonly #outbox: Outbox;
  readonly #tracks = new Map<string, Track>();
  readonly #calls = new Map<string, CallFacts>();
  readonly #lines = new WeakMap<CallFacts, Lines>();
  readonly #listeners = new Set<(change: RecorderChange) => void>();
  readonly #start: StartThread;
  readonly #writer: Thread;
  readonly #ended: Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #reader: Asked | undefined;
  #problem: string | undefined;
  #isOpen = false;
  #isBusy = false;
  #lastPost = 0;
  /** Whether the operations that are being written could have waited, so that a rest follows them. */
  #couldWait = false;
  /** During a rest the writer writes only what must not be lost. */
  readonly #rests = new Rests();
  /** Called when the writer has written, or ended. */
  #waiters: (() => void)[] = [];
  /** The open questions to the writer for texts without private values; it answers undefined when it has ended. */
  readonly #hiding = new Map<number, (texts: readonly string[] | undefined) => void>();
  #lastHiding = 0;
  readonly #warned = new Set<string>();

  constructor({ folder, stage, log, maxMegabytes, maxDays, ...options }: RecordingOptions) {
    this.#log = log;
    this.#start = options.start ?? startThread;
    this.privacy = new Privacy(options.private);
    this.#store = {
      file: storeFile(folder, stage),
      maxBytes: maxMegabytes * MB,
      maxAgeMs: maxDays * DAY_MS,
      private: options.private,
    };
    this.#outbox = new Outbox(
      this.#store.maxBytes,
      (mapping) => {
        this.#rests.pushedOut(Date.now());
        this.#warnOfCounts(mapping);
      },
      (op) => this.#forget([op]),
    );
    this.#writer = this.#start({ role: 'write', options: this.#store });
    this.#writer.on('message', (message: FromWriter) => this.#heard(message));
    this.#writer.on('error', (error) => this.#fail(messageOf(error)));
    this.#ended = new Promise((resolve) => {
      this.#writer.on('exit', () => {
        this.#fail('its thread has ended');
        resolve();
      });
    });
    this.#writer.unref();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** The listener for the steps of a mapping, which goes on where the mapping was left. */
  observe(mapping: Mapping): OnStep {
    const track = new Track({ mapping, outbox: this.#outbox, calls: this.#calls });
    this.#tracks.set(mapping.uuid, track);
    return (step) => {
      if (this.#problem !== undefined) return;
      try {
        track.onStep(step);
      } catch (error) {
        // The delivery goes on without this step.
        this.#warn(`a step of ${mapping.name} was not recorded: ${messageOf(error)}`);
      }
    };
  }

  began({ invocation, requestId, isCold }: BegunCall): void {
    const call = this.#calls.get(invocation);
    if (!call) return;
    call.requestId = requestId;
    call.isCold = isCold;
  }

  captures(invocation: string): void {
    const call = this.#calls.get(invocation);
    if (call) call.logs ??= [];
  }

  logged(invocation: string, at: number, line: string): void {
    if (this.#problem !== undefined) return;
    const call = this.#calls.get(invocation);
    // The answer is stored already.
    const lines = [{ at, line }];
    if (!call) this.#outbox.add({ op: 'logs', id: invocation, lines }, bytesOf(lines));
    else this.#addLine(call, { at, line });
  }

  onChange(listener: (change: RecorderChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ranAgain(run: RunAgain): { readonly id: string; end(result: InvocationResult): void } {
    const id = randomUUID();
    const at = Date.now();
    const call: CallFacts = {};
    this.#calls.set(id, call);
    const { mapping, functionKey, payload, originalId, records } = run;
    const again = { functionKey, topic: records[0]?.topic ?? '', originalId };
    const spans = spansOf(records);
    const topicId = records.find((one) => one.topicId !== undefined)?.topicId ?? '';
    const op = { op: 'invocation', mapping, topicId, id, at, attempt: 1 } as const;
    this.#outbox.add({ ...op, spans, payload, again, call: {} }, payload.length);
    return {
      id,
      end: (result) => {
        addTail(call, result);
        const reason = result.kind === 'ok' ? undefined : result.message;
        const answer = answerOf(result, at, reason, false);
        const nothing = { failed: [], failedState: 'done' } as const;
        this.#outbox.add({ op: 'answer', id, answer: { ...answer, ...nothing }, call });
      },
    };
  }

  addSpans(spans: readonly TraceSpan[]): boolean {
    if (spans.length === 0) return true;
    const json = JSON.stringify(spans);
    return this.#outbox.addSpans({ op: 'traced', json }, json.length);
  }

  records(query?: RecordQuery): Promise<Page<RecordSummary>> {
    return this.#ask('records', query);
  }

  record(id: RecordId): Promise<RecordLife | undefined> {
    return this.#ask('record', id);
  }

  invocations(query?: InvocationQuery): Promise<Page<InvocationSummary>> {
    return this.#ask('invocations', query);
  }

  invocation(id: string): Promise<Invocation | undefined> {
    return this.#ask('invocation', id);
  }

  traces(query?: TraceQuery): Promise<Page<TraceSummary>> {
    return this.#ask('traces', query);
  }

  trace(id: string): Promise<Trace | undefined> {
    return this.#ask('trace', id);
  }

  spansOf(id: string): Promise<Spans> {
    return this.#ask('spansOf', id);
  }

  counts(mapping?: string): Promise<Counts> {
    return this.#ask('counts', mapping);
  }

  async hide(mapping: string, texts: readonly string[]): Promise<readonly string[]> {
    if (!this.privacy.isNeeded || texts.length === 0) return texts;
    await this.#owesNothing();
    const hidden = await new Promise<readonly string[] | undefined>((resolve) => {
      if (this.#problem !== undefined) {
        resolve(undefined);
        return;
      }
      this.#lastHiding += 1;
      this.#hiding.set(this.#lastHiding, resolve);
      this.#post({ kind: 'hide', id: this.#lastHiding, mapping, texts });
    });
    // Only the writer knows the values: without it, patterns and paths within JSON still hide theirs.
    const secrets = this.privacy.createSecrets();
    return hidden ?? texts.map((text) => this.privacy.text(text, secrets));
  }

  /** Resolves when the writer has all records that a present reason may quote. */
  async #owesNothing(): Promise<void> {
    const { last } = this.#outbox;
    while (
      this.#problem === undefined &&
      (this.#isBusy || !this.#isOpen || this.#outbox.isOwed(last))
    ) {
      const heard = new Promise<void>((resolve) => this.#waiters.push(resolve));
      this.#pump();
      await heard;
    }
  }

  async flush(): Promise<void> {
    for (const track of this.#tracks.values()) {
      track.tellLines();
      track.tell(Date.now(), true);
    }
    this.#writer.ref();
    while (
      this.#problem === undefined &&
      (this.#isBusy || !this.#isOpen || !this.#outbox.isEmpty)
    ) {
      const written = new Promise<void>((resolve) => this.#waiters.push(resolve));
      this.#pump(true);
      await written;
    }
    this.#writer.unref();
  }

  /** Stores what is left, for two seconds at most. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await endsWithin(CLOSE_MS, this.flush());
    this.#problem ??= 'the recorder is closed';
    this.#post({ kind: 'close' });
    await endsWithin(CLOSE_MS, this.#ended);
    await Promise.all([this.#writer.terminate(), this.#reader?.close()]);
  }

  async #ask<T>(ask: Question['ask'], about: unknown): Promise<T> {
    if (this.#problem !== undefined) throw new Error(this.#problem);
    await this.#opened();
    this.#reader ??= new Asked(this.#store.file, this.#start);
    return (await this.#reader.ask(ask, about)) as T;
  }

  /** The store is made by the writer, before anybody can read it. */
  async #opened(): Promise<void> {
    while (!this.#isOpen) {
      if (this.#problem !== undefined) throw new Error(this.#problem);
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  #tick(): void {
    if (this.#problem !== undefined) return;
    const now = Date.now();
    const mayTell = !this.#isBusy && !this.#outbox.isBehind && this.#rests.isOver(now);
    for (const track of this.#tracks.values()) {
      track.tellLines();
      if (mayTell) track.tell(now);
    }
    if (now - this.#lastPost >= FLOOD_TICK_MS || !this.#rests.isFlood(now)) this.#pump();
  }

  /** Hands the next operations to the writer, if it has done the last ones. */
  #pump(isHurried = false): void {
    if (this.#isBusy || !this.#isOpen || this.#problem !== undefined) return;
    const now = Date.now();
    const isRested = isHurried || this.#rests.isOver(now);
    const isOld = this.#rests.isFlood(now) || now - this.#outbox.oldestDone >= DONE_MS;
    const ops = this.#outbox.take(isHurried || (isRested && isOld), isRested);
    if (ops.length === 0) return;
    this.#isBusy = true;
    this.#lastPost = now;
    this.#couldWait = isRested;
    const isWatched = this.#listeners.size > 0;
    this.#post({ kind: 'write', ops, isWatched });
    this.#forget(ops);
  }

  /** Later lines of these calls are stored by themselves. */
  #forget(ops: readonly Op[]): void {
    for (const op of ops) {
      if (op.op === 'answer' || (op.op === 'invocation' && op.answer)) this.#calls.delete(op.id);
    }
  }

  #post(message: ToWriter): void {
    this.#writer.postMessage(message);
  }

  #heard(message: FromWriter): void {
    if (message.kind === 'deleted') {
      this.#warn(
        `the records and invocations in ${this.#store.file} were deleted: an older version of the emulator had ` +
          'kept them, and this one cannot read them.',
      );
    }
    if (message.kind === 'opened') this.#isOpen = true;
    if (message.kind === 'unusable') this.#fail(message.problem);
    if (message.kind === 'hidden') {
      this.#hiding.get(message.id)?.(message.texts);
      this.#hiding.delete(message.id);
    }
    if (message.kind === 'written') {
      this.#isBusy = false;
      if (this.#couldWait) this.#rests.begin(Date.now(), message.ms);
      if (message.problem !== undefined) {
        this.#warn(`something that happened could not be recorded: ${message.problem}`);
      }
      const { changed } = message;
      const { records = [], invocations = [], traces = [] } = changed ?? {};
      if (changed && records.length + invocations.length + traces.length > 0) {
        for (const listener of this.#listeners) listener(changed);
      }
    }
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  #fail(problem: string): void {
    for (const resolve of this.#hiding.values()) resolve(undefined);
    this.#hiding.clear();
    if (this.#problem !== undefined) return;
    this.#problem = problem;
    clearInterval(this.#timer);
    this.#warn(`records are not remembered: ${problem}`);
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  #warnOfCounts(uuid: string): void {
    const name = this.#tracks.get(uuid)?.name ?? '';
    this.#warn(
      `the recorder does not keep pace with the mapping ${name}, UUID ${uuid}: it keeps the newest ` +
        `${NEWEST_DONE} of its done records, and counts older ones.`,
    );
  }

  #warn(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#log.warning(`Kafka event source: ${text}`);
  }

  #addLine(call: CallFacts, one: LogLine): void {
    call.logs ??= [];
    const lines = this.#lines.get(call) ?? { count: 0, characters: 0 };
    this.#lines.set(call, lines);
    lines.count += 1;
    lines.characters += one.line.length;
    if (lines.count < MOST_LINES && lines.characters < MOST_CHARACTERS) call.logs.push(one);
    else if (lines.count === MOST_LINES || lines.characters - one.line.length < MOST_CHARACTERS) {
      call.logs.push({ ...one, line: '(Later lines of this invocation are not kept.)' });
    }
  }
}

function spansOf(records: readonly RecordId[]): Span[] {
  const byPartition = Map.groupBy(records, ({ partition }) => partition);
  return [...byPartition].map(([partition, group]) => {
    // An edited event may have a record twice.
    const offsets = [...new Set(group.map(({ offset }) => Number(offset)))].sort((a, b) => a - b);
    const ranges = rangesOf(offsets.map((offset) => ({ offset })));
    return { partition, count: group.length, ranges };
  });
}
