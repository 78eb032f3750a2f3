declare class Refusal extends Error {}
export = Refusal;
