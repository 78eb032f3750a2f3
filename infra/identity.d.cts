type Values = Readonly<Record<string, string | number | undefined>>;

type Identity = Record<string, string> & Record<'AUTH' | 'AUTH_ISSUER', string>;

declare const identity: {
  (variables: { resolveVariable(address: string): Promise<unknown> }): Promise<Identity>;
  identityOf(stage: string, own: Values, env: Values, written: Values): Identity;
  writtenByStart(file?: string): Values;
  VARIABLES: string[];
};
export = identity;
