/**
 * The Protobuf files that a registry's serialisers know, so that a schema may import them without a reference:
 * https://github.com/confluentinc/schema-registry, ProtobufSchema.knownTypes.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
/** Files of protobufjs; it has the others of google/protobuf in its code. */
const FILES: readonly string[] = ['api', 'descriptor', 'source_context', 'type'].map(
  (name) => `google/protobuf/${name}.proto`,
);

const proto = (space: string, body: string) => `syntax = "proto3"; package ${space}; ${body}`;
const type = (body: string) => proto('google.type', body);
const wellKnown = (name: string) => `import "google/protobuf/${name}.proto";`;
const enumOf = (name: string, values: readonly string[]) =>
  type(`enum ${name} { ${values.map((value, index) => `${value} = ${index};`).join(' ')} }`);

const TEXTS: Readonly<Record<string, string>> = {
  'confluent/meta.proto': proto(
    'confluent',
    'message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }',
  ),
  'confluent/type/decimal.proto': proto(
    'confluent.type',
    'message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }',
  ),
  'google/type/calendar_period.proto': enumOf('CalendarPeriod', [
    ...['CALENDAR_PERIOD_UNSPECIFIED', 'DAY', 'WEEK', 'FORTNIGHT', 'MONTH', 'QUARTER'],
    ...['HALF', 'YEAR'],
  ]),
  'google/type/color.proto': type(
    `${wellKnown('wrappers')} message Color { float red = 1; float green = 2; float blue = 3;
      google.protobuf.FloatValue alpha = 4; }`,
  ),
  'google/type/date.proto': type(
    'message Date { int32 year = 1; int32 month = 2; int32 day = 3; }',
  ),
  'google/type/datetime.proto': type(
    `${wellKnown('duration')} message DateTime { int32 year = 1; int32 month = 2; int32 day = 3;
      int32 hours = 4; int32 minutes = 5; int32 seconds = 6; int32 nanos = 7;
      oneof time_offset { google.protobuf.Duration utc_offset = 8; TimeZone time_zone = 9; } }
    message TimeZone { string id = 1; string version = 2; }`,
  ),
  'google/type/dayofweek.proto': enumOf('DayOfWeek', [
    ...['DAY_OF_WEEK_UNSPECIFIED', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'],
    ...['SATURDAY', 'SUNDAY'],
  ]),
  'google/type/decimal.proto': type('message Decimal { string value = 1; }'),
  'google/type/expr.proto': type(
    'message Expr { string expression = 1; string title = 2; string description = 3; string location = 4; }',
  ),
  'google/type/fraction.proto': type(
    'message Fraction { int64 numerator = 1; int64 denominator = 2; }',
  ),
  'google/type/interval.proto': type(
    `${wellKnown('timestamp')} message Interval { google.protobuf.Timestamp start_time = 1;
      google.protobuf.Timestamp end_time = 2; }`,
  ),
  'google/type/latlng.proto': type('message LatLng { double latitude = 1; double longitude = 2; }'),
  'google/type/money.proto': type(
    'message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }',
  ),
  'google/type/month.proto': enumOf('Month', [
    ...['MONTH_UNSPECIFIED', 'JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY'],
    ...['AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'],
  ]),
  'google/type/phone_number.proto': type(
    `message PhoneNumber { message ShortCode { string region_code = 1; string number = 2; }
      oneof kind { string e164_number = 1; ShortCode short_code = 2; } string extension = 3; }`,
  ),
  'google/type/postal_address.proto': type(
    `message PostalAddress { int32 revision = 1; string region_code = 2; string language_code = 3;
      string postal_code = 4; string sorting_code = 5; string administrative_area = 6;
      string locality = 7; string sublocality = 8; repeated string address_lines = 9;
      repeated string recipients = 10; string organization = 11; }`,
  ),
  'google/type/quaternion.proto': type(
    'message Quaternion { double x = 1; double y = 2; double z = 3; double w = 4; }',
  ),
  'google/type/timeofday.proto': type(
    'message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }',
  ),
};

/** The text of a known file; undefined for those that protobufjs has in its code, and for others. */
export function knownText(file: string): string | undefined {
  if (FILES.includes(file)) return readFileSync(require.resolve(`protobufjs/${file}`), 'utf8');
  return Object.hasOwn(TEXTS, file) ? TEXTS[file] : undefined;
}
