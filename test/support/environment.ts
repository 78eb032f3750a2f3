// The names that serverless.yml sets for a function, so that handlers load. Tests that touch the real
// services bring their own names and the addresses of the services that were started for them.
const names = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  ORDERS_TABLE: 'orders-of-a-test',
  ORDER_EVENTS_TOPIC: 'order-events-of-a-test',
  ORDER_EVENTS_DLQ: 'order-events-dlq-of-a-test',
  KAFKA_BROKERS: 'localhost:1',
  AUTH: 'off',
  NOTIFICATION_EMAIL: 'mock',
  NOTIFICATION_SMS: 'mock',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  POWERTOOLS_METRICS_DISABLED: 'true',
};

for (const [name, value] of Object.entries(names)) process.env[name] ??= value;
