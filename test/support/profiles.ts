import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CONFIG = `
[profile sso]
sso_session = shop
sso_account_id = 111122223333
sso_role_name = developer
region = eu-central-1

[sso-session shop]
sso_start_url = https://shop.invalid/start
sso_region = eu-central-1
sso_registration_scopes = sso:account:access

[profile base]
region = eu-central-1

[profile mfa]
role_arn = arn:aws:iam::111122223333:role/developer
source_profile = base
mfa_serial = arn:aws:iam::111122223333:mfa/somebody
`;
const KEYS = '[base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n';

/**
 * The settings of a person with two profiles of AWS: `sso` is not signed in, and `mfa` asks for a code.
 * Any other name is a profile that is missing.
 */
export async function createProfiles() {
  const folder = await mkdtemp(join(tmpdir(), 'orders-profile-'));
  await writeFile(join(folder, 'config'), CONFIG);
  await writeFile(join(folder, 'credentials'), KEYS);
  return {
    environment: {
      AWS_CONFIG_FILE: join(folder, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
