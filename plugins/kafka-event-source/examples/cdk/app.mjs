/** The stack of a function that greets. `node app.mjs` writes its template into cdk.out, like `cdk synth`. */
import { App, Stack } from 'aws-cdk-lib';
import { Code, Function as Lambda, Runtime, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SelfManagedKafkaEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';

const app = new App({ outdir: 'cdk.out' });
const stack = new Stack(app, 'Greetings');

const greet = new Lambda(stack, 'Greet', {
  functionName: 'greet',
  runtime: Runtime.NODEJS_24_X,
  code: Code.fromAsset('src'),
  handler: 'handler.greet',
});

greet.addEventSource(
  new SelfManagedKafkaEventSource({
    bootstrapServers: ['kafka.example.com:9096'],
    topic: 'greetings',
    secret: Secret.fromSecretNameV2(stack, 'Kafka', 'kafka'),
    startingPosition: StartingPosition.TRIM_HORIZON,
  }),
);

app.synth();
