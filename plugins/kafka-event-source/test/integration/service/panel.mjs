/** Makes the panel "Baskets": the path of one basket, whose id is the key of its records. */
export function createPanel({ settings, recorder }) {
  const { topic } = settings;
  return {
    name: 'baskets',
    title: 'Baskets',
    said: 'The path of one basket.',
    inputs: [{ name: 'basket', label: 'Basket id' }],
    // Records of these topics have a link to the panel, with their key as the value of the input.
    records: { topics: [topic], key: 'basket' },

    /** Answers the view. The page asks for it again when something has happened. */
    async read({ basket }) {
      if (!basket) return { title: 'Baskets', said: 'Give the id of a basket.', sections: [] };
      const { items } = await recorder.records({ topic, key: basket });
      const steps = items.map(({ partition, offset, mapping, state, seenAt, valuePreview }) => ({
        title: {
          text: `${topic} ${partition}:${offset}`,
          link: { record: { mapping, topic, partition, offset } },
        },
        at: seenAt,
        state: { tone: state === 'done' ? 'ok' : 'warn', words: state },
        ...(state !== 'done' && { waitsFor: 'an answer of the function.' }),
        facts: [['Value', valuePreview ?? 'none']],
        previews: [
          { kind: 'html', label: 'Receipt', query: { text: valuePreview ?? '' }, isOpen: true },
          { kind: 'message', label: 'SMS', text: `We have ${valuePreview}.`, isOpen: true },
        ],
      }));
      return { title: `Basket ${basket}`, sections: [{ title: 'Records', steps }] };
    },

    /** Answers the HTML of a preview. The page shows it in a frame without scripts. */
    frame: ({ text = '' }) =>
      `<!doctype html><title>Receipt</title><p style="color: teal">${text}</p>`,
  };
}
