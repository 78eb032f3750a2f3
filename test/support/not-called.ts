/** A permission that our code does not use, and its user. */
export type NotCalled = { by: string; page: string };

const LAMBDA = 'https://docs.aws.amazon.com/lambda/latest/dg';
const LOGS = {
  by: "Lambda, for the function's log",
  page: `${LAMBDA}/monitoring-cloudwatchlogs.html`,
};
const TRACES = {
  by: 'Lambda, and the collector in its layer, for X-Ray',
  page: `${LAMBDA}/services-xray.html`,
};
const INTERFACES = {
  by: 'Lambda, to put a function into a VPC',
  page: `${LAMBDA}/configuration-vpc.html`,
};
const MSK_POLLERS = { by: "Lambda's pollers of MSK", page: `${LAMBDA}/with-msk-permissions.html` };
const POLLERS = { by: "Lambda's pollers in a VPC", page: `${LAMBDA}/with-kafka-permissions.html` };
const BROKERS = {
  by: "MSK's brokers, at the sign-in by IAM and after it",
  page: 'https://docs.aws.amazon.com/msk/latest/developerguide/kafka-actions.html',
};

/** The actions that a role may hold although no run of a bundle asks an HTTP service for them. */
export const NOT_CALLED: Record<string, NotCalled> = {
  'logs:CreateLogStream': LOGS,
  'logs:PutLogEvents': LOGS,
  'xray:PutTraceSegments': TRACES,
  'xray:PutTelemetryRecords': TRACES,
  'ec2:CreateNetworkInterface': INTERFACES,
  'ec2:DescribeNetworkInterfaces': INTERFACES,
  'ec2:DescribeSubnets': INTERFACES,
  'ec2:DeleteNetworkInterface': INTERFACES,
  'ec2:AssignPrivateIpAddresses': INTERFACES,
  'ec2:UnassignPrivateIpAddresses': INTERFACES,
  'ec2:DescribeVpcs': POLLERS,
  'ec2:DescribeSecurityGroups': POLLERS,
  'kafka:DescribeClusterV2': MSK_POLLERS,
  'kafka:GetBootstrapBrokers': MSK_POLLERS,
  'kafka-cluster:Connect': BROKERS,
  'kafka-cluster:DescribeTopic': BROKERS,
  'kafka-cluster:WriteData': BROKERS,
  'kafka-cluster:ReadData': BROKERS,
  'kafka-cluster:DescribeGroup': BROKERS,
  'kafka-cluster:AlterGroup': BROKERS,
  'kafka-cluster:DescribeClusterDynamicConfiguration': BROKERS,
  'kms:Decrypt': {
    by: 'Secrets Manager, for who reads a secret under a key of ours',
    page: 'https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html',
  },
};

/** Services whose every permission must be used by a run. */
export const CALLED = /^(dynamodb|secretsmanager|ses|sns):/;
