/** A topic as serverless.yml wants it. */
export type Wanted = Topic & { retentionDays: number };

/** `maxMessageBytes`: Kafka's own limit where it is absent. */
type Topic = { name: string; partitions: number; maxMessageBytes?: number };

/** The parts of serverless.yml that say so. */
export type Service = {
  custom: {
    names: { events: string };
    topics: Topic[];
    retentionDays: { events: number; others: number };
  };
};

export function wantedTopics({ custom: { names, topics, retentionDays } }: Service): Wanted[] {
  return topics.map((topic) => ({
    ...topic,
    retentionDays: topic.name === names.events ? retentionDays.events : retentionDays.others,
  }));
}
