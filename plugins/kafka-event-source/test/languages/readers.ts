/** The readers of other languages, and where each is known to disagree. */
import type { Member } from './reading.ts';
import type { Language } from './toolchains.ts';

/** A disagreement that is expected; if it does not occur any more, the check fails. */
export interface Known {
  /** The kinds of payloads; all if absent. */
  readonly payloads?: readonly string[];
  /** Matches each of its differences, or the reader's message. */
  readonly seen: RegExp;
  readonly because: string;
}

export interface Reader {
  readonly language: Language;
  /** As its program prints it. */
  readonly name: string;
  /** The libraries of the reader, as they are pinned. */
  readonly libraries: readonly string[];
  /** The members of an event that the reader has. */
  readonly members: readonly Member[];
  readonly known: readonly Known[];
}

const SOURCE = ['eventSource', 'eventSourceArn', 'bootstrapServers'] as const;
const ALL = [...SOURCE, 'partitions', 'records'] as const;

const EMPTY_FOR_NULL: Known = {
  payloads: ['null key', 'null value'],
  seen: /^records\.0\.(key|value): "" instead of null$/,
  because: 'its strings have no null: an absent key or value reads as an empty one',
};

const noSchema = (seen: RegExp): Known => ({
  payloads: ['schemas of key and value'],
  seen,
  because: "its types have no members for the schema metadata, which AWS's events have as well",
});

/** Python's libraries demand a value. */
const noTombstone = (seen: RegExp): Known => ({
  payloads: ['null value'],
  seen,
  because: 'it demands a value, and a tombstone has none, on AWS either',
});

/** Python's libraries make one dictionary of all headers. */
const ONE_DICTIONARY: readonly Known[] = [
  {
    payloads: ['headers of one name'],
    seen: /^records\.0\.headers\.[12]: null instead of/,
    because: 'its dictionary of headers keeps only the last one of a name',
  },
  {
    payloads: ['names of headers'],
    seen: /^records\.0\.headers\.1\.0: "content-type" instead of "Content-Type"$/,
    because: 'its dictionary of headers has the names in lower case',
  },
];

const notText = (payloads: readonly string[], seen: RegExp): Known => ({
  payloads,
  seen,
  because: 'it makes text of the bytes, and the bytes are not UTF-8, on AWS either',
});

export const READERS: readonly Reader[] = [
  {
    language: 'go',
    name: 'KafkaEvent',
    libraries: ['github.com/aws/aws-lambda-go'],
    members: ALL,
    known: [EMPTY_FOR_NULL, noSchema(/^records\.0\.(key|value)Schema: null instead of/)],
  },
  {
    language: 'go',
    name: 'KafkaEvent, unknown fields refused',
    libraries: ['github.com/aws/aws-lambda-go'],
    members: ALL,
    known: [EMPTY_FOR_NULL, noSchema(/^json: unknown field "keySchemaMetadata"$/)],
  },
  {
    language: 'java',
    name: "KafkaEvent, the runtime's serialization",
    libraries: ['aws-lambda-java-events', 'aws-lambda-java-serialization'],
    members: ALL,
    known: [],
  },
  {
    language: 'java',
    name: 'KafkaEvent, unknown properties refused',
    libraries: ['aws-lambda-java-events'],
    members: ALL,
    known: [],
  },
  {
    language: 'rust',
    name: 'KafkaEvent',
    libraries: ['aws_lambda_events'],
    members: [...ALL, 'unknown'],
    known: [
      noSchema(
        /^(records\.0\.(key|value)Schema: null instead of|unknown\.[01]: .*SchemaMetadata")/,
      ),
      {
        payloads: ['odd milliseconds'],
        seen: /^records\.\d\.timestamp: \d+2 instead of \d+3$/,
        because:
          'it counts the seconds in floating point, so that some times are a millisecond early',
      },
    ],
  },
  {
    language: 'python',
    name: 'KafkaEvent',
    libraries: ['aws-lambda-powertools'],
    members: [...SOURCE, 'records'],
    known: [noTombstone(/^KeyError: 'value'$/), ...ONE_DICTIONARY],
  },
  {
    language: 'python',
    name: 'kafka_consumer',
    libraries: ['aws-lambda-powertools'],
    members: [...SOURCE, 'records'],
    known: [
      noTombstone(/^KeyError: 'value'$/),
      {
        payloads: ['empty key and value'],
        seen: /^records\.0\.key: null instead of ""$/,
        because: 'it takes an empty key for none',
      },
      notText(['key that is not UTF-8', 'value that is not UTF-8'], /^UnicodeDecodeError: 'utf-8'/),
      ...ONE_DICTIONARY,
    ],
  },
  {
    language: 'python',
    name: 'parser, Kafka models',
    libraries: ['aws-lambda-powertools'],
    members: ALL,
    known: [
      noTombstone(
        /^ValidationError: 1 validation error .* records\.orders-0\.0\.value Field required/,
      ),
      notText(
        ['value that is not UTF-8'],
        /^ValidationError: 1 validation error .* records\.orders-0\.0\.value Value error, 'utf-8'/,
      ),
    ],
  },
  {
    language: 'python',
    name: 'BatchProcessor',
    libraries: ['aws-lambda-powertools'],
    members: ['records', 'answer'],
    known: [
      noTombstone(/^BatchProcessingError: All records failed processing\..* KeyError: 'value'/),
      ...ONE_DICTIONARY,
    ],
  },
];
