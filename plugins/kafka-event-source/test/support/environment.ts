// For the SDK of AWS, which asks for them before it asks anybody else.
const names = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
};

for (const [name, value] of Object.entries(names)) process.env[name] ??= value;
