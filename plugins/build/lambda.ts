/** What one call does with an instance. */
export type Call = {
  setEvent(event: unknown): void;
  setClientContext(context: unknown): void;
  runHandler(): Promise<unknown>;
};

/** An instance of a function; `cleanup` ends its worker thread, and its next call makes a new one. */
export type Instance = Call & { cleanup(): Promise<void> };

/** serverless-offline's class by which it gets an instance for each call. */
export type LambdaClass<I = Instance> = {
  prototype: {
    get(functionKey: string): I;
    /** Only Lambda's Invoke calls this method; the method calls `get`. */
    getByFunctionName(functionName: string): I;
  };
};

/** From serverless-offline's own exports; the package is written in JavaScript and has no types. */
export async function lambdaClass(): Promise<LambdaClass> {
  const module: string = 'serverless-offline/lambda';
  const { default: Lambda } = (await import(module)) as { default: LambdaClass };
  return Lambda;
}
