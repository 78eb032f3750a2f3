// The environment that serverless.yml sets for a function, before the functions are loaded.
'use strict';

Object.assign(process.env, {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  ORDERS_TABLE: 'unused',
  ORDER_EVENTS_TOPIC: 'unused',
  ORDER_EVENTS_DLQ: 'unused',
  KAFKA_BROKERS: 'localhost:1',
  AUTH: 'off',
  NOTIFICATION_EMAIL: 'mock',
  NOTIFICATION_SMS: 'mock',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  POWERTOOLS_METRICS_DISABLED: 'true',
});
