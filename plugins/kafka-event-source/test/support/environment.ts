// AWS's SDK reads credentials from the environment first.
const names = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
};

for (const [name, value] of Object.entries(names)) process.env[name] ??= value;
