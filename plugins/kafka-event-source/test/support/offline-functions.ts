/** serverless-offline's functions in this process, changed by the plugin as under `sls offline start`. */
import { freePort } from '../../broker/ports.ts';
import { type Functions, guardHandlers, mendAnswers } from '../../lambda/serverless-offline.ts';

/** serverless-offline's own value, in seconds. */
const IDLE_SECONDS = 60;

interface Lambda extends Functions {
  create(functions: readonly object[]): void;
  start(): Promise<void>;
  stop(timeout: number): Promise<void>;
  cleanup(): Promise<void>;
}
type LambdaClass = new (serverless: object, options: object) => Lambda;

/**
 * Starts the functions of a folder, with serverless-offline's HTTP server.
 *
 * @param handlers by the names of their functions
 */
export async function startFunctions(folder: string, handlers: Readonly<Record<string, string>>) {
  const names = Object.keys(handlers);
  const guard = await guardHandlers(() => undefined);
  const unmend = await mendAnswers(new Map(names.map((name) => [name, undefined])));
  const module: string = 'serverless-offline/lambda';
  const { default: Lambda } = (await import(module)) as { default: LambdaClass };
  const [host, lambdaPort] = ['127.0.0.1', await freePort()];
  const create = () => {
    const lambda = new Lambda(
      {
        service: { service: 'test', provider: { name: 'aws', region: 'us-east-1' } },
        config: { serverlessPath: folder, servicePath: folder },
        serviceDir: folder,
      },
      { host, lambdaPort, terminateIdleLambdaTime: IDLE_SECONDS },
    );
    lambda.create(
      names.map((name) => {
        const definition = { handler: handlers[name], name, runtime: 'nodejs24.x', timeout: 5 };
        return { functionKey: name, functionDefinition: definition };
      }),
    );
    return lambda;
  };
  const lambda = create();
  await lambda.start();
  return {
    endpoint: `http://${host}:${lambdaPort}`,
    functions: guard.functions,
    /** Calls a function as another plugin does, which has functions of its own. */
    callAsOther: async (name: string) => {
      const others = create();
      const instance = others.getByFunctionName(name);
      instance.setEvent({});
      await instance.runHandler();
      await others.cleanup();
    },
    stop: async () => {
      guard.end();
      unmend();
      await lambda.stop(0);
      await lambda.cleanup();
    },
  };
}
