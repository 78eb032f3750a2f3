// The SDK of AWS takes credentials from the environment before any other place.
const names = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
};

for (const [name, value] of Object.entries(names)) process.env[name] ??= value;
