terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.100" }
  }
}

provider "aws" {
  region = "us-east-1"
}

resource "aws_iam_role" "greet" {
  name = "greet"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_lambda_function" "greet" {
  function_name = "greet"
  role          = aws_iam_role.greet.arn
  filename      = "function.zip" # zip function.zip handler.mjs
  handler       = "handler.greet"
  runtime       = "nodejs22.x"
  timeout       = 30
}

resource "aws_lambda_event_source_mapping" "greetings" {
  function_name     = aws_lambda_function.greet.arn
  topics            = ["greetings"]
  starting_position = "TRIM_HORIZON"

  self_managed_event_source {
    endpoints = { KAFKA_BOOTSTRAP_SERVERS = "kafka.example.com:9096" }
  }

  source_access_configuration {
    type = "SASL_SCRAM_512_AUTH"
    uri  = "arn:aws:secretsmanager:us-east-1:000000000000:secret:kafka"
  }
}
