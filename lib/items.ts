import {
  type DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { orAway } from './attempt.ts';

/** The items of a query, page after page. @throws AppError `DATABASE_AWAY` when one was not answered */
export async function* itemsOf(
  dynamo: DynamoDBDocumentClient,
  query: QueryCommandInput,
): AsyncGenerator<Record<string, unknown>> {
  let start: Record<string, unknown> | undefined;
  do {
    const page = new QueryCommand({ ...query, ExclusiveStartKey: start });
    const { Items = [], LastEvaluatedKey } = await orAway(dynamo.send(page));
    yield* Items;
    start = LastEvaluatedKey;
  } while (start);
}
