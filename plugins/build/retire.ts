import type { Instance, LambdaClass } from './lambda.ts';

/**
 * Makes serverless-offline's warm instances replaceable. It keeps them for ever, or, with
 * `reloadHandler`, for one call only; here an instance that was made before the latest rebuild loads
 * its code anew when it is next used. An instance that is busy at the rebuild ends its call in peace.
 *
 * @returns what is to be called after a rebuild
 */
export function retireOnRebuild(
  { prototype }: LambdaClass,
  report: (error: unknown) => void,
): () => void {
  let builds = 0;
  const loadedAt = new WeakMap<Instance, number>();
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
