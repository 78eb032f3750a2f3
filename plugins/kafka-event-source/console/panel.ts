/** A panel of the service's own on the page: the answers that it may give, and what its module makes. */
import { z } from 'zod';
import type { RecorderReader } from '../recorder/types.ts';

/** Values of the panel's inputs. */
const query = z.record(z.string(), z.string());

/** A place of the page. No other address can be given, so that no value of a record becomes one. */
const link = z.union([
  z.strictObject({
    record: z.strictObject({
      mapping: z.string(),
      topic: z.string(),
      topicId: z.string().optional(),
      partition: z.int().min(0),
      offset: z.string(),
    }),
  }),
  z.strictObject({ invocation: z.string() }),
  z.strictObject({ trace: z.string() }),
  /** The same panel with other input. */
  z.strictObject({ panel: query }),
]);

/** A text, which may be a link, or a time in milliseconds since 1970. */
const text = z.union([
  z.string(),
  z.strictObject({ text: z.string(), link: link.optional() }),
  z.strictObject({ at: z.number() }),
]);

const state = z.strictObject({
  tone: z.enum(['ok', 'warn', 'bad', 'busy', 'idle']),
  words: z.string(),
});

const facts = z.array(z.tuple([z.string(), text]));

const previewBase = { label: z.string(), isOpen: z.boolean().optional() };
const preview = z.discriminatedUnion('kind', [
  /** HTML that the panel's `frame` answers for this query. It is shown in a frame without scripts. */
  z.strictObject({ ...previewBase, kind: z.literal('html'), query }),
  /** A short message, as a phone shows it. */
  z.strictObject({ ...previewBase, kind: z.literal('message'), text: z.string() }),
  z.strictObject({ ...previewBase, kind: z.literal('text'), text: z.string() }),
]);

const step = z.strictObject({
  title: text,
  at: z.number().optional(),
  state: state.optional(),
  said: z.string().optional(),
  /** The reason why it does not go on, and what has to happen. */
  waitsFor: z.string().optional(),
  facts: facts.optional(),
  previews: z.array(preview).optional(),
});

const section = z.strictObject({
  title: z.string(),
  facts: facts.optional(),
  table: z
    .strictObject({ columns: z.array(z.string()).min(1), rows: z.array(z.array(text)) })
    .optional(),
  steps: z.array(step).optional(),
});

export const viewSchema = z.strictObject({
  title: z.string(),
  state: state.optional(),
  said: z.string().optional(),
  sections: z.array(section),
});

export type PanelView = z.infer<typeof viewSchema>;
export type PanelSection = z.infer<typeof section>;
export type PanelStep = z.infer<typeof step>;
export type PanelPreview = z.infer<typeof preview>;
export type PanelText = z.infer<typeof text>;
export type PanelState = z.infer<typeof state>;
export type PanelLink = z.infer<typeof link>;
export type PanelQuery = z.infer<typeof query>;

const described = {
  /** A part of its address. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, 'must be a word of small letters'),
  /** Its name in the menu. */
  title: z.string().min(1),
  said: z.string().optional(),
  inputs: z
    .array(
      z.strictObject({
        name: z.string().regex(/^\w{1,40}$/),
        label: z.string().min(1),
        hint: z.string().optional(),
      }),
    )
    .default([]),
  /** Records of these topics have a link to the panel: their key is the value of the input `key`. */
  records: z.strictObject({ topics: z.array(z.string()), key: z.string() }).optional(),
};

const calls = z.custom<(query: PanelQuery) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
);

/** Its methods stay its own, because the panel may be of a class. */
export const panelSchema = z.looseObject({ ...described, read: calls, frame: calls.optional() });

/** The description of a panel, which the page shows before the panel's own answer. */
export const describedSchema = z.object(described);

export type DescribedPanel = z.infer<typeof describedSchema>;

export interface Panel extends z.input<typeof describedSchema> {
  /** Answers the view for these values of the inputs; those that are not given are left out. */
  read(query: PanelQuery): Promise<PanelView> | PanelView;
  /** The HTML of a preview; undefined if there is none. */
  frame?(query: PanelQuery): Promise<string | undefined> | string | undefined;
}

/** The argument of `createPanel`: the service, the panel's settings, and the recorder. */
export interface PanelContext {
  readonly service: string;
  readonly stage: string;
  readonly region: string;
  readonly folder: string;
  /** The panel's settings. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Undefined if nothing is recorded. */
  readonly recorder: RecorderReader | undefined;
}

/** The function that a panel's module exports under the name `createPanel`. */
export type CreatePanel = (context: PanelContext) => Promise<Panel> | Panel;
