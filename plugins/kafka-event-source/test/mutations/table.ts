/** For each row of docs/fidelity.md that is the same as AWS: a change of the code that breaks it. */

export interface Mutation {
  /** The key of the row, as test/support/fidelity.ts makes it. */
  readonly row: string;
  /** The changed file, from the package's folder. */
  readonly file: string;
  /** The text that is replaced. The file has it exactly once. */
  readonly from: string;
  readonly to: string;
  /** The file of the row's tests that must notice it; all of the row's tests run if it is left out. */
  readonly by?: string;
}

const COMPILE = 'template/compile.ts';
const PACKAGE = 'test/integration/package.test.ts';
const RETRIES = 'test/integration/retries.test.ts';

/** Commits the records of a batch, and then invokes the function with them. */
const COMMITTED_EARLY = {
  file: 'delivery/batch-run.ts',
  from: 'for (const { inFlight } of batch) inFlight.beginInvocation();',
  to: `this.#scheduler.finish(batch);
    await pause(500, this.#options.signal);
    for (const { inFlight } of batch) inFlight.beginInvocation();`,
};
/** Makes batches of one partition only. */
const ONE_PARTITION = {
  file: 'delivery/batch.ts',
  from: 'for (const { partition, waiting } of partitions) {',
  to: 'for (const { partition, waiting } of partitions.slice(0, 1)) {',
};
/** Begins another invocation with a partition that has one in flight. */
const NO_TURNS = {
  file: 'delivery/scheduler.ts',
  from: 'isOpen && !this.#inFlight.has(partition);',
  to: 'isOpen && partition >= 0;',
  by: 'test/integration/batching.test.ts',
};

export const MUTATIONS: readonly Mutation[] = [
  // Event
  {
    row: 'P-01',
    file: 'event.ts',
    from: 'JSON.stringify({ bootstrapServers, ...source })',
    to: 'JSON.stringify({ bootstrapServers, eventSource: source.eventSource })',
  },
  {
    row: 'P-03',
    file: 'event.ts',
    from: 'JSON.stringify({ bootstrapServers, ...source })',
    to: "JSON.stringify({ bootstrapServers: bootstrapServers.split(','), ...source })",
  },
  {
    row: 'P-05',
    file: 'event.ts',
    from: 'return `${topic}-${partition}`;',
    to: 'return `${topic}:${partition}`;',
    by: 'test/contract/kafka-event.test.ts',
  },
  { row: 'P-06', ...ONE_PARTITION },
  {
    row: 'P-07',
    file: 'delivery/batch.ts',
    from: "if (filled.partitions.length === 0) return { kind: 'nothing' };",
    to: '',
  },
  {
    row: 'P-09',
    file: 'event.ts',
    from: 'timestamp: Number(message.timestamp),',
    to: 'timestamp: message.timestamp,',
  },
  {
    row: 'P-12',
    file: 'protocol/decode.ts',
    from: 'timestamp: isAppendTime ? maxTimestamp : timestampAt(timestampDelta),',
    to: 'timestamp: timestampAt(timestampDelta),',
  },
  {
    row: 'P-13',
    file: 'event.ts',
    from: "{ value: message.value.toString('base64') }",
    to: "{ value: message.value.toString('base64url') }",
  },
  {
    row: 'P-14',
    file: 'event.ts',
    from: "...(message.value && { value: message.value.toString('base64') }),",
    to: "value: message.value?.toString('base64') ?? null,",
  },
  {
    row: 'P-18',
    file: 'protocol/headers.ts',
    from: 'if (isList(headers)) return headers;',
    to: 'if (isList(headers)) return headers.toSorted((a, b) => (a.key < b.key ? -1 : 1));',
  },
  {
    row: 'P-19',
    file: 'event.ts',
    from: 'new Int8Array(',
    to: 'new Uint8Array(',
  },
  {
    row: 'P-20',
    file: 'event.ts',
    from: 'headers: listHeaders(message.headers ?? []).map(',
    to: 'headers: listHeaders(message.headers ?? []).length === 0 ? undefined : listHeaders(message.headers ?? []).map(',
  },
  {
    row: 'P-22',
    file: 'event.ts',
    from: 'JSON.stringify({ bootstrapServers, ...source })',
    to: 'JSON.stringify({ ...source, bootstrapServers })',
  },
  {
    row: 'P-23',
    file: 'schema/attributes.ts',
    from: 'schemaId: String(frame.schemaId) }',
    to: 'schemaId: frame.schemaId }',
  },
  {
    row: 'P-24',
    file: 'delivery/batch.ts',
    from: 'export const PAYLOAD_BYTES = 6 * 1024 * 1024;',
    to: 'export const PAYLOAD_BYTES = 5 * 1024 * 1024;',
  },

  // Parameters
  {
    row: 'Q-01',
    file: 'template/deployed.ts',
    from: "const before = pieces[0] === 'arn' ? 6 : isPartial ? 2 : 0;",
    to: "const before = pieces[0] === 'arn' ? 6 : 0;",
  },
  {
    row: 'Q-02',
    file: 'admission/refusals.ts',
    from: 'if (arn !== undefined && own !== undefined) {',
    to: 'if (arn !== undefined && own === null) {',
  },
  {
    row: 'Q-03',
    file: 'admission/refusals.ts',
    from: 'servers.length > 10',
    to: 'servers.length > 11',
  },
  {
    row: 'Q-04',
    file: 'admission/refusals.ts',
    from: "if (kind === 'kafka' && access.length === 0) {",
    to: "if (kind === 'msk' && access.length === 0) {",
  },
  {
    row: 'Q-05',
    file: 'control/runtime.ts',
    from: 'const running = mapping.enabled ? this.#run(mapping) : undefined;',
    to: 'const running = this.#run(mapping);',
  },
  {
    row: 'Q-06',
    file: 'settings/settings.ts',
    from: "between('batchSize', 1, 10_000)",
    to: "between('batchSize', 1, 10_001)",
  },
  {
    row: 'Q-07',
    file: 'settings/settings.ts',
    from: 'const DEFAULT_WINDOW_MS = 500;',
    to: 'const DEFAULT_WINDOW_MS = 0;',
    by: 'definition.test.ts',
  },
  {
    row: 'Q-07/2',
    file: 'settings/settings.ts',
    from: 'value: ({ maximumBatchingWindowInSeconds }) => maximumBatchingWindowInSeconds,',
    to: 'value: ({ maximumBatchingWindowInSeconds }) => maximumBatchingWindowInSeconds || undefined,',
    by: 'definition.test.ts',
  },
  {
    row: 'Q-08',
    file: 'admission/filters.ts',
    from: 'onRequest: 10,',
    to: 'onRequest: 11,',
  },
  {
    row: 'Q-09',
    file: 'admission/shape.ts',
    from: '.max(1, {',
    to: '.max(2, {',
  },
  {
    row: 'Q-10',
    file: 'settings/settings.ts',
    from: "startingPosition || 'TRIM_HORIZON'",
    to: "startingPosition || 'LATEST'",
  },
  {
    row: 'Q-11',
    file: 'admission/refusals.ts',
    from: 'if (timestamp * 1000 <= now) return [];',
    to: 'if (timestamp <= now) return [];',
  },
  {
    row: 'Q-12',
    file: 'admission/shape.ts',
    from: "matching('consumerGroupId', GROUP, 200)",
    to: "matching('consumerGroupId', GROUP, 201)",
  },
  {
    row: 'Q-12/2',
    file: 'definition.ts',
    from: 'stableUuid([service.service, service.stage, logicalId, topic])',
    to: 'stableUuid([crypto.randomUUID()])',
  },
  {
    row: 'Q-13',
    file: 'settings/settings.ts',
    from: "kind: address.split(':')[2] as 'sqs' | 'sns' | 's3'",
    to: "kind: 'sqs'",
  },
  {
    row: 'Q-14',
    file: 'settings/settings.ts',
    from: "between('maximumRetryAttempts', -1, 10_000)",
    to: "between('maximumRetryAttempts', -1, 10_001)",
  },
  {
    row: 'Q-15',
    file: 'admission/modes.ts',
    from: 'const MIN_RECORD_AGE_SECONDS = 60;',
    to: 'const MIN_RECORD_AGE_SECONDS = 0;',
  },
  {
    row: 'Q-16',
    file: 'settings/settings.ts',
    from: 'value: ({ bisectBatchOnFunctionError }) => bisectBatchOnFunctionError,',
    to: 'value: () => undefined,',
  },
  {
    row: 'Q-17',
    file: 'settings/settings.ts',
    from: 'value: ({ functionResponseType }) => functionResponseType && [functionResponseType],',
    to: 'value: () => undefined,',
  },
  {
    row: 'Q-18',
    file: 'settings/settings.ts',
    from: "between('provisionedPollerConfig.minimumPollers', 1, 200)",
    to: "between('provisionedPollerConfig.minimumPollers', 1, 201)",
  },
  {
    row: 'Q-19',
    file: 'settings/settings.ts',
    from: '{ minimum: 1, maximum: 200 }',
    to: '{ minimum: 1, maximum: 2_000 }',
  },
  {
    row: 'Q-21',
    file: 'settings/settings.ts',
    from: 'if (!isObject(long) && !isObject(short)) return undefined;',
    to: 'if (!isObject(long) && !isObject(short)) return { MinimumPollers: 1 };',
  },
  {
    row: 'Q-22',
    file: 'template/compile.ts',
    from: '[config]: isObject(event.schemaRegistry)',
    to: '[config]: isObject(event.registry)',
    by: 'definition.test.ts',
  },
  {
    row: 'Q-23',
    file: 'parity.ts',
    from: "rows.push({ setting: name, deployed, here: NONE, difference: 'none' });",
    to: "rows.push({ setting: name, deployed, here: NONE, difference: name === 'Tags' ? 'none' : 'emulator' });",
  },
  {
    row: 'Q-26',
    file: 'parity.ts',
    from: "rows.push({ setting: name, deployed, here: NONE, difference: 'none' });",
    to: "rows.push({ setting: name, deployed, here: NONE, difference: name === 'Tags' ? 'emulator' : 'none' });",
  },
  {
    row: 'Q-28',
    file: 'admission/shape.ts',
    from: "Queues: 'queues',",
    to: '',
  },
  {
    row: 'Q-31',
    file: 'admission/duplicates.ts',
    from: 'sources.some((source) =>',
    to: 'sources.every((source) =>',
  },

  // Access configurations
  {
    row: 'A-01',
    file: COMPILE,
    from: "vpcSubnet: 'subnet:',",
    to: "vpcSubnet: '',",
    by: PACKAGE,
  },
  {
    row: 'A-02',
    file: COMPILE,
    from: "vpcSecurityGroup: 'security_group:',",
    to: "vpcSecurityGroup: 'sg:',",
    by: PACKAGE,
  },
  {
    row: 'A-03',
    file: COMPILE,
    from: "saslPlainAuth: 'BASIC_AUTH',",
    to: "saslPlainAuth: 'SASL_PLAIN_AUTH',",
    by: PACKAGE,
  },
  {
    row: 'A-04',
    file: COMPILE,
    from: "saslScram256Auth: 'SASL_SCRAM_256_AUTH',",
    to: "saslScram256Auth: 'SASL_SCRAM_512_AUTH',",
    by: PACKAGE,
  },
  {
    row: 'A-05',
    file: COMPILE,
    from: "saslScram512Auth: 'SASL_SCRAM_512_AUTH',",
    to: "saslScram512Auth: 'SASL_SCRAM_256_AUTH',",
    by: PACKAGE,
  },
  {
    row: 'A-06',
    file: COMPILE,
    from: "clientCertificateTlsAuth: 'CLIENT_CERTIFICATE_TLS_AUTH',",
    to: '',
    by: PACKAGE,
  },
  {
    row: 'A-07',
    file: COMPILE,
    from: "serverRootCaCertificate: 'SERVER_ROOT_CA_CERTIFICATE',",
    to: "serverRootCaCertificate: 'SERVER_ROOT_CA_CERT',",
    by: PACKAGE,
  },
  {
    row: 'A-08',
    file: COMPILE,
    from: '(toList(values) ?? []).map(',
    to: '(Array.isArray(values) ? values : []).map(',
    by: PACKAGE,
  },
  {
    row: 'A-09',
    file: 'admission/refusals.ts',
    from: "if (kind === 'kafka' && access.length === 0) {",
    to: "if (kind === 'msk' && access.length === 0) {",
  },
  {
    row: 'A-10',
    file: 'admission/refusals.ts',
    from: "if (missing.length === 1 && where.startsWith('functions.')) {",
    to: 'if (missing.length === 1) {',
  },
  {
    row: 'A-11',
    file: COMPILE,
    from: 'return Object.entries(toObject(access)).flatMap(([key, values]) =>',
    to: "return Object.entries(toObject(access)).filter(([key]) => key !== 'serverRootCaCertificate' || 'clientCertificateTlsAuth' in (access as Json)).flatMap(([key, values]) =>",
    by: PACKAGE,
  },

  // The framework's validation
  {
    row: 'V-01',
    file: 'admission/shape.ts',
    from: '(input === undefined ? NO_TOPICS : undefined)',
    to: '(input === null ? NO_TOPICS : undefined)',
  },
  {
    row: 'V-02',
    file: 'definition.ts',
    from: 'if (refusals.length > 0 || !shape || !deployed.fn) return refused(refusals);',
    to: 'if (!shape || !deployed.fn) return refused(refusals);',
  },
  {
    row: 'V-03',
    file: 'admission/modes.ts',
    from: 'if (min > max)',
    to: 'if (min > 200)',
  },
  {
    row: 'V-05',
    file: 'template/write.ts',
    from: 'if (logicalId !== undefined) written',
    to: 'if (logicalId !== undefined && !written.has(logicalId)) written',
  },

  // Admission rows of other parts
  {
    row: 'C-03',
    file: 'definition.ts',
    from: 'enabled: Enabled = shape.Enabled,',
    to: 'enabled: Enabled = true,',
  },
  {
    row: 'D-01',
    file: 'admission/modes.ts',
    from: "return to.endsWith('.fifo')",
    to: "return to.endsWith(':fifo')",
  },
  {
    row: 'D-03',
    file: 'admission/modes.ts',
    from: 'if (!isProvisioned(properties)) {',
    to: 'if (properties.Topics.length === 0) {',
  },
  {
    row: 'D-05',
    file: 'admission/modes.ts',
    from: 'if (properties.Topics.includes(topic)) {',
    to: "if (topic === '') {",
  },
  {
    row: 'L-02',
    file: 'admission/filters.ts',
    from: 'if (patterns.length > FILTER_QUOTA.onRequest) {',
    to: 'if (patterns.length > FILTER_QUOTA.characters) {',
  },
  {
    row: 'S-03',
    file: 'template/compile.ts',
    from: 'EventRecordFormat: registry.eventRecordFormat,',
    to: "EventRecordFormat: 'SOURCE',",
  },
  {
    row: 'S-08',
    file: 'admission/registry.ts',
    from: "'SERVER_ROOT_CA_CERT',",
    to: '',
  },
  {
    row: 'S-09',
    file: 'admission/shape.ts',
    from: '(isObject(value) && Object.keys(value).length === 0 ? undefined : value)',
    to: 'value',
  },
  {
    row: 'S-10',
    file: 'admission/registry.ts',
    from: 'if (!isProvisioned(properties)) {',
    to: 'if (uri === undefined) {',
  },
  {
    row: 'S-11',
    file: 'admission/registry.ts',
    from: 'if (!isIntrinsic(uri) && !isAddress(uri)) {',
    to: 'if (uri === undefined) {',
  },
  {
    row: 'S-12',
    file: 'admission/registry.ts',
    from: 'if (!FORMATS.includes(registry.EventRecordFormat)) {',
    to: 'if (registry.EventRecordFormat === null) {',
  },
  {
    row: 'S-13',
    file: 'admission/registry.ts',
    from: 'if (attributes.indexOf(attribute) !== attributes.lastIndexOf(attribute)) {',
    to: 'if (attributes.length > 2) {',
  },
  {
    row: 'S-14',
    file: 'admission/registry.ts',
    from: 'if (validation.length === 0) {',
    to: 'if (validation === null) {',
  },
  {
    row: 'S-15',
    file: 'admission/registry.ts',
    from: 'if (isGlue && glueRegion !== region) {',
    to: "if (isGlue && glueRegion === '') {",
  },
  {
    row: 'X-20',
    file: 'template/deployed.ts',
    from: '...toObject(one.resource.Properties), ...toObject(own) };',
    to: '...toObject(one.resource.Properties) };',
  },
  {
    row: 'X-21',
    file: 'definition.ts',
    from: '    secrets,\n',
    to: '    secrets: {},\n',
  },

  // Batches and commits
  {
    row: 'B-01',
    file: 'delivery/batch.ts',
    from: 'if (windowMs === 0) return 0;',
    to: 'if (windowMs >= 0) return 0;',
  },
  {
    row: 'B-02',
    file: 'settings/settings.ts',
    from: 'const DEFAULT_WINDOW_MS = 500;',
    to: 'const DEFAULT_WINDOW_MS = 1_000;',
  },
  {
    row: 'B-03',
    file: 'delivery/partition.ts',
    from: 'free(): void {\n    this.#freeSince = performance.now();',
    to: 'free(): void {',
    by: 'delivery/scheduler.test.ts',
  },
  {
    row: 'B-03',
    file: 'delivery/batch.ts',
    from: 'return freeSince + Math.max(1, Math.ceil((first - freeSince) / windowMs)) * windowMs;',
    to: 'return first + windowMs;',
    by: 'delivery/batch.test.ts',
  },
  {
    row: 'B-03',
    file: 'delivery/batch.ts',
    from: 'const until = Math.min(',
    to: 'const until = Math.max(',
    by: 'delivery/batch.test.ts',
  },
  {
    row: 'B-04',
    file: 'delivery/batch.ts',
    from: 'if (windowMs === 0) return 0;',
    to: '',
  },
  {
    row: 'B-06',
    file: 'delivery/scheduler.ts',
    from: "condition: 'MaximumPayloadSizeExceeded' as const,",
    to: "condition: 'RetriesExhausted' as const,",
  },
  {
    row: 'B-07',
    file: 'delivery/batch.ts',
    from: "if (filled.partitions.length === 0) return { kind: 'nothing' };",
    to: "if (filled.partitions.length === 0) return { kind: 'deliver', counts: filled.counts };",
  },
  { row: 'B-08', ...ONE_PARTITION },
  {
    row: 'B-09',
    ...NO_TURNS,
    by: 'delivery/scheduler.model.test.ts',
  },
  {
    row: 'B-10',
    file: 'delivery/batch.ts',
    from: 'if (records === limits.batchSize) return done(true);',
    to: 'if (index + 1 === limits.batchSize) return done(true);',
  },
  {
    row: 'B-11',
    file: 'poller/intake.ts',
    from: 'return this.#filter?.({ ...record, key, value }) ?? true;',
    to: 'return true;',
  },
  {
    row: 'B-14',
    file: 'poller/intake.ts',
    from: 'if (previous) previous.next = record.offset;',
    to: '',
    by: 'poller/intake.test.ts',
  },
  { row: 'B-12', ...COMMITTED_EARLY, by: 'test/integration/delivery.test.ts' },
  {
    row: 'B-13',
    file: 'poller/intake.ts',
    from: 'records.push({ ...record, next: end, arrived });',
    to: 'records.push({ ...record, next: end - 1, arrived });',
  },
  { row: 'B-15', ...COMMITTED_EARLY },
  { row: 'B-16', ...NO_TURNS },
  {
    row: 'B-18',
    file: 'delivery/scheduler.ts',
    from: 'all.filter((_, index) => index % number === poller)',
    to: 'all.filter((_, index) => index >= poller - number)',
  },
  {
    row: 'B-18',
    file: 'delivery/scheduler.ts',
    from: 'const INVOCATIONS_OF_A_POLLER = 5;',
    to: 'const INVOCATIONS_OF_A_POLLER = 6;',
  },
  {
    row: 'B-22',
    file: 'delivery/batch-run.ts',
    from: 'if (!concurrency) return true;',
    to: 'if (!concurrency || concurrency.limit < 2) return true;',
  },
  {
    row: 'B-25',
    file: 'delivery/throughput.ts',
    from: 'recordsPerSecond: 2_000,',
    to: 'recordsPerSecond: 10_000,',
    by: 'delivery/throughput.test.ts',
  },
  {
    row: 'B-25',
    file: 'delivery/scheduler.ts',
    from: 'if (throughput && throughput.freeAt > performance.now()) return throughput.freeAt;',
    to: '',
    by: 'delivery/scheduler.test.ts',
  },
  {
    row: '-',
    file: 'protocol/codecs.ts',
    from: 'return Buffer.concat(blocks);',
    to: 'return Buffer.concat(blocks.slice(0, 1));',
  },

  // Failures
  {
    row: 'F-01',
    file: 'delivery/retry.ts',
    from: 'RETRIES_WITH_DESTINATION : Number.POSITIVE_INFINITY;',
    to: 'RETRIES_WITH_DESTINATION : 10_000;',
    by: 'delivery/retry.test.ts',
  },
  {
    row: 'F-02',
    file: 'lambda/invoke.ts',
    from: 'reject(new Fault(`no answer',
    to: 'reject(new Error(`no answer',
  },
  {
    row: 'F-02/2',
    file: 'lambda/serverless-offline.ts',
    from: 'if (state.fail) state.fail(error);',
    to: 'if (state.fail) report(error.message);',
  },
  {
    row: 'F-02/4',
    file: 'lambda/runners.ts',
    from: 'return outcome.error ? refuseError(outcome.error) : outcome.answer;',
    to: 'return outcome.error ?? outcome.answer;',
    by: 'lambda/runners.test.ts',
  },
  {
    row: 'F-02/5',
    file: 'lambda/runners.ts',
    from: 'if (!error) return success ?? null;',
    to: 'return success ?? error ?? null;',
    by: 'lambda/runners.test.ts',
  },
  {
    row: '-/2',
    file: 'lambda/serverless-offline.ts',
    from: 'throw types.isNativeError(thrown) ? copyOf(thrown) : new Error(String(thrown));',
    to: 'throw types.isNativeError(thrown) ? copyOf(thrown) : thrown;',
  },
  {
    row: '-/3',
    file: 'lambda/invoke.ts',
    from: 'const ANSWER_BYTES = 6_291_556;',
    to: 'const ANSWER_BYTES = 6_291_555;',
    by: 'test/integration/endpoint.test.ts',
  },
  {
    row: 'F-03',
    file: 'lambda/invoke.ts',
    from: "kind: status === 413 ? 'tooLarge' : 'notReached', message",
    to: "kind: status === 413 ? 'tooLarge' : 'functionError', message",
    by: RETRIES,
  },
  {
    row: 'F-04',
    file: 'delivery/scheduler.ts',
    from: 'while (slots.hasFree) {',
    to: 'while (slots.hasFree && this.#inFlight.size === 0) {',
  },
  {
    row: 'F-05',
    file: 'delivery/batch-run.ts',
    from: "if (reaction === 'split') {",
    to: "if (reaction === 'split' || count(batch) > 1) {",
  },
  {
    row: 'F-10',
    file: 'delivery/retry.ts',
    from: "return retries < retryLimit(policy) ? 'retry' : 'giveUp';",
    to: "return retries <= retryLimit(policy) ? 'retry' : 'giveUp';",
    by: RETRIES,
  },
  {
    row: 'F-11',
    file: 'delivery/retry.ts',
    from: 'const RETRIES_WITH_DESTINATION = 10;',
    to: 'const RETRIES_WITH_DESTINATION = 9;',
    by: 'test/integration/destination-kafka.test.ts',
  },
  {
    row: 'F-12',
    file: 'delivery/retry.ts',
    from: 'if (maximumRetryAttempts >= 0) return maximumRetryAttempts;',
    to: 'if (maximumRetryAttempts >= 0) return Math.max(1, maximumRetryAttempts);',
  },
  {
    row: 'F-13',
    file: 'delivery/retry.ts',
    from: 'timestamp >= 0 && timestamp < oldest;',
    to: 'timestamp >= 0 && timestamp < oldest - 3_600_000;',
  },
  {
    row: 'F-14',
    file: 'delivery/retry.ts',
    from: "policy.bisectBatchOnFunctionError && records > 1) return 'split';",
    to: "policy.bisectBatchOnFunctionError && records > 8) return 'split';",
  },
  {
    row: 'F-16',
    file: 'delivery/batch-run.ts',
    from: 'await destination.send(failure, ',
    to: 'void destination.send(failure, ',
    by: 'test/integration/destination-aws.test.ts',
  },
  {
    row: 'F-17',
    file: 'delivery/batch-run.ts',
    from: 'log.error(`${name}: DROPPED ${describe(batch)}. No',
    to: 'log.warning(`${name}: DROPPED ${describe(batch)}. No',
  },
  {
    row: 'F-19',
    file: 'settings/settings.ts',
    from: 'write: ({ maximumRetryAttempts }) => maximumRetryAttempts,\n    isChangeable: true,',
    to: 'write: ({ maximumRetryAttempts }) => maximumRetryAttempts,\n    isChangeable: false,',
  },

  // Partial batch response
  {
    row: 'R-01',
    file: 'delivery/acknowledge.ts',
    from: "payload === undefined || payload === '') return [];",
    to: 'payload === undefined) return [];',
  },
  {
    row: 'R-05',
    file: 'delivery/acknowledge.ts',
    from: 'if (!known.get(partition)?.has(offset)) {',
    to: 'if (!known.has(partition)) {',
  },
  {
    row: 'R-06',
    file: 'delivery/acknowledge.ts',
    from: 'if (!known.get(partition)?.has(offset)) {',
    to: 'if (items.length === 1 && !known.get(partition)?.has(offset)) {',
  },
  {
    row: 'R-09',
    file: 'delivery/acknowledge.ts',
    from: '{ ...all(batch, result.message), attempted:',
    to: '{ ...nothing(batch), attempted:',
  },
  {
    row: 'R-11',
    file: 'delivery/acknowledge.ts',
    from: 'offsets.filter((offset) => failed.get(key)?.has(offset)),',
    to: 'offsets.filter((offset) => [...(failed.get(key) ?? [])].some((one) => Number(one) <= offset)),',
  },

  // Destinations
  {
    row: 'D-02',
    file: 'destination/failure.ts',
    from: 'JSON.stringify({ ...batchObject(failure, payload), payload });',
    to: 'JSON.stringify(batchObject(failure, payload));',
    by: 'test/integration/destination-aws.test.ts',
  },
  {
    row: 'D-04',
    file: 'delivery/retry.ts',
    from: 'return destination ? RETRIES_WITH_DESTINATION',
    to: 'return destination ? Number.POSITIVE_INFINITY',
  },
  {
    row: 'D-05/2',
    file: 'destination/kafka.ts',
    from: 'allowAutoTopicCreation: false,',
    to: 'allowAutoTopicCreation: true,',
    by: 'destination/kafka.test.ts',
  },
  {
    row: 'D-06',
    file: 'destination/kafka.ts',
    from: "key: omitted.includes('key') ? null : keyOf(record),",
    to: 'key: null,',
  },
  {
    row: 'D-08',
    file: 'destination/aws.ts',
    from: 'const Message = batchRecord(failure);',
    to: 'const Message = batchRecordWithPayload(failure);',
  },
  {
    row: 'D-09',
    file: 'delivery/batch-run.ts',
    from: 'const DESTINATION_ATTEMPTS = 3;',
    to: 'const DESTINATION_ATTEMPTS = 2;',
    by: 'test/integration/destination-aws.test.ts',
  },
  {
    row: 'D-09/2',
    file: 'destination/failure.ts',
    from: 'return JSON.stringify(batchObject(failure, payloadOf(failure)));',
    to: 'return batchRecordWithPayload(failure);',
  },
  {
    row: 'D-11',
    file: 'delivery/retry.ts',
    from: "if (kind === 'notReached') return 'retryUncounted';",
    to: '',
    by: 'test/integration/destination-kafka.test.ts',
  },
  {
    row: 'D-13',
    file: 'settings/settings.ts',
    from: "if (typeof address !== 'string' || address === '') return undefined;",
    to: "if (typeof address !== 'string') return undefined;",
  },
  {
    row: 'J-01',
    file: 'destination/failure.ts',
    from: "'RetryAttemptsExhausted'",
    to: "'RetriesExhausted'",
  },
  {
    row: 'J-02',
    file: 'destination/failure.ts',
    from: '`${failure.functionArn}:${failure.executedVersion}`',
    to: 'failure.functionArn',
  },
  {
    row: 'J-03',
    file: 'destination/failure.ts',
    from: 'recordsInfo: Object.fromEntries(',
    to: 'recordInfo: Object.fromEntries(',
  },
  {
    row: 'J-03',
    file: 'destination/failure.ts',
    from: 'firstRecordOffset: String(first?.offset),',
    to: 'firstRecordOffset: first?.offset,',
  },
  {
    row: 'J-03',
    file: 'destination/failure.ts',
    from: "version: '1.0',",
    to: 'version: 1,',
  },
  {
    row: 'J-03',
    file: 'destination/failure.ts',
    from: 'statusCode: 200,',
    to: 'statusCode: 500,',
  },
  {
    row: 'J-05',
    file: 'destination/failure.ts',
    from: '"payload":${payload}}`;',
    to: '"payload":${JSON.stringify(payload)}}`;',
  },
  {
    row: 'J-11',
    file: 'delivery/batch-run.ts',
    from: "functionError: result.kind === 'ok' ? null : 'Unhandled'",
    to: 'functionError: null',
    by: 'test/integration/destination-kafka.test.ts',
  },
  {
    row: 'J-12',
    file: 'destination/failure.ts',
    from: 'lastRecordOffset: String(last?.offset),',
    to: 'lastRecordOffset: String(first?.offset),',
  },

  // Positions, groups, lifecycle
  {
    row: 'C-06',
    file: 'poller/group.ts',
    from: 'this.#restart(partition, committed, Math.max(committed, low));',
    to: 'this.#restart(partition, committed, low);',
  },
  {
    row: 'C-11',
    file: 'poller/assigner.ts',
    from: 'partition % ids.length === place',
    to: 'place === 0',
    by: 'test/integration/rebalance.test.ts',
  },
  {
    row: 'C-12',
    file: 'definition.ts',
    from: 'clusterConfig(shape).ConsumerGroupId ?? uuid,',
    to: 'clusterConfig(shape).ConsumerGroupId ?? logicalId,',
  },
  {
    row: 'C-01',
    file: 'control/runtime.ts',
    from: "return is ? 'Enabling' : 'Disabling';",
    to: "return 'Updating';",
  },
  {
    row: 'C-02',
    file: 'control/configuration.ts',
    from: "'USER_INITIATED'",
    to: "'User action'",
  },
  {
    row: 'C-15',
    file: 'poller/group.ts',
    from: 'this.#restart(partition, committed, Math.max(committed, low));',
    to: 'this.#restart(partition, committed, low);',
  },
  {
    row: 'C-29',
    file: 'control/runtime.ts',
    from: "if (entry.state !== 'Enabled' && entry.state !== 'Disabled') {",
    to: "if (entry.state === 'Disabling') {",
  },
  {
    row: 'C-20',
    file: 'access/result.ts',
    from: "|| name === 'KafkaJSRequestTimeoutError'",
    to: '',
    by: 'access/result.test.ts',
  },
  {
    row: 'C-22',
    file: 'access/result.ts',
    from: 'if (REFUSAL.test(code)) return RESULTS.refused;',
    to: 'if (REFUSAL.test(code)) return RESULTS.distrusted;',
  },
  {
    row: 'C-25',
    file: 'poller/reporter.ts',
    from: 'stats.result(result ?? `PROBLEM: ${reason}`);',
    to: 'stats.result(`PROBLEM: ${reason}`);',
  },
  {
    row: 'C-26',
    file: 'poller/group.ts',
    from: 'held !== undefined &&\n      held.committed <= committed &&',
    to: 'held !== undefined &&\n      held.committed > committed &&',
    by: 'test/integration/start.test.ts',
  },

  // Filters
  {
    row: 'L-01',
    file: 'filter/record.ts',
    from: 'return parsed.some(',
    to: 'return parsed.every(',
  },
  {
    row: 'L-02/2',
    file: 'admission/filters.ts',
    from: 'characters: 4_096',
    to: 'characters: 40_960',
  },
  {
    row: 'L-03',
    file: 'filter/record.ts',
    from: '...record,\n',
    to: '',
  },
  {
    row: 'L-05',
    file: 'filter/record.ts',
    from: 'fatal: true',
    to: 'fatal: false',
  },
  {
    row: 'L-06',
    file: 'filter/record.ts',
    from: "if (content === undefined) return { format: 'text', content: text };",
    to: 'if (content === undefined) return NEITHER;',
  },
  {
    row: 'L-07',
    file: 'filter/record.ts',
    from: "? { format: 'json', content } : NEITHER;",
    to: '? NEITHER : NEITHER;',
  },
  {
    row: 'L-08',
    file: 'filter/record.ts',
    from: "return data[name]().format !== (isLeaf(field) ? 'text' : 'json');",
    to: 'return false;',
  },
  {
    row: 'L-09',
    file: 'filter/record.ts',
    from: "return data[name]().format !== (isLeaf(field) ? 'text' : 'json');",
    to: 'return false;',
  },
  {
    row: 'L-13',
    file: 'control/status.ts',
    from: 'if (stats?.filtered) found.push(',
    to: 'if (stats?.dropped) found.push(',
    by: 'control/status.test.ts',
  },
  { row: 'L-14', ...COMMITTED_EARLY },
  {
    row: 'L-15',
    file: 'schema/attributes.ts',
    from: 'plain = { ...plain, [name]: json };',
    to: 'plain = { ...plain, [name]: content };',
  },
  {
    row: 'L-16',
    file: 'admission/filters.ts',
    from: "if (typeof read === 'string') {",
    to: "if (read === '') {",
  },
  {
    row: 'L-17',
    file: 'settings/settings.ts',
    from: '{ Filters: filters.map((Pattern) => ({ Pattern })) } : undefined,\n    isChangeable: true,',
    to: '{ Filters: filters.map((Pattern) => ({ Pattern })) } : undefined,\n    isChangeable: false,',
  },
  {
    row: 'L-17',
    file: 'poller/intake.ts',
    from: 'if (filters.length > 0) this.#filter = createFilter(filters);',
    to: '',
  },
  {
    row: 'L-18',
    file: 'filter/pattern.ts',
    from: 'return (one) => textOf(one) === text;',
    to: 'return (one) => Number(textOf(one)) === Number(text);',
  },
  {
    row: 'L-19',
    file: 'filter/match.ts',
    from: 'value !== undefined && !isObject(value) && test(value)',
    to: 'value !== undefined && test(value)',
  },
  {
    row: 'O-01',
    file: 'filter/pattern.ts',
    from: 'return (one) => one === value;',
    to: "return (one) => one === value || (value === null && one === '');",
  },
  {
    row: 'O-02',
    file: 'filter/pattern.ts',
    from: 'return (one) => one === value;',
    to: "return (one) => one === value || (value === '' && one === null);",
  },
  {
    row: 'O-03',
    file: 'filter/pattern.ts',
    from: 'return (one) => one === value;',
    to: 'return (one) => String(one).toLowerCase() === String(value).toLowerCase();',
  },
  {
    row: 'O-04',
    file: 'filter/operators.ts',
    from: `character === other ||
        character.toLowerCase() === other.toLowerCase() ||
        character.toUpperCase() === other.toUpperCase()`,
    to: 'character === other',
  },
  {
    row: 'O-05',
    file: 'filter/match.ts',
    from: 'if (!isMatching) return false;',
    to: 'if (isMatching) return true;',
  },
  {
    row: 'O-06',
    file: 'filter/match.ts',
    from: 'matchers.some((matcher) =>',
    to: 'matchers.every((matcher) =>',
  },
  {
    row: 'O-07',
    file: 'filter/match.ts',
    from: 'or.every((group) => group.some(',
    to: 'or.every((group) => group.every(',
  },
  {
    row: 'O-08',
    file: 'filter/operators.ts',
    from: "!(typeof one === 'string' && excluded.has(one));",
    to: "typeof one === 'string' && !excluded.has(one);",
  },
  {
    row: 'O-09',
    file: 'filter/operators.ts',
    from: 'return (number) => number === limit;',
    to: 'return (number) => String(number) === String(limit + 0.5);',
  },
  {
    row: 'O-10',
    file: 'filter/operators.ts',
    from: 'return (number) => number > limit;',
    to: 'return (number) => number >= limit;',
  },
  {
    row: 'O-12',
    file: 'filter/operators.ts',
    from: 'ifText((one) => one.startsWith(start))',
    to: 'ifText((one) => one.includes(start))',
  },
  {
    row: 'O-13',
    file: 'filter/operators.ts',
    from: 'ifText((one) => one.endsWith(end))',
    to: 'ifText((one) => one.includes(end))',
  },
  {
    row: 'O-11',
    file: 'filter/pattern.ts',
    from: "return value ? () => true : 'absent';",
    to: "return value ? (one) => one !== null : 'absent';",
  },

  // Schema registry
  {
    row: 'S-01',
    file: 'schema/registry.ts',
    from: 'subjects/${encodeURIComponent(subject)}/versions',
    to: 'subjects/${subject}/versions',
  },
  {
    row: 'S-02',
    file: 'schema/protobuf.ts',
    from: 'keepCase: true',
    to: 'keepCase: false',
  },
  {
    row: 'S-04',
    file: 'poller/intake.ts',
    from: "if (read?.kind === 'failed') {",
    to: "if (read?.kind === 'failed' && this.#isKept(toEventRecord(topic, partition, message), message)) {",
    by: 'poller/intake.test.ts',
  },
  {
    row: 'S-05',
    file: 'schema/attributes.ts',
    from: "eventRecordFormat === 'JSON' ? json : frame.content;",
    to: 'frame.content;',
  },
  {
    row: 'S-06',
    file: 'schema/attributes.ts',
    from: "eventRecordFormat === 'JSON' ? json : frame.content;",
    to: "eventRecordFormat === 'JSON' ? json : bytes;",
  },
  {
    row: 'S-07',
    file: 'schema/attributes.ts',
    from: 'metadata = { ...metadata, [name]: one };',
    to: 'metadata = { key: one, value: one };',
  },
  {
    row: 'S-08/2',
    file: 'schema/access.ts',
    from: "secretOf(registry, ['BASIC_AUTH'], LOGIN, readSecret)",
    to: 'undefined',
  },

  // Security
  {
    row: 'X-01',
    file: 'access/security.ts',
    from: 'return { ssl, sasl: { mechanism, ...login } as SASLOptions };',
    to: 'return { sasl: { mechanism, ...login } as SASLOptions };',
    by: 'access/security.test.ts',
  },
  {
    row: 'X-01',
    file: 'access/security.ts',
    from: "SASL_SCRAM_256_AUTH: 'scram-sha-256',",
    to: "SASL_SCRAM_256_AUTH: 'plain',",
    by: 'access/security.test.ts',
  },
  {
    row: 'X-04',
    file: 'access/security.ts',
    from: 'if (found.privateKeyPassword) ssl.passphrase = found.privateKeyPassword;',
    to: '',
  },
  {
    row: 'X-05',
    file: 'access/security.ts',
    from: 'ssl.ca = found.certificate;',
    to: '',
    by: 'access/security.test.ts',
  },
  {
    row: 'X-06',
    file: 'access/security.ts',
    from: "if (source.eventSource === 'aws:kafka' && !client) {",
    to: "if (source.eventSource === 'aws:kafka' && client) {",
  },
  {
    row: 'X-07',
    file: 'access/security.ts',
    from: 'return authority || client ? { ssl } : {};',
    to: 'return { ssl };',
  },
  {
    row: 'X-21/2',
    file: 'access/secret.ts',
    from: 'const value = process.env[environment];',
    to: 'const value = process.env[uri];',
    by: 'access/security.test.ts',
  },

  // Kinds of functions
  {
    row: 'H-01',
    file: 'admission/functions.ts',
    from: 'if (qualifier === undefined) {',
    to: 'if (qualifier === undefined && fn.durableConfig !== undefined) {',
  },
  {
    row: 'H-02',
    file: 'admission/functions.ts',
    from: 'const MAX_EXECUTION_SECONDS = 900;',
    to: 'const MAX_EXECUTION_SECONDS = 901;',
  },
  {
    row: 'H-03',
    file: 'definition.ts',
    from: 'const { timeoutSeconds: executionSeconds } = features.durable ?? {};',
    to: 'const executionSeconds = features.durable ? fn.timeoutSeconds : undefined;',
  },
  {
    row: 'H-06',
    file: 'delivery/throughput.ts',
    from: 'bytesPerSecond: 1 * MB,',
    to: 'bytesPerSecond: 5 * MB,',
  },
  {
    row: 'H-08',
    file: 'lambda/handler.ts',
    from: 'if (handler.length >= 3) throw',
    to: 'if (handler.length > 3) throw',
    by: 'lambda/handler.test.ts',
  },
  {
    row: 'H-08',
    file: 'lambda/handler.ts',
    from: 'return handler(event, others);',
    to: 'return handler(event, context);',
    by: 'lambda/handler.test.ts',
  },
  {
    row: 'H-08/2',
    file: 'lambda/handler.ts',
    from: 'if (callbackError === undefined) return withCallback(handler, busy);',
    to: "if (callbackError === '') return withCallback(handler, busy);",
    by: 'lambda/handler.test.ts',
  },
  {
    row: 'H-09',
    file: 'lambda/handler.ts',
    from: 'return handler(event, others);',
    to: 'return handler(event, others) || null;',
    by: 'lambda/handler.test.ts',
  },
  {
    row: 'H-09/2',
    file: 'lambda/handler.ts',
    from: 'undefined : Promise.resolve(null);',
    to: 'undefined : Promise.resolve(returned);',
  },

  // Queue mode
  { row: 'U-01', ...NO_TURNS },
];
