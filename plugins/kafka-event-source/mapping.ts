/** One event source mapping, as it is deployed and as it runs here. */
import type { EventSource } from './event.ts';
import type { Settings } from './settings/settings.ts';

export interface Mapping extends Settings {
  /** What the mapping is called in messages: the function, and the topic. */
  readonly name: string;
  /** Its resource in the deployed template. */
  readonly logicalId: string;
  /** Made of service, stage and resource, so that it is the same at every start. */
  readonly uuid: string;
  readonly functionKey: string;
  readonly functionName: string;
  /** Without a qualifier. */
  readonly functionArn: string;
  readonly timeoutMs: number;
  /** The function's; what exceeds it is throttled. */
  readonly reservedConcurrency?: number;
  readonly source: EventSource;
  readonly topic: string;
  /** The servers polled here, which may not be the deployed ones. */
  readonly bootstrapServers: readonly string[];
  readonly groupId: string;
  /** AWS drops records that their destination does not take; here they are kept by default. */
  readonly dropWhenDestinationFails: boolean;
  readonly schemaRegistry?: SchemaRegistry;
  /** The deployed access configurations. */
  readonly access: readonly Access[];
  readonly connection: Connection;
  readonly endpoints: Endpoints;
}

export interface SchemaRegistry {
  /** An HTTP address, or the ARN of a Glue registry. */
  readonly uri: string;
  readonly eventRecordFormat: 'JSON' | 'SOURCE';
  readonly access: readonly Access[];
  /** The attributes that are validated; not empty. */
  readonly attributes: readonly ('KEY' | 'VALUE')[];
}

export interface Access {
  /** Such as SASL_SCRAM_512_AUTH. */
  readonly type: string;
  /** Mostly the ARN of a secret. */
  readonly uri: string;
}

/** How the servers are reached here. */
export interface Connection {
  /** Whether the deployed access configurations hold: by default when the deployed servers do. */
  readonly useDeployedAccess: boolean;
  readonly ssl?: boolean | Ssl;
  readonly sasl?: Sasl;
  /** Where the content of a deployed secret is found instead, by its ARN. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
}

/** Files in PEM form, from the service's folder. */
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

export type SecretSource = { readonly file: string } | { readonly environment: string };

/** Where AWS's services and the registry are reached here; without one, the SDK's own. */
export interface Endpoints {
  readonly region: string;
  readonly sqs?: string;
  readonly sns?: string;
  readonly s3?: string;
  readonly secretsManager?: string;
  readonly schemaRegistry?: string;
}
