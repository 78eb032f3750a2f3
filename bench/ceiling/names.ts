/** The stages of an order's life, as `--only` names them. */
export const STAGES = ['post', 'update', 'notify', 'relay', 'emulator'] as const;

export type StageName = (typeof STAGES)[number];
