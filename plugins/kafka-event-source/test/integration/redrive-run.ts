/** A redrive in a process of its own, which prints each outcome. The argument has its topic and servers. */
import { redrive } from '../../commands/redrive.ts';
import { readSelection } from '../../commands/redrive-options.ts';
import { loadClient } from '../../protocol/client.ts';

const { topic, servers } = JSON.parse(process.argv[2] ?? '') as {
  topic: string;
  servers: string[];
};
const { kafkajs } = loadClient();
const logLevel = kafkajs.logLevel.NOTHING;
await redrive({
  kafka: new kafkajs.Kafka({ brokers: servers, logLevel }),
  servers,
  topic,
  selection: readSelection({ all: true }),
  found: (row) => console.log(JSON.stringify(row)),
});
