type Names = Record<'table' | 'events' | 'deadLetters' | 'group', string>;

declare const names: {
  (variables: { resolveVariable(address: string): Promise<string> }): Promise<Names>;
  namesOf(stage: string, env: Record<string, string | undefined>): Names;
};
export = names;
