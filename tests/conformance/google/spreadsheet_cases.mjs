#!/usr/bin/env node
// npm google-spreadsheet against the simulator: spreadsheet_cases.mjs ENDPOINT KEY_FILE FOLDER [ONLY]
//
// The library and its sign-in are as they come from their packages; requests to Google's hosts are sent to
// the simulator by the one function that all of them call, `fetch`.
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import assert from 'node:assert/strict';

const [endpoint, keyFile, folder, only = ''] = process.argv.slice(2);
const key = JSON.parse(readFileSync(keyFile, 'utf8'));
// Links in answers lead to the simulator itself, which a recorder may stand in front of.
const own = new URL(key.token_uri).origin;
const GOOGLE = /^https:\/\/(sheets|www|oauth2|docs)\.(googleapis|google)\.com/;
const plainFetch = globalThis.fetch;

async function fetchHere(input, init) {
  const request = new Request(input, init);
  const url = [endpoint, own].reduce((it, here) => it.replace(here, 'https://docs.google.com'), request.url);
  assert.match(url, GOOGLE, 'a request to another host');
  const body = ['GET', 'HEAD'].includes(request.method) ? undefined : await request.arrayBuffer();
  const { method, headers, signal } = request;
  return plainFetch(url.replace(GOOGLE, endpoint), { method, headers, signal, body });
}
globalThis.fetch = fetchHere;

const { GoogleSpreadsheet, GoogleSpreadsheetCellErrorValue } = await import('google-spreadsheet');
const { JWT } = await import('google-auth-library');

const SCOPES = ['https://www.googleapis.com/auth/spreadsheets', 'https://www.googleapis.com/auth/drive'];
function sign(subject) {
  return new JWT({
    email: key.client_email, key: key.private_key, scopes: SCOPES, subject,
    transporterOptions: { fetchImplementation: fetchHere },
  });
}
const robot = sign();
const owner = sign('owner@example.com');

let number = 0;
const fresh = async (properties = {}) => GoogleSpreadsheet.createNewSpreadsheetDocument(
  owner,
  { title: `npm ${++number}`, ...properties },
);
const filled = async (rows) => {
  const doc = await fresh();
  const sheet = doc.sheetsByIndex[0];
  await sheet.loadCells({ startRowIndex: 0, endRowIndex: rows.length + 5, startColumnIndex: 0, endColumnIndex: 10 });
  rows.forEach((row, r) => row.forEach((value, c) => { if (value !== null) sheet.getCell(r, c).value = value; }));
  await sheet.saveUpdatedCells();
  return sheet;
};
const again = async (doc) => {
  const other = new GoogleSpreadsheet(doc.spreadsheetId, owner);
  await other.loadInfo();
  return other;
};
const refused = (promise, words) => assert.rejects(promise, (error) => {
  assert.match(`${error.message}`, words);
  return true;
});
const grid = (r0, r1, c0, c1) => ({ startRowIndex: r0, endRowIndex: r1, startColumnIndex: c0, endColumnIndex: c1 });

/** Names and contents of a zip archive. */
function unzip(buffer) {
  const bytes = Buffer.from(buffer);
  const files = {};
  let at = bytes.readUInt32LE(bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1')) + 16);
  while (bytes.readUInt32LE(at) === 0x02014b50) {
    const [method, size] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const [nameLength, extra, comment] = [28, 30, 32].map((o) => bytes.readUInt16LE(at + o));
    const head = bytes.readUInt32LE(at + 42);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    const start = head + 30 + bytes.readUInt16LE(head + 26) + bytes.readUInt16LE(head + 28);
    const data = bytes.subarray(start, start + size);
    files[name] = method === 8 ? inflateRawSync(data) : data;
    at += 46 + nameLength + extra + comment;
  }
  return files;
}

const cases = {
  'a new document, loaded again': async () => {
    const doc = await fresh({ title: 'Neu', locale: 'de_DE', timeZone: 'Europe/Berlin' });
    assert.equal(doc.title, 'Neu');
    const other = await again(doc);
    assert.deepEqual([other.title, other.locale, other.timeZone, other.autoRecalc, other.sheetCount], ['Neu', 'de_DE', 'Europe/Berlin', 'ON_CHANGE', 1]);
    assert.equal(other.sheetsByIndex[0].title, 'Sheet1');
    assert.equal(other.defaultFormat.textFormat.fontSize, 10);
    assert.equal(other.spreadsheetTheme.primaryFontFamily, 'Arial');
  },
  'a service account cannot create in its own root': async () => {
    await refused(GoogleSpreadsheet.createNewSpreadsheetDocument(robot, { title: 'x' }), /403|forbidden/i);
  },
  'a document that does not exist': async () => {
    await refused(new GoogleSpreadsheet('nothing', owner).loadInfo(), /\[404\] Requested entity was not found/);
  },
  'properties before they are loaded': async () => {
    assert.throws(() => new GoogleSpreadsheet('x', owner).title, /loadInfo/);
  },
  'properties of the document': async () => {
    const doc = await fresh();
    await doc.updateProperties({ title: 'Renamed', locale: 'ru_RU', timeZone: 'Europe/Moscow' });
    assert.equal(doc.title, 'Renamed');
    assert.equal((await again(doc)).locale, 'ru_RU');
    await refused(doc.updateProperties({ timeZone: 'Mars/Base' }), /\[400\] Invalid requests\[0\]\.updateSpreadsheetProperties/);
    await refused(doc.updateProperties({ title: '' }), /\[400\]/);
  },
  'delete the document': async () => {
    const doc = await fresh();
    await doc.delete();
    await refused(again(doc), /\[404\]/);
  },
  'raw token, and a token that is none': async () => {
    const doc = await fresh();
    const { token } = await owner.getAccessToken();
    const raw = new GoogleSpreadsheet(doc.spreadsheetId, { token });
    await raw.loadInfo();
    assert.equal(raw.title, doc.title);
    await refused(new GoogleSpreadsheet(doc.spreadsheetId, { token: 'nonsense' }).loadInfo(), /\[401\]/);
  },
  'an API key reads a public document': async () => {
    const doc = await fresh();
    const keyed = new GoogleSpreadsheet(doc.spreadsheetId, { apiKey: 'AIzaAnything' });
    await refused(keyed.loadInfo(), /\[403\] The caller does not have permission/);
    await doc.setPublicAccessLevel('reader');
    await keyed.loadInfo();
    await keyed.sheetsByIndex[0].loadCells('A1:B2');
    assert.equal(keyed.sheetsByIndex[0].getCell(0, 0).value, null);
    await refused(keyed.addSheet({ title: 'x' }), /\[401\]/);
    await doc.setPublicAccessLevel(false);
    await refused(keyed.loadInfo(), /\[403\]/);
  },
  'sharing': async () => {
    const doc = await fresh();
    await doc.share('ann@example.com', { role: 'writer', emailMessage: false });
    await doc.share('boss@example.com', { role: 'reader', emailMessage: 'look' });
    await doc.share('example.org', { role: 'commenter' });
    await doc.share('team@example.com', { isGroup: true });
    const all = await doc.listPermissions();
    assert.deepEqual(all.map((p) => `${p.type} ${p.role}`).sort(), ['domain commenter', 'group writer', 'user owner', 'user reader', 'user writer']);
    await doc.deletePermission(all.find((p) => p.emailAddress === 'ann@example.com').id);
    assert.equal((await doc.listPermissions()).length, 4);
    await refused(doc.share('x@example.com', { role: 'king' }), /\[400\]/);
    await doc.share('heir@example.com', { role: 'owner' });
    assert.equal((await doc.listPermissions()).find((p) => p.role === 'owner').emailAddress, 'heir@example.com');
  },
  'tabs: add, rename, move, hide, colour, duplicate, delete': async () => {
    const doc = await fresh();
    const sheet = await doc.addSheet({ title: 'Plan', gridProperties: { rowCount: 12, columnCount: 4 }, index: 0, tabColor: { red: 1 } });
    assert.deepEqual([sheet.title, sheet.rowCount, sheet.columnCount, sheet.index], ['Plan', 12, 4, 0]);
    await sheet.updateProperties({ title: 'План', hidden: true });
    assert.deepEqual([sheet.title, sheet.hidden], ['План', true]);
    await sheet.updateProperties({ hidden: false, tabColor: { red: 0, green: 1, blue: 0 } });
    assert.equal(sheet.tabColor.green, 1);
    await sheet.resize({ rowCount: 30, columnCount: 5 });
    await sheet.updateGridProperties({ frozenRowCount: 2, hideGridlines: true });
    assert.deepEqual([sheet.rowCount, sheet.gridProperties.frozenRowCount, sheet.gridProperties.hideGridlines], [30, 2, true]);
    const twin = await sheet.duplicate({ title: 'Twin', index: 2 });
    assert.deepEqual([twin.title, doc.sheetCount, doc.sheetsByTitle.Twin.sheetId], ['Twin', 3, twin.sheetId]);
    await twin.delete();
    assert.deepEqual(doc.sheetsByIndex.map((s) => s.title), ['План', 'Sheet1']);
    await refused(doc.addSheet({ title: 'Sheet1' }), /\[400\].*already exists/);
    await refused(doc.addSheet({ sheetId: sheet.sheetId }), /\[400\]/);
    await refused(sheet.updateGridProperties({ frozenRowCount: 30 }), /\[400\]/);
    await sheet.delete();
    await refused(doc.sheetsByIndex[0].delete(), /\[400\].*remove all the visible sheets/);
  },
  'copy a tab to another document': async () => {
    const sheet = await filled([['x']]);
    const other = await fresh();
    await sheet.copyToSpreadsheet(other.spreadsheetId);
    assert.ok((await again(other)).sheetsByTitle['Copy of Sheet1']);
  },
  'cells of every type': async () => {
    const sheet = await filled([['text', 1.5, true, '=B1*2', '=1/0', '0042', '-5', null, 'Ünï 日本 😀']]);
    const row = [0, 1, 2, 3, 5, 6, 8].map((c) => sheet.getCell(0, c).value);
    assert.deepEqual(row, ['text', 1.5, true, 3, '0042', '-5', 'Ünï 日本 😀']);
    const [four, three, none] = [sheet.getCell(0, 4), sheet.getCell(0, 3), sheet.getCell(0, 7)];
    assert.ok(four.value instanceof GoogleSpreadsheetCellErrorValue);
    assert.equal(four.errorValue.type, 'DIVIDE_BY_ZERO');
    assert.deepEqual([three.formula, three.formattedValue, three.valueType, none.value, none.valueType], ['=B1*2', '3', 'numberValue', null, null]);
    assert.equal(sheet.getCellByA1('B1').numberValue, 1.5);
  },
  'change, clear and discard cells': async () => {
    const sheet = await filled([['a', 1], ['b', 2]]);
    const cell = sheet.getCell(0, 0);
    cell.value = 'changed';
    cell.discardUnsavedChanges();
    assert.equal(cell.value, 'a');
    cell.note = 'a note';
    cell.value = null;
    await cell.save();
    assert.deepEqual([cell.value, cell.note], [null, 'a note']);
    sheet.getCell(1, 1).formula = '=SUM(B1:B1)';
    await sheet.saveUpdatedCells();
    assert.equal(sheet.getCell(1, 1).value, 1);
    cell.note = '';
    await cell.save();
    sheet.resetLocalCache(true);
    await sheet.loadCells('A1:B2');
    assert.equal(sheet.getCellByA1('A1').note || '', '');
    assert.deepEqual([sheet.cellStats.nonEmpty, sheet.getCell(1, 0).value], [3, 'b']);
  },
  'formats of cells': async () => {
    const sheet = await filled([[1234.5, 0.25]]);
    const cell = sheet.getCell(0, 0);
    cell.numberFormat = { type: 'NUMBER', pattern: '#,##0.00' };
    cell.textFormat = { bold: true, fontSize: 14, foregroundColor: { red: 1 } };
    cell.horizontalAlignment = 'CENTER';
    cell.backgroundColor = { red: 1, green: 1, blue: 0 };
    cell.borders = { top: { style: 'SOLID' } };
    cell.padding = { top: 4, left: 5 };
    cell.wrapStrategy = 'WRAP';
    sheet.getCell(0, 1).numberFormat = { type: 'PERCENT' };
    await sheet.saveUpdatedCells();
    assert.deepEqual([cell.formattedValue, sheet.getCell(0, 1).formattedValue], ['1,234.50', '25.00%']);
    const format = cell.userEnteredFormat;
    assert.deepEqual([format.textFormat.bold, format.horizontalAlignment, format.borders.top.style, format.wrapStrategy], [true, 'CENTER', 'SOLID', 'WRAP']);
    assert.equal(cell.effectiveFormat.textFormat.fontFamily, 'Arial');
    cell.clearAllFormatting();
    await cell.save();
    assert.equal(cell.userEnteredFormat, undefined);
  },
  'load cells by many kinds of filters': async () => {
    const sheet = await filled([['a', 'b'], ['c', 'd'], ['e', 'f']]);
    for (const filter of ['A1:B2', { startRowIndex: 0, endRowIndex: 2, startColumnIndex: 0, endColumnIndex: 2 }, ['A1', 'B2'], { startRowIndex: 2 }, undefined]) {
      sheet.resetLocalCache(true);
      await sheet.loadCells(filter);
      assert.ok(sheet.cellStats.loaded > 0);
    }
    assert.equal(sheet.getCell(2, 1).value, 'f');
    assert.throws(() => sheet.getCell(5000, 0), /Out of bounds/i);
    await refused(sheet.loadCells('A1:ZZZZ9'), /\[400\]|Unable to parse|exceeds/);
  },
  'header and rows': async () => {
    const doc = await fresh();
    const sheet = await doc.addSheet({ title: 'Rows', headerValues: ['name', 'sum', 'when'] });
    const ann = await sheet.addRow({ name: 'Ann', sum: 5, when: '2026-03-05' });
    await sheet.addRows([['Bob', '=B2*2', ''], { name: 'Cid', sum: '7' }]);
    assert.equal(ann.rowNumber, 2);
    let rows = await sheet.getRows();
    assert.deepEqual(rows.map((r) => [r.get('name'), r.get('sum')]), [['Ann', '5'], ['Bob', '10'], ['Cid', '7']]);
    rows[0].set('name', 'Anna');
    rows[0].assign({ sum: 6 });
    await rows[0].save();
    assert.deepEqual(rows[0].toObject(), { name: 'Anna', sum: '6', when: '2026-03-05' });
    await rows[1].delete();
    rows = await sheet.getRows({ offset: 1, limit: 1 });
    assert.deepEqual([rows.length, rows[0].get('name'), rows[0].rowNumber], [1, 'Cid', 3]);
    await sheet.addRow({ name: 'raw', sum: '=1+1' }, { raw: true });
    assert.equal((await sheet.getRows())[2].get('sum'), '=1+1');
    await sheet.addRow({ name: 'ins' }, { insert: true });
    await sheet.clearRows({ start: 3 });
    assert.equal((await sheet.getRows()).length, 1);
    await sheet.setHeaderRow(['a', 'b', 'c', 'd']);
    await sheet.loadHeaderRow();
    assert.deepEqual(sheet.headerValues, ['a', 'b', 'c', 'd']);
    await sheet.clear();
    await assert.rejects(sheet.loadHeaderRow(), /header/i);
  },
  'header problems': async () => {
    const doc = await fresh();
    const sheet = doc.sheetsByIndex[0];
    await assert.rejects(sheet.getRows(), /header/i);
    await assert.rejects(sheet.setHeaderRow(['a', 'a']), /[Dd]uplicate/);
    await assert.rejects(sheet.setHeaderRow([]), /header/i);
    const wide = Array.from({ length: 30 }, (_, i) => `h${i}`);
    await assert.rejects(sheet.setHeaderRow(wide), /not large enough/);
    await sheet.resize({ rowCount: 10, columnCount: 30 });
    await sheet.setHeaderRow(wide);
    assert.equal(sheet.headerValues.length, 30);
  },
  'values in ranges': async () => {
    const sheet = await filled([['a', 1.5], ['b', '=B1*2']]);
    assert.deepEqual(await sheet.getCellsInRange('A1:B2'), [['a', '1.5'], ['b', '3']]);
    assert.deepEqual(await sheet.getCellsInRange('A1:B2', { valueRenderOption: 'FORMULA', majorDimension: 'COLUMNS' }), [['a', 'b'], [1.5, '=B1*2']]);
    assert.deepEqual(await sheet.batchGetCellsInRange(['A1', 'B1:B2']), [[['a']], [['1.5'], ['3']]]);
    assert.equal(await sheet.getCellsInRange('D1:E5'), undefined);
    await sheet.clear('A1:A2');
    assert.deepEqual(await sheet.getCellsInRange('A1:B2'), [['', '1.5'], ['', '3']]);
  },
  'merge and unmerge': async () => {
    const sheet = await filled([['a', 'b'], ['c', 'd']]);
    await sheet.mergeCells(grid(0, 1, 0, 2));
    assert.deepEqual(await sheet.getCellsInRange('A1:B2'), [['a'], ['c', 'd']]);
    await sheet.unmergeCells(grid(0, 1, 0, 2));
    await sheet.mergeCells(grid(0, 2, 0, 2), 'MERGE_COLUMNS');
    await refused(sheet.unmergeCells(grid(0, 1, 0, 1)), /\[400\].*merged/);
    await refused(sheet.mergeCells(grid(0, 1, 0, 2), 'MERGE_EVERYTHING'), /\[400\] Invalid value at/);
  },
  'insert, delete, move, append lines': async () => {
    const sheet = await filled([['a'], ['b'], ['=A1&A2']]);
    await sheet.insertDimension('ROWS', { startIndex: 1, endIndex: 3 }, true);
    assert.deepEqual(await sheet.getCellsInRange('A1:A5', { valueRenderOption: 'FORMULA' }), [['a'], [], [], ['b'], ['=A1&A4']]);
    await sheet.deleteRows(1, 3);
    await sheet.insertDimension('COLUMNS', { startIndex: 0, endIndex: 1 }, false);
    await sheet.deleteColumns(0, 1);
    await sheet.moveDimension('ROWS', { startIndex: 0, endIndex: 1 }, 2);
    assert.deepEqual(await sheet.getCellsInRange('A1:A3'), [['b'], ['a'], ['ab']]);
    await sheet.appendDimension('COLUMNS', 3);
    assert.equal(sheet.columnCount, 29);
    await sheet.updateDimensionProperties('COLUMNS', { pixelSize: 42 }, { startIndex: 0, endIndex: 1 });
    await sheet.autoResizeDimensions('COLUMNS', { startIndex: 0, endIndex: 2 });
    await refused(sheet.deleteRows(0, 1000), /\[400\]/);
  },
  'ranges: insert, delete, repeat, fill, cut, copy, borders': async () => {
    const sheet = await filled([[1], [2]]);
    await sheet.autoFill({ source: grid(0, 2, 0, 1), dimension: 'ROWS', fillLength: 2 });
    assert.deepEqual(await sheet.getCellsInRange('A1:A4'), [['1'], ['2'], ['3'], ['4']]);
    await sheet.autoFill(grid(0, 6, 0, 1));
    assert.deepEqual(await sheet.getCellsInRange('A5:A6'), [['5'], ['6']]);
    await sheet.copyPaste(grid(0, 2, 0, 1), grid(0, 2, 2, 3));
    await sheet.cutPaste(grid(4, 6, 0, 1), { rowIndex: 0, columnIndex: 4 });
    assert.deepEqual(await sheet.getCellsInRange('C1:E2'), [['1', '', '5'], ['2', '', '6']]);
    await sheet.repeatCell(grid(0, 2, 6, 7), { userEnteredValue: { formulaValue: '=A1*10' } }, 'userEnteredValue');
    assert.deepEqual(await sheet.getCellsInRange('G1:G2'), [['10'], ['20']]);
    await sheet.insertRange(grid(0, 1, 0, 1), 'ROWS');
    await sheet.deleteRange(grid(0, 1, 0, 1), 'ROWS');
    await sheet.updateBorders(grid(0, 2, 0, 2), { top: { style: 'SOLID' }, innerVertical: { style: 'DOTTED' } });
    await sheet.appendCells([{ values: [{ userEnteredValue: { stringValue: 'end' } }] }], 'userEnteredValue');
    assert.deepEqual(await sheet.getCellsInRange('A5'), [['end']]);
    await sheet.pasteData({ rowIndex: 9, columnIndex: 0 }, 'x,y\n1,2', ',');
    assert.deepEqual(await sheet.getCellsInRange('A10:B11'), [['x', 'y'], ['1', '2']]);
  },
  'find, replace, sort, split, trim, double, shuffle': async () => {
    const sheet = await filled([['b', 2], ['a', 1], ['b', 2], [' c  c ', 3], ['p,q', null]]);
    await sheet.findReplace('b', 'z', { matchEntireCell: true });
    assert.deepEqual(await sheet.getCellsInRange('A1:A2'), [['z'], ['a']]);
    await sheet.deleteDuplicates(grid(0, 4, 0, 2));
    assert.deepEqual((await sheet.getCellsInRange('A1:A4')).flat(), ['z', 'a', ' c  c ']);
    await sheet.trimWhitespace(grid(0, 4, 0, 1));
    await sheet.sortRange(grid(0, 3, 0, 2), [{ dimensionIndex: 0, sortOrder: 'ASCENDING' }]);
    assert.deepEqual(await sheet.getCellsInRange('A1:B3'), [['a', '1'], ['c c', '3'], ['z', '2']]);
    await sheet.textToColumns(grid(4, 5, 0, 1), 'COMMA');
    assert.deepEqual(await sheet.getCellsInRange('A5:B5'), [['p', 'q']]);
    await sheet.randomizeRange(grid(0, 3, 0, 2));
    assert.deepEqual((await sheet.getCellsInRange('A1:A3')).flat().sort(), ['a', 'c c', 'z']);
  },
  'named ranges': async () => {
    const sheet = await filled([['a', 'b']]);
    const made = await sheet.addNamedRange('heads', grid(0, 1, 0, 2));
    assert.equal(made.namedRange.name, 'heads');
    await sheet.updateNamedRange(made.namedRange.namedRangeId, { name: 'tops' }, 'name');
    await refused(sheet.addNamedRange('tops', grid(0, 1, 0, 1)), /\[400\]/);
    await sheet.deleteNamedRange(made.namedRange.namedRangeId);
    await refused(sheet.deleteNamedRange(made.namedRange.namedRangeId), /\[400\]/);
  },
  'protected ranges': async () => {
    const sheet = await filled([['a']]);
    await sheet.addProtectedRange({ range: { sheetId: sheet.sheetId, ...grid(0, 1, 0, 1) }, description: 'mine', warningOnly: true });
    const own = sheet.protectedRanges[0];
    assert.deepEqual([own.description, own.warningOnly], ['mine', true]);
    await sheet.updateProtectedRange(own.protectedRangeId, { description: 'ours' });
    assert.equal(sheet.protectedRanges[0].description, 'ours');
    await sheet.deleteProtectedRange(own.protectedRangeId);
    // The library keeps what it last heard: what the document says is asked anew.
    assert.ok(!(await again(sheet._spreadsheet)).sheetsByIndex[0].protectedRanges?.length);
  },
  'filters, rules, validation, banding': async () => {
    const sheet = await filled([['h', 'v'], ['a', 1], ['b', 2]]);
    const range = { sheetId: sheet.sheetId, ...grid(0, 3, 0, 2) };
    await sheet.setBasicFilter({ range });
    await sheet.clearBasicFilter();
    const view = await sheet.addFilterView({ title: 'v', range });
    const id = view.filter.filterViewId;
    await sheet.updateFilterView({ filterViewId: id, title: 'w' }, 'title');
    await sheet.duplicateFilterView(id);
    await sheet.deleteFilterView(id);
    await refused(sheet.deleteFilterView(id), /\[400\]/);
    await sheet.addConditionalFormatRule({ ranges: [range], booleanRule: { condition: { type: 'NOT_BLANK' }, format: { textFormat: { bold: true } } } }, 0);
    await sheet.updateConditionalFormatRule({ index: 0, rule: { ranges: [range], booleanRule: { condition: { type: 'BLANK' }, format: { textFormat: { italic: true } } } } });
    await sheet.deleteConditionalFormatRule(0);
    await sheet.setDataValidation(grid(1, 3, 1, 2), { condition: { type: 'NUMBER_GREATER', values: [{ userEnteredValue: '0' }] }, strict: true });
    await sheet.setDataValidation(grid(1, 3, 1, 2), false);
    const band = await sheet.addBanding({ range, rowProperties: { firstBandColor: { red: 1 }, secondBandColor: { green: 1 } } });
    await sheet.updateBanding({ bandedRangeId: band.bandedRange.bandedRangeId, rowProperties: { firstBandColor: { blue: 1 } } }, 'rowProperties.firstBandColor');
    await sheet.deleteBanding(band.bandedRange.bandedRangeId);
  },
  'developer metadata': async () => {
    const sheet = await filled([['a']]);
    await sheet.createDeveloperMetadata({ metadataKey: 'k', metadataValue: 'v', visibility: 'DOCUMENT', location: { sheetId: sheet.sheetId } });
    const lookup = [{ developerMetadataLookup: { metadataKey: 'k' } }];
    const found = await sheet._spreadsheet.searchDeveloperMetadata(lookup);
    assert.deepEqual([found.length, found[0].metadataValue], [1, 'v']);
    await sheet.updateDeveloperMetadata(lookup, { metadataValue: 'w' }, 'metadataValue');
    await sheet.deleteDeveloperMetadata(lookup[0]);
    assert.deepEqual(await sheet._spreadsheet.searchDeveloperMetadata(lookup), []);
  },
  'download as csv, tsv, xlsx, ods, html, pdf': async () => {
    const sheet = await filled([['a', 'x, "y"'], ['ä', '=1+1']]);
    const doc = sheet._spreadsheet;
    const second = await doc.addSheet({ title: 'Second', headerValues: ['only'] });
    await doc.loadInfo();
    const text = async (promise) => Buffer.from(await promise).toString('utf8');
    assert.equal(await text(sheet.downloadAsCSV()), 'a,"x, ""y"""\r\nä,2');
    assert.equal(await text(second.downloadAsCSV()), 'only');
    assert.equal(await text(sheet.downloadAsTSV()), 'a\t"x, ""y"""\r\nä\t2');
    assert.match(await text(sheet.downloadAsPDF()), /^%PDF-1/);
    const xlsx = unzip(await doc.downloadAsXLSX());
    assert.match(xlsx['xl/workbook.xml'].toString(), /name="Second"/);
    assert.match(xlsx['xl/worksheets/sheet1.xml'].toString(), /<f>1\+1<\/f>/);
    const ods = unzip(await doc.downloadAsODS());
    assert.match(ods['content.xml'].toString(), /office:value="2"/);
    assert.match(unzip(await doc.downloadAsZippedHTML())['Sheet1.html'].toString(), /<td>ä<\/td>/);
    const stream = await sheet.downloadAsCSV(true);
    assert.equal(await new Response(stream).text(), 'a,"x, ""y"""\r\nä,2');
  },
  'many cells at once': async () => {
    const doc = await fresh();
    const sheet = await doc.addSheet({ title: 'Big', gridProperties: { rowCount: 500, columnCount: 20 } });
    await sheet.loadCells();
    for (let r = 0; r < 500; r += 1) for (let c = 0; c < 20; c += 1) sheet.getCell(r, c).value = c === 19 ? `=SUM(A${r + 1}:S${r + 1})` : r + c;
    await sheet.saveUpdatedCells();
    assert.equal(sheet.getCell(499, 19).value, 19 * 499 + 171);
  },
};

let failed = 0;
let ran = 0;
for (const [name, run] of Object.entries(cases)) {
  if (!name.includes(only)) continue;
  ran += 1;
  try {
    await run();
  } catch (error) {
    failed += 1;
    const line = /spreadsheet_cases\.mjs:(\d+)/.exec(error.stack ?? '')?.[1];
    console.log(`FAILED google-spreadsheet: ${name} (line ${line}): ${String(error.message).slice(0, 500)}`);
  }
}
console.log(`google-spreadsheet: ${ran} cases, ${failed} failed`);
process.exit(failed || !ran ? 1 : 0);
