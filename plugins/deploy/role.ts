/** A statement of an IAM policy. */
export type Statement = {
  Effect: 'Allow' | 'Deny';
  Action: string[];
  Resource: unknown;
  Condition?: object;
};

/** The role of one function, as CloudFormation takes it. */
export function roleOf(given: {
  functionName: string;
  logGroup: string;
  inVpc: boolean;
  statements: Statement[];
}) {
  const Statement = [
    writeLog(given.logGroup),
    TRACE,
    ...(given.inVpc ? [JOIN_VPC, keepCodeFromVpc(given.functionName)] : []),
    ...given.statements,
  ];
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'lambda.amazonaws.com' },
            Action: 'sts:AssumeRole',
          },
        ],
      },
      Policies: [{ PolicyName: 'own', PolicyDocument: { Version: '2012-10-17', Statement } }],
    },
  };
}

/** The log group is made by the stack: the function may not make one that never expires. */
function writeLog(logGroup: string): Statement {
  const arn = `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:${logGroup}:*`;
  return {
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: [{ 'Fn::Sub': arn }],
  };
}

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html: no resources.
const TRACE: Statement = {
  Effect: 'Allow',
  Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
  Resource: '*',
};

/** Lambda checks these when a function is put into a VPC, before its interfaces exist. */
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
const JOIN_VPC: Statement = {
  Effect: 'Allow',
  Action: [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  Resource: '*',
};

/**
 * Lambda itself, and the pollers of its mapping, have no source function, so they keep the rights that the
 * function's own code does not need.
 */
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice-security
function keepCodeFromVpc(functionName: string): Statement {
  const arn = `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${functionName}`;
  return {
    ...JOIN_VPC,
    Effect: 'Deny',
    Condition: { ArnEquals: { 'lambda:SourceFunctionArn': [{ 'Fn::Sub': arn }] } },
  };
}
