#!/usr/bin/env node
// Google's own client for Node (@googleapis/sheets, @googleapis/drive) against the simulator:
// googleapis_cases.mjs ENDPOINT KEY_FILE FOLDER [ONLY]
//
// The library and its sign-in are as they come from their packages; `rootUrl` leads to the simulator.
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import assert from 'node:assert/strict';
import { auth, drive as driveOf } from '@googleapis/drive';
import { sheets as sheetsOf } from '@googleapis/sheets';

const [endpoint, keyFile, folder, only = ''] = process.argv.slice(2);
const key = JSON.parse(readFileSync(keyFile, 'utf8'));
const SCOPES = ['https://www.googleapis.com/auth/spreadsheets', 'https://www.googleapis.com/auth/drive'];
const SHEET = 'application/vnd.google-apps.spreadsheet';
const ALL = { supportsAllDrives: true };

// `rootUrl` does not reach sign-in and media: their addresses are led to the simulator where they are called.
// Media come as a stream without a length, which a recorder need not understand: to the simulator itself.
const TOKENS = 'https://oauth2.googleapis.com/token';
const MEDIA = 'https://www.googleapis.com/upload/';
const own = new URL(key.token_uri).origin;
const fetchHere = (input, init) => fetch(
  String(input.url ?? input).replace(TOKENS, key.token_uri).replace(MEDIA, `${own}/upload/`), init,
);
const sign = (subject, scopes = SCOPES) => new auth.JWT({
  email: key.client_email, key: key.private_key, scopes, subject,
  transporterOptions: { fetchImplementation: fetchHere },
});
const services = (account) => ({
  sheets: sheetsOf({ version: 'v4', auth: account, rootUrl: `${endpoint}/` }),
  drive: driveOf({ version: 'v3', auth: account, rootUrl: `${endpoint}/` }),
});
const robot = services(sign());
const owner = services(sign('owner@example.com'));

let number = 0;
const book = async (rows) => {
  const { data } = await robot.drive.files.create({
    requestBody: { name: `node ${++number}`, mimeType: SHEET, parents: [folder] }, fields: 'id', ...ALL,
  });
  if (rows) await write(data.id, 'A1', rows);
  return data.id;
};
const write = (spreadsheetId, range, values, valueInputOption = 'USER_ENTERED') =>
  robot.sheets.spreadsheets.values.update({ spreadsheetId, range, valueInputOption, requestBody: { values } });
const read = async (spreadsheetId, range, options = {}) =>
  (await robot.sheets.spreadsheets.values.get({ spreadsheetId, range, ...options })).data.values;
const batch = async (spreadsheetId, ...requests) =>
  (await robot.sheets.spreadsheets.batchUpdate({ spreadsheetId, requestBody: { requests } })).data;
const refused = (promise, status, words = /./) => assert.rejects(promise, (error) => {
  assert.equal(error.status ?? error.response?.status, status, error.message);
  assert.match(error.message, words);
  return true;
});
const GOODS = [['item', 'price', 'count'], ['bread', 50, 3], ['milk', 90, 2], ['cheese', 700, 1]];

const cases = [];
const test = (name, run) => cases.push([name, run]);

test('spreadsheets.create, get with masks, many ranges', async () => {
  const { data } = await owner.sheets.spreadsheets.create({ requestBody: {
    properties: { title: 'Made', locale: 'en_GB', timeZone: 'Europe/London' },
    sheets: [{ properties: { title: 'One' }, data: [{ rowData: [{ values: [{ userEnteredValue: { numberValue: 7 } }] }] }] },
      { properties: { title: 'Two', gridProperties: { rowCount: 5, columnCount: 5, frozenRowCount: 1 } } }],
  } });
  assert.deepEqual(data.sheets.map((sheet) => sheet.properties.title), ['One', 'Two']);
  const got = await owner.sheets.spreadsheets.get({
    spreadsheetId: data.spreadsheetId, ranges: ['One!A1', 'Two!A1:B2'], includeGridData: true,
    fields: 'properties(locale),sheets(properties.title,data.rowData.values.effectiveValue)',
  });
  assert.equal(got.data.properties.locale, 'en_GB');
  assert.equal(got.data.sheets[0].data[0].rowData[0].values[0].effectiveValue.numberValue, 7);
});

test('values: update, append, batches, clear, data filters', async () => {
  const id = await book(GOODS);
  const { values } = robot.sheets.spreadsheets;
  const added = await values.append({ spreadsheetId: id, range: 'A1', valueInputOption: 'RAW', insertDataOption: 'INSERT_ROWS', requestBody: { values: [['tea', 120, 5]] } });
  assert.equal(added.data.updates.updatedRange, 'Sheet1!A5:C5');
  const many = await values.batchUpdate({ spreadsheetId: id, requestBody: {
    valueInputOption: 'USER_ENTERED', includeValuesInResponse: true, responseValueRenderOption: 'UNFORMATTED_VALUE',
    data: [{ range: 'D1:D2', values: [['sum'], ['=B2*C2']] }, { range: 'E1:F1', majorDimension: 'COLUMNS', values: [['x'], ['y']] }],
  } });
  assert.equal(many.data.totalUpdatedCells, 4);
  assert.deepEqual(many.data.responses[0].updatedData.values, [['sum'], [150]]);
  const some = await values.batchGet({ spreadsheetId: id, ranges: ['A2:B2', 'D2'], valueRenderOption: 'FORMULA' });
  assert.deepEqual(some.data.valueRanges.map((one) => one.values), [[['bread', 50]], [['=B2*C2']]]);
  const byGrid = await values.batchGetByDataFilter({ spreadsheetId: id, requestBody: { dataFilters: [{ gridRange: { sheetId: 0, endRowIndex: 1 } }] } });
  assert.equal(byGrid.data.valueRanges[0].valueRange.values[0][0], 'item');
  await values.batchClear({ spreadsheetId: id, requestBody: { ranges: ['E1:F1', 'D1:D2'] } });
  await values.clear({ spreadsheetId: id, range: 'A5:C5' });
  assert.deepEqual(await read(id, 'A1:F9'), GOODS.map((row) => row.map(String)));
});

test('batchUpdate answers one to one and is whole or nothing', async () => {
  const id = await book(GOODS);
  const { replies } = await batch(id,
    { addSheet: { properties: { sheetId: 5, title: 'Next' } } }, { updateCells: { start: { sheetId: 5 }, rows: [{ values: [{ userEnteredValue: { formulaValue: '=SUM(Sheet1!B2:B4)' } }] }], fields: 'userEnteredValue' } },
    { addNamedRange: { namedRange: { name: 'prices', range: { sheetId: 0, startRowIndex: 1, endRowIndex: 4, startColumnIndex: 1, endColumnIndex: 2 } } } },
    { findReplace: { find: 'milk', replacement: 'cream', allSheets: true } });
  assert.deepEqual(Object.keys(replies[0]), ['addSheet']);
  assert.deepEqual(replies[1], {});
  assert.equal(replies[3].findReplace.occurrencesChanged, 1);
  assert.deepEqual(await read(id, 'Next!A1'), [['840']]);
  assert.deepEqual(await read(id, 'prices', { majorDimension: 'COLUMNS' }), [['50', '90', '700']]);
  await refused(batch(id, { addSheet: { properties: { title: 'Never' } } }, { deleteSheet: { sheetId: 99 } }), 400, /No sheet with id: 99|Invalid requests\[1\]/);
  const { data } = await robot.sheets.spreadsheets.get({ spreadsheetId: id, fields: 'sheets.properties.title' });
  assert.deepEqual(data.sheets.map((sheet) => sheet.properties.title), ['Sheet1', 'Next']);
});

test('developer metadata and a tab copied to another file', async () => {
  const id = await book(GOODS);
  const { replies } = await batch(id, { createDeveloperMetadata: { developerMetadata: {
    metadataKey: 'kind', metadataValue: 'head', visibility: 'DOCUMENT', location: { dimensionRange: { sheetId: 0, dimension: 'ROWS', startIndex: 0, endIndex: 1 } },
  } } });
  const { metadataId } = replies[0].createDeveloperMetadata.developerMetadata;
  const one = await robot.sheets.spreadsheets.developerMetadata.get({ spreadsheetId: id, metadataId });
  assert.equal(one.data.metadataValue, 'head');
  const found = await robot.sheets.spreadsheets.developerMetadata.search({ spreadsheetId: id, requestBody: { dataFilters: [{ developerMetadataLookup: { metadataKey: 'kind' } }] } });
  assert.equal(found.data.matchedDeveloperMetadata.length, 1);
  const other = await book();
  const copied = await robot.sheets.spreadsheets.sheets.copyTo({ spreadsheetId: id, sheetId: 0, requestBody: { destinationSpreadsheetId: other } });
  assert.equal(copied.data.title, 'Copy of Sheet1');
});

test('files: bytes as a stream up and down, small and in one piece of several megabytes', async () => {
  for (const bytes of [Buffer.from('a;b\n1;2\n'), Buffer.alloc(3_000_000, 'planfact ')]) {
    const { data } = await robot.drive.files.create({
      requestBody: { name: `bytes ${bytes.length}`, parents: [folder] }, media: { mimeType: 'text/plain', body: Readable.from([bytes]) },
      fields: 'id,size,md5Checksum', ...ALL,
    });
    assert.equal(data.size, String(bytes.length));
    const down = await robot.drive.files.get({ fileId: data.id, alt: 'media', ...ALL }, { responseType: 'arraybuffer' });
    assert.ok(Buffer.from(down.data).equals(bytes), 'the bytes came back');
    const changed = await robot.drive.files.update({ fileId: data.id, media: { mimeType: 'text/plain', body: 'new' }, fields: 'size', ...ALL });
    assert.equal(changed.data.size, '3');
  }
});

test('files: a table of text becomes a spreadsheet; export; copy; trash; list', async () => {
  const { data } = await robot.drive.files.create({
    requestBody: { name: 'Imported', mimeType: SHEET, parents: [folder], appProperties: { origin: 'node' } },
    media: { mimeType: 'text/csv', body: 'a,b\n1,2\n' }, fields: 'id,mimeType,appProperties', ...ALL,
  });
  assert.deepEqual([data.mimeType, data.appProperties.origin], [SHEET, 'node']);
  assert.deepEqual(await read(data.id, 'A1:B2', { valueRenderOption: 'UNFORMATTED_VALUE' }), [['a', 'b'], [1, 2]]);
  const csv = await robot.drive.files.export({ fileId: data.id, mimeType: 'text/csv' }, { responseType: 'text' });
  assert.equal(csv.data.replaceAll('\r', ''), 'a,b\n1,2');
  const xlsx = await robot.drive.files.export({ fileId: data.id, mimeType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' }, { responseType: 'arraybuffer' });
  assert.equal(Buffer.from(xlsx.data).subarray(0, 2).toString(), 'PK');
  const copy = await robot.drive.files.copy({ fileId: data.id, requestBody: { name: 'Copied' }, ...ALL });
  await robot.drive.files.update({ fileId: copy.data.id, requestBody: { trashed: true }, ...ALL });
  const listed = await robot.drive.files.list({
    q: `'${folder}' in parents and appProperties has { key='origin' and value='node' } and trashed = false`,
    fields: 'files(id,name)', includeItemsFromAllDrives: true, ...ALL,
  });
  assert.deepEqual(listed.data.files.map((file) => file.name), ['Imported']);
});

test('permissions, revisions, changes, about, ids', async () => {
  const start = (await robot.drive.changes.getStartPageToken(ALL)).data.startPageToken;
  const id = await book(GOODS);
  const made = await robot.drive.permissions.create({ fileId: id, sendNotificationEmail: false, requestBody: { type: 'user', role: 'reader', emailAddress: 'anna@example.com' }, ...ALL });
  await robot.drive.permissions.update({ fileId: id, permissionId: made.data.id, requestBody: { role: 'writer' }, ...ALL });
  const got = await robot.drive.permissions.get({ fileId: id, permissionId: made.data.id, fields: 'role,emailAddress', ...ALL });
  assert.deepEqual(got.data, { role: 'writer', emailAddress: 'anna@example.com' });
  await robot.drive.permissions.delete({ fileId: id, permissionId: made.data.id, ...ALL });
  const revisions = await robot.drive.revisions.list({ fileId: id, fields: 'revisions(id,modifiedTime)' });
  assert.ok(revisions.data.revisions.length >= 1);
  const feed = await robot.drive.changes.list({ pageToken: start, includeItemsFromAllDrives: true, ...ALL });
  assert.ok(feed.data.changes.some((change) => change.fileId === id));
  const about = await robot.drive.about.get({ fields: 'user(emailAddress)' });
  assert.equal(about.data.user.emailAddress, key.client_email);
  assert.equal((await robot.drive.files.generateIds({ count: 3 })).data.ids.length, 3);
});

test('errors carry the status and Google\'s sentence', async () => {
  const id = await book();
  await refused(robot.sheets.spreadsheets.get({ spreadsheetId: 'no-such-file' }), 404, /Requested entity was not found/);
  await refused(robot.drive.files.get({ fileId: 'no-such-file', ...ALL }), 404, /File not found/);
  await refused(read(id, 'Nowhere!A1'), 400, /Unable to parse range/);
  await refused(read(id, 'ZZ99999'), 400, /exceeds grid limits/);
  await refused(write(id, 'A1', [[{ no: 'cell' }]]), 400, /Invalid/);
  const stranger = services(sign('stranger@example.com'));
  await refused(stranger.sheets.spreadsheets.get({ spreadsheetId: id }), 403, /permission/);
  const small = services(sign(undefined, ['https://www.googleapis.com/auth/drive.readonly']));
  await refused(small.drive.files.update({ fileId: id, requestBody: { name: 'x' }, ...ALL }), 403, /insufficient/i);
  await refused(robot.drive.files.create({ requestBody: { name: 'alone', mimeType: SHEET } }), 403, /storage quota/i);
});

test('what passes is tried again; what breaks off is told', async () => {
  const id = await book([['x']]);
  const faults = (...list) => fetch(`${own}/_sim/faults`, { method: 'POST', body: JSON.stringify(list) });
  const quick = { retryConfig: { retry: 3, retryDelay: 1, maxRetryDelay: 5 } };
  for (const fault of [{ status: 503, count: 2 }, { status: 429 }, { status: 500, count: 3 }]) {
    await faults({ match: 'sheets.spreadsheets.values.get', ...fault });
    const { data } = await robot.sheets.spreadsheets.values.get({ spreadsheetId: id, range: 'A1' }, quick);
    assert.deepEqual(data.values, [['x']]);
  }
  await faults({ match: 'sheets.spreadsheets.values.update', status: 503 });
  await refused(robot.sheets.spreadsheets.values.update({ spreadsheetId: id, range: 'A1', valueInputOption: 'RAW', requestBody: { values: [['y']] } }, { retry: false }), 503);
  await faults({ match: 'sheets.spreadsheets.values.get', kind: 'slow_ms', ms: 2000 });
  await assert.rejects(robot.sheets.spreadsheets.values.get({ spreadsheetId: id, range: 'A1' }, { timeout: 200, retry: false }));
  assert.deepEqual(await read(id, 'A1'), [['x']]);
});

test('a person consents with PKCE; the consent is renewed and withdrawn', async () => {
  const client = new auth.OAuth2({
    clientId: 'desk.apps.googleusercontent.com', clientSecret: 's', redirectUri: 'http://127.0.0.1:9/done',
    endpoints: { oauth2AuthBaseUrl: `${own}/o/oauth2/v2/auth`, oauth2TokenUrl: `${own}/token`, oauth2RevokeUrl: `${own}/revoke`, tokenInfoUrl: `${own}/tokeninfo` },
  });
  const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync();
  const url = client.generateAuthUrl({
    access_type: 'offline', prompt: 'consent', scope: SCOPES, login_hint: 'node@example.com', state: 'st',
    code_challenge_method: 'S256', code_challenge: codeChallenge,
  });
  const back = new URL((await fetch(url, { redirect: 'manual' })).headers.get('location'));
  assert.equal(back.searchParams.get('state'), 'st');
  const code = back.searchParams.get('code');
  const { tokens } = await client.getToken({ code, codeVerifier });
  client.setCredentials(tokens);
  await assert.rejects(client.getToken({ code, codeVerifier }), /invalid_grant/, 'a code is good once');
  const about = () => services(client).drive.about.get({ fields: 'user(emailAddress)' });
  assert.equal((await about()).data.user.emailAddress, 'node@example.com');
  assert.equal((await client.getTokenInfo(tokens.access_token)).email, 'node@example.com');
  client.setCredentials({ refresh_token: tokens.refresh_token });
  assert.equal((await about()).data.user.emailAddress, 'node@example.com');
  await client.revokeToken(tokens.refresh_token);
  client.setCredentials({ refresh_token: tokens.refresh_token });
  await assert.rejects(about(), /invalid_grant/);
});

test('files: a part of the bytes, a shortcut, pages, searches', async () => {
  const { data } = await robot.drive.files.create({
    requestBody: { name: 'parts', parents: [folder] }, media: { mimeType: 'text/plain', body: '0123456789' }, fields: 'id', ...ALL,
  });
  const part = await robot.drive.files.get({ fileId: data.id, alt: 'media', ...ALL }, { responseType: 'text', headers: { Range: 'bytes=3-5' } });
  assert.deepEqual([part.status, part.data], [206, '345']);
  const shortcut = await robot.drive.files.create({
    requestBody: { name: 'to parts', mimeType: 'application/vnd.google-apps.shortcut', shortcutDetails: { targetId: data.id }, parents: [folder] },
    fields: 'id,shortcutDetails(targetId,targetMimeType)', ...ALL,
  });
  assert.deepEqual(shortcut.data.shortcutDetails, { targetId: data.id, targetMimeType: 'text/plain' });
  const names = [];
  let pageToken;
  do {
    const page = await robot.drive.files.list({
      q: `'${folder}' in parents and (name contains 'parts' or shortcutDetails.targetId = '${data.id}')`, orderBy: 'name', pageSize: 1, pageToken,
      fields: 'nextPageToken,files(name)', includeItemsFromAllDrives: true, ...ALL,
    });
    names.push(...page.data.files.map((file) => file.name));
    pageToken = page.data.nextPageToken;
  } while (pageToken);
  assert.deepEqual(names, ['parts', 'to parts']);
  await refused(robot.drive.files.list({ orderBy: 'colour' }), 400);
});

let failed = 0;
const chosen = cases.filter(([name]) => name.includes(only));
for (const [name, run] of chosen) {
  try {
    await run();
  } catch (error) {
    failed += 1;
    const why = [error.message, error.cause?.message, error.cause?.cause?.message].filter(Boolean).join(' < ');
    console.log(`FAILED googleapis: ${name}: ${why.slice(0, 600)}`, /cases\.mjs:\d+/.exec(error.stack)?.[0] ?? '');
  }
}
console.log(`googleapis for Node: ${chosen.length} cases, ${failed} failed`);
process.exit(failed || !chosen.length ? 1 : 0);
