type Values = Readonly<Record<string, string | undefined>>;

type Choices = Record<'kafka' | 'kafkaNetwork' | 'reserve', string>;

declare const choices: {
  (variables: { resolveVariable(address: string): Promise<unknown> }): Promise<Choices>;
  checkChoices(own: Values, env: Values): void;
};
export = choices;
