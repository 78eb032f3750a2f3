/** Every path of the HTTP API with its methods, as serverless.yml routes them. A test compares. */
export const ROUTES = [
  { path: '/api/orders', methods: ['POST'] },
  { path: '/api/orders/{id}', methods: ['GET'] },
  { path: '/api/orders/{id}/status', methods: ['PUT'] },
  { path: '/api/orders/{id}/events', methods: ['GET'] },
  { path: '/api/orders/customer/{customerId}', methods: ['GET'] },
  { path: '/api/customers/{customerId}/preferences', methods: ['GET', 'PUT'] },
  { path: '/api/unsubscribe/{token}', methods: ['GET', 'POST'] },
  { path: '/api/notifications', methods: ['GET'] },
  { path: '/api/health', methods: ['GET'] },
  { path: '/api/docs', methods: ['GET'] },
  { path: '/api/openapi.json', methods: ['GET'] },
] as const satisfies { path: string; methods: string[] }[];

type Method = (typeof ROUTES)[number]['methods'][number];

/** The methods of all routes that fit the address; undefined when no route fits. */
export function methodsAt(path: string): readonly Method[] | undefined {
  const methods = ROUTES.filter((route) => fits(route.path, path)).flatMap(
    (route): readonly Method[] => route.methods,
  );
  return methods.length > 0 ? [...new Set(methods)].toSorted() : undefined;
}

/** True if the path fits the pattern, such as `/api/orders/{id}`. */
export function fits(pattern: string, path: string): boolean {
  const [wanted, parts] = [pattern.split('/'), path.split('/')];
  return (
    wanted.length === parts.length &&
    wanted.every((want, i) => (isVariable(want) ? parts[i] !== '' : parts[i] === want))
  );
}

function isVariable(part: string): boolean {
  return part.startsWith('{');
}

/** A method and its path, as serverless.yml writes them: `GET /api/orders/{id}`. */
export type Route = RouteOf<(typeof ROUTES)[number]>;

type RouteOf<Row> = Row extends { path: string; methods: readonly string[] }
  ? `${Row['methods'][number]} ${Row['path']}`
  : never;
