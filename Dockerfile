# All functions in one image, the other way to deploy them; which one runs is the command:
#   docker build --platform linux/arm64 -t orders .
#   docker run … orders dist/notify/handler.handler
FROM public.ecr.aws/docker/library/node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY local/require-node.cjs local/
COPY plugins/kafka-event-source/package.json plugins/kafka-event-source/
RUN npm ci --ignore-scripts && npm rebuild esbuild node
COPY . .
RUN npm run build

FROM public.ecr.aws/lambda/nodejs:24
COPY --from=build /src/dist ${LAMBDA_TASK_ROOT}/dist
CMD ["dist/createOrder/handler.handler"]
