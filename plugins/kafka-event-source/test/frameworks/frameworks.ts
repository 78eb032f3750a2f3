/** The frameworks that the plugin runs in, with the Nodes that it is tried with in each. */

export const OFFLINE = 'serverless-offline';

export interface Framework {
  readonly name: string;
  readonly packages: readonly string[];
  readonly nodes: readonly string[];
}

export const FRAMEWORKS: readonly Framework[] = [
  {
    name: 'osls 4',
    packages: ['serverless@npm:osls@4', `${OFFLINE}@14`],
    nodes: ['20', '22.15.0', '22', '24', '26'],
  },
  {
    name: 'osls 3',
    packages: ['serverless@npm:osls@3', `${OFFLINE}@13`],
    nodes: ['22.15.0', '24'],
  },
  {
    name: 'Serverless Framework 3',
    packages: ['serverless@3.40.0', `${OFFLINE}@13`],
    nodes: ['22.15.0', '24'],
  },
];
