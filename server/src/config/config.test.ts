import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { frameAncestorsOf } from '../security/frame-ancestors.ts';
import { loadConfig, ROOT } from './config.ts';
import { OPTIONS, type OptionDefinition, optionsHelp, optionsTable } from './options.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vesta-config-'));
  file = join(folder, 'vesta.config.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('configuration (issue 3, section 1)', () => {
  test('defaults', () => {
    const config = loadConfig({}, file);
    expect(config).toMatchObject({
      port: 8080,
      host: '127.0.0.1',
      baseUrl: 'http://localhost:8080',
      databaseUrl: undefined,
      dataDirectory: join(folder, 'data'),
      auth: 'smart',
      demo: true,
      references: 'strict',
      maxBodyMb: 256,
      maxPage: 1000,
      defaultPage: 20,
    });
  });

  test('the environment wins over the file, and an empty variable counts as absent', () => {
    writeFileSync(
      file,
      JSON.stringify({ PORT: 9000, HOST: '0.0.0.0', VESTA_DEMO: 'off', VESTA_DATA_DIR: 'd' }),
    );
    const config = loadConfig({ PORT: '9001', HOST: '', BASE_URL: 'https://fhir.example.org/' }, file);
    expect(config).toMatchObject({
      port: 9001,
      host: '0.0.0.0',
      demo: false,
      dataDirectory: join(folder, 'd'),
      baseUrl: 'https://fhir.example.org',
    });
  });

  test.each([
    [{ PORT: '0' }, /^PORT: "0" .*from 1 to 65535/],
    [{ PORT: '80.5' }, /^PORT: "80.5"/],
    [{ PORT: 'http' }, /^PORT: "http"/],
    [{ VESTA_WORKERS: '-1' }, /^VESTA_WORKERS: "-1"/],
    [{ VESTA_AUTH: 'none' }, /^VESTA_AUTH: "none" .*open or smart/],
    [{ VESTA_DEMO: 'true' }, /^VESTA_DEMO: "true" .*on or off/],
    [{ VESTA_LOG_LEVEL: 'loud' }, /^VESTA_LOG_LEVEL: "loud"/],
    [{ BASE_URL: 'localhost' }, /^BASE_URL: "localhost" .*http:\/\/ or https:/],
    [{ BASE_URL: 'http://x/?a' }, /^BASE_URL/],
    [{ VESTA_MAX_PAGE: '10' }, /^VESTA_DEFAULT_PAGE: 20 is more than VESTA_MAX_PAGE/],
    [{ VESTA_WORKER: '2' }, /^VESTA_WORKER .* no option of Vesta. Did you mean VESTA_WORKERS\?/],
  ])('%j is refused with its name, value and what is allowed', (env, message) => {
    expect(() => loadConfig(env as Record<string, string>, file)).toThrow(message);
  });

  test('a wrong DATABASE_URL is refused without showing its password', () => {
    expect(() => loadConfig({ DATABASE_URL: 'mysql://root:secret@h/x' }, file)).toThrow(
      /^DATABASE_URL: its value/,
    );
  });

  test.each([
    ['{"PROT": 1}', /^PROT .* Did you mean PORT\?/],
    ['{"PORT": 99999}', /^PORT: 99999 \(in .*vesta.config.json\)/],
    ['{"PORT": true}', /^PORT: true .* neither a text nor a number/],
    ['[]', /one JSON object/],
    ['{', /is not JSON/],
  ])('file %s is refused', (text, message) => {
    writeFileSync(file, text);
    expect(() => loadConfig({}, file)).toThrow(message);
  });

  test('an account at Twilio is given whole or not at all, and its token is not shown', () => {
    const whole = {
      VESTA_TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
      VESTA_TWILIO_AUTH_TOKEN: 'a-secret-token',
      VESTA_TWILIO_SMS_FROM: '+15550000000',
    };
    expect(loadConfig(whole, file).twilioSmsFrom).toBe('+15550000000');
    for (const name of Object.keys(whole))
      expect(() => loadConfig({ ...whole, [name]: '' }, file)).toThrow('VESTA_TWILIO_*');
    expect(() => loadConfig({ ...whole, VESTA_TWILIO_AUTH_TOKEN: 'a secret' }, file)).toThrow(
      /^(?!.*a secret)/,
    );
  });

  test.each([
    ['none', []],
    ['self', ["'self'"]],
    [
      'https://EHR.example.org/, https://*.example.com:8443  http://localhost:3000,https://ehr.example.org',
      ['https://ehr.example.org', 'https://*.example.com:8443', 'http://localhost:3000'],
    ],
    ['http://127.0.0.1:*', ['http://127.0.0.1:*']],
  ])('VESTA_APP_FRAME_ANCESTORS=%s (Content Security Policy 3, 6.4.2)', (text, sources) => {
    const { appFrameAncestors } = loadConfig({ VESTA_APP_FRAME_ANCESTORS: text }, file);
    expect(frameAncestorsOf(appFrameAncestors)).toEqual(sources);
  });

  test.each([
    ['*', 'neither self nor an origin'],
    ['https:', 'neither self nor an origin'],
    ['https://*', 'neither self nor an origin'],
    ['https://*.org', 'leaves open whose pages'],
    ['http://ehr.example.org', 'must begin with https://'],
    ['https://ehr.example.org/apps', 'neither self nor an origin'],
    ['https://ehr.example.org;script-src', 'neither self nor an origin'],
    ["'self'", 'neither self nor an origin'],
    ['https://ehr.example.org:99999', 'neither self nor an origin'],
    ['none,self', 'none cannot stand beside others'],
    [',', 'names nobody'],
  ])('VESTA_APP_FRAME_ANCESTORS=%s is refused at start, and why', (text, why) => {
    expect(() => loadConfig({ VESTA_APP_FRAME_ANCESTORS: text }, file)).toThrow(
      new RegExp(`^VESTA_APP_FRAME_ANCESTORS: .*${why}`),
    );
  });

  test('every option is in the help, and the table of the README is this one', () => {
    for (const { name } of OPTIONS as readonly OptionDefinition[]) expect(optionsHelp()).toContain(name);
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain(`\n${optionsTable()}\n`);
  });
});
