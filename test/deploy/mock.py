"""AWS as moto imitates it, on a free port of the loopback, with what `sls deploy` of this project needs
besides. Prints the port when it answers. On stderr: every answer from 400 on.

moto's CloudFormation lacks some types of resources, and its Lambda takes no Kafka as a source. What is
added here keeps the settings and shows them back. Of what AWS would refuse it refuses a second mapping of
the same records alone."""

import logging
import sys

import moto.moto_server.threaded_moto_server as threaded
from flask import request
from moto.awslambda import models as awslambda
from moto.awslambda.exceptions import ConflictException
from moto.cloudformation import models as cloudformation
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel

# Kept by CloudFormation alone: moto's services do not list them.
LACKING = [
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
]


def keep(kind):
    def create(cls, resource_name, *_, **__):
        kept = cls()
        kept.name = resource_name
        return kept

    members = {
        "__module__": "moto.cloudformation.lacking",
        "name": "",
        "cloudformation_type": staticmethod(lambda: kind),
        "cloudformation_name_type": staticmethod(lambda: ""),
        "create_from_cloudformation_json": classmethod(create),
        "update_from_cloudformation_json": classmethod(lambda cls, original_resource, *_, **__: original_resource),
        "delete_from_cloudformation_json": classmethod(lambda cls, *_, **__: None),
        "delete": lambda self, *_: None,
        "has_cfn_attr": classmethod(lambda cls, _: True),
        "get_cfn_attribute": lambda self, attribute: f"{self.name}.{attribute}",
        "physical_resource_id": property(lambda self: self.name),
    }
    return type(kind.replace("::", ""), (CloudFormationModel,), members)


def servers_of(mapping):
    own = (mapping.self_managed_event_source or {}).get("Endpoints", {})
    # One text with commas is what the framework makes of several.
    servers = ",".join(own.get("KafkaBootstrapServers", [mapping.event_source_arn or ""]))
    return set(servers.split(","))


def group_of(mapping):
    config = mapping.self_managed_kafka_event_source_config or mapping.kafka_config
    return config["ConsumerGroupId"]


def refuse_second(mapping, others):
    """AWS: no two with one function, topic and server, nor with one source and group."""
    for other in others:
        if not servers_of(mapping) & servers_of(other):
            continue
        same = mapping.function_arn == other.function_arn and mapping.topics == other.topics
        if same or group_of(mapping) == group_of(other):
            raise ConflictException(f"A mapping of {mapping.topics} exists already: {other.uuid}")


def create_kafka_mapping(backend, spec):
    function = backend._lambdas.get_function_by_name_or_arn_with_qualifier(spec["FunctionName"])
    given = {
        "EventSourceArn": "arn:aws:kafka",
        **spec,
        "RegionName": backend.region_name,
        "AccountId": backend.account_id,
        "FunctionArn": function.function_arn,
    }
    mapping = awslambda.EventSourceMapping(given)
    mapping.event_source_arn = spec.get("EventSourceArn")
    refuse_second(mapping, backend._event_source_mappings.values())
    backend._event_source_mappings[mapping.uuid] = mapping
    return mapping


def adding_first(update):
    """CloudFormation makes what is new before it removes what is gone; moto does it the other way round."""

    def update_stack(self, template, parameters=None):
        diff = self.build_resource_diff(template, parameters)
        gone = [(self._parsed_resources.pop(name), self._resource_json_map[name]) for name in diff["Remove"]]
        self.build_resource_diff = lambda *_: {**diff, "Remove": []}
        try:
            update(self, template, parameters)
        finally:
            del self.build_resource_diff
        for resource, definition in gone:
            self._delete_resource(resource, definition)

    return update_stack


def execute_with_outputs(execute):
    # moto makes a stack's outputs before its change set is executed, so they are those of no resource.
    def run(backend, *args, **kwargs):
        execute(backend, *args, **kwargs)
        for stack in backend.stacks.values():
            stack._parse_template()  # that of its last change set, whose resources the outputs name
            stack.output_map = stack._create_output_map()

    return run


def print_refusals(create_app):
    def create(service):
        app = create_app(service)

        @app.after_request
        def say(answer):
            if answer.status_code >= 400:
                what = request.headers.get("x-amz-target") or request.form.get("Action") or ""
                call = f"{service} {request.method} {request.path} {what}"
                print(call, answer.status_code, answer.get_data(as_text=True), file=sys.stderr, flush=True)
            return answer

        return app

    return create


kept = [keep(kind) for kind in LACKING]
# Known to moto for SQS, Kinesis and DynamoDB only, by limits of theirs.
awslambda.EventSourceMapping.event_source_arn = None
awslambda.EventSourceMapping.batch_size = None
awslambda.LambdaBackend.create_event_source_mapping = create_kafka_mapping
parsing.ResourceMap.update = adding_first(parsing.ResourceMap.update)
backend = cloudformation.CloudFormationBackend
backend.execute_change_set = execute_with_outputs(backend.execute_change_set)
# cfn-lint, whose warnings moto takes for errors; `npm run lint:deploy` has run it.
cloudformation.validate_template_cfn_lint = lambda template: []
threaded.create_backend_app = print_refusals(threaded.create_backend_app)

logging.getLogger("werkzeug").setLevel("ERROR")
server = threaded.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
