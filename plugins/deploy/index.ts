/** Serverless plugin: metrics of the Kafka mappings, and a name for each that alarms can refer to. */
import { countEvents, nameMappings, type Template } from './mappings.ts';

type Serverless = {
  getProvider(name: 'aws'): {
    naming: { getLambdaLogicalId(key: string): string };
  };
  service: {
    provider: { compiledCloudFormationTemplate: Template };
    getAllFunctions(): string[];
  };
};

/**
 * The framework names a mapping by its function, cluster and topic, so by values of the environment.
 * Here `{ Ref: NotifyMapping }` is the one Kafka mapping of `notify`, whatever it is called. Each
 * counts its events, those that went to the destination among them.
 */
export default class Mappings {
  readonly hooks = {
    'after:aws:package:finalize:mergeCustomProviderResources': () => this.#write(),
  };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
  }

  #write(): void {
    const { service } = this.#serverless;
    const { naming } = this.#serverless.getProvider('aws');
    const functions = service.getAllFunctions().map((key) => naming.getLambdaLogicalId(key));
    const { provider } = service;
    countEvents(provider.compiledCloudFormationTemplate);
    nameMappings(provider.compiledCloudFormationTemplate, functions);
  }
}
