/** A topic as serverless.yml wants it. */
export type Wanted = { name: string; partitions: number; retentionDays: number };

/** The parts of serverless.yml that say so. */
export type Service = {
  custom: {
    names: { events: string };
    topics: { name: string; partitions: number }[];
    retentionDays: { events: number; others: number };
  };
};

export function wantedTopics({ custom: { names, topics, retentionDays } }: Service): Wanted[] {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions,
    retentionDays: name === names.events ? retentionDays.events : retentionDays.others,
  }));
}
