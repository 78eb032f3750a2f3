/** The order system's own panel of the emulator's page (`console.panels` in serverless.yml). */
import type { Panel, PanelContext } from '../../plugins/kafka-event-source/console/panel.ts';
import type { OrderReader } from './reader.ts';

/** Makes the panel. Its settings are the environment of the functions. */
export function createPanel(context: PanelContext): Panel {
  let reader: Promise<OrderReader> | undefined;
  // The start of the emulator does not wait for the code that reads.
  const opened = () => {
    reader ??= import('./reader.ts').then(({ openReader }) => openReader(context));
    return reader;
  };
  return {
    name: 'orders',
    title: 'Orders',
    said: 'The whole path of one order: from its request to each message.',
    inputs: [
      { name: 'order', label: 'Order id' },
      { name: 'customer', label: 'Customer id' },
    ],
    records: { topics: [String(context.settings.ORDER_EVENTS_TOPIC)], key: 'order' },
    async read({ order, customer }) {
      const { order: ofOrder, customer: ofCustomer, newest } = await opened();
      if (order) return ofOrder(order);
      return customer ? ofCustomer(customer) : newest();
    },
    async frame({ order = '', notification = '' }) {
      return (await opened()).email(order, notification);
    },
  };
}
