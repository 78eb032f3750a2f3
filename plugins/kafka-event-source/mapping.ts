/** One event source mapping, as it is deployed and as it runs here. */
import type { EventSource } from './event.ts';
import type { Settings } from './settings/settings.ts';

export interface Mapping extends Settings {
  /** The mapping's name in messages: the function, and the topic. */
  readonly name: string;
  /** Its resource in the deployed template. */
  readonly logicalId: string;
  /** Derived from service, stage and resource, so that it is the same at each start. */
  readonly uuid: string;
  readonly functionKey: string;
  readonly functionName: string;
  /** The alias or version that the mapping is deployed with; only deployed functions have one. */
  readonly qualifier?: string;
  /** Without a qualifier. */
  readonly functionArn: string;
  readonly timeoutMs: number;
  /** The time limit of a durable function's whole execution. */
  readonly executionMs?: number;
  /** AWS's message for a handler with a callback; undefined where callbacks are allowed. */
  readonly callbackError?: string;
  /** Whether the pollers keep AWS's limits of throughput. */
  readonly limits?: 'aws';
  /** Whether the function runs on managed instances. */
  readonly isManaged?: boolean;
  /** The function's reserved concurrency; further invocations are throttled. */
  readonly reservedConcurrency?: number;
  readonly source: EventSource;
  readonly topic: string;
  /** The servers polled here, which may not be the deployed ones. */
  readonly bootstrapServers: readonly string[];
  readonly groupId: string;
  /** AWS drops records if sending them to the destination fails; here they are kept by default. */
  readonly dropWhenDestinationFails: boolean;
  readonly schemaRegistry?: SchemaRegistry;
  /** The deployed access configurations. */
  readonly access: readonly Access[];
  readonly connection: Connection;
  readonly endpoints: Endpoints;
  /** The address at which the function is invoked; serverless-offline's if it is not set. */
  readonly lambdaEndpoint?: string;
}

export interface SchemaRegistry {
  /** An HTTP address, or the ARN of a Glue registry. */
  readonly uri: string;
  readonly eventRecordFormat: 'JSON' | 'SOURCE';
  readonly access: readonly Access[];
  /** The attributes that are checked against their schemas; not empty. */
  readonly attributes: readonly ('KEY' | 'VALUE')[];
}

export interface Access {
  /** Such as SASL_SCRAM_512_AUTH. */
  readonly type: string;
  /** Mostly the ARN of a secret. */
  readonly uri: string;
}

/** The connection to the servers on this machine. */
export interface Connection {
  /** Whether to use the deployed access configurations; by default with the deployed servers only. */
  readonly useDeployedAccess: boolean;
  readonly ssl?: boolean | Ssl;
  readonly sasl?: Sasl;
  /** Local contents of deployed secrets, by ARN. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
}

/** Paths of files in PEM form, relative to the service's folder. */
export interface Ssl {
  readonly ca?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  readonly rejectUnauthorized?: boolean;
}

export type Sasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: 'aws-msk-iam'; readonly region?: string };

type SecretSource = { readonly file: string } | { readonly environment: string };

/** Local addresses of AWS's services and of the registry; the SDK's own if one is not set. */
export interface Endpoints {
  readonly region: string;
  readonly sqs?: string;
  readonly sns?: string;
  readonly s3?: string;
  readonly secretsManager?: string;
  readonly schemaRegistry?: string;
}

/** The ARN that the mapping would have in the account of this machine. */
export function mappingArn({ functionArn, uuid }: Pick<Mapping, 'functionArn' | 'uuid'>): string {
  return functionArn.replace(/:function:.*/, `:event-source-mapping:${uuid}`);
}

/** The topic of a mapping, and that of its destination if there is one. */
export function topicsOf({ topic, destination }: Mapping): string[] {
  return destination?.kind === 'kafka' ? [topic, destination.topic] : [topic];
}
