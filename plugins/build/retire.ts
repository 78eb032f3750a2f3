type Instance = { cleanup(): Promise<void> };
type LambdaClass = { prototype: { get(functionKey: string): Instance } };

/**
 * Makes serverless-offline's warm instances replaceable. It keeps them for ever, or, with
 * `reloadHandler`, for one call only; here an instance that was made before the latest rebuild loads
 * its code anew when it is next used. An instance that is busy at the rebuild ends its call in peace.
 *
 * @returns what is to be called after a rebuild
 */
export async function retireOnRebuild(report: (error: unknown) => void): Promise<() => void> {
  let builds = 0;
  const loadedAt = new WeakMap<Instance, number>();
  const { prototype } = await lambdaClass();
  const get = prototype.get;
  prototype.get = function getFresh(functionKey) {
    const instance = get.call(this, functionKey);
    const isStale = (loadedAt.get(instance) ?? builds) < builds;
    // Ends the worker thread; the instance makes a new one at its next run.
    if (isStale) instance.cleanup().catch(report);
    loadedAt.set(instance, builds);
    return instance;
  };
  return () => {
    builds += 1;
  };
}

/** From serverless-offline's own exports; the package is written in JavaScript and has no types. */
async function lambdaClass(): Promise<LambdaClass> {
  const module: string = 'serverless-offline/lambda';
  const { default: Lambda } = (await import(module)) as { default: LambdaClass };
  return Lambda;
}
