// The viewer's pure helpers as tables of cases.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './desk.mjs';

const base = await import(pathToFileURL(join(ROOT, 'sim/assets/viewer/base.js')));
const NB = '\u00a0';

test('column names and addresses', () => {
  for (const [index, name] of [[0, 'A'], [25, 'Z'], [26, 'AA'], [701, 'ZZ'], [702, 'AAA']]) {
    assert.equal(base.columnName(index), name);
    assert.deepEqual(base.parseA1(`${name}7`), { r0: 6, c0: index, r1: 6, c1: index });
  }
  assert.deepEqual(base.parseA1('D9:B7'), { r0: 6, c0: 1, r1: 8, c1: 3 });
  for (const bad of ['', 'B', '7', 'B0', 'B7:', 'months__key']) assert.equal(base.parseA1(bad), null, bad);
  assert.equal(base.tabA1("Bob's", { r0: 0, c0: 0, r1: 1, c1: 1 }), "'Bob''s'!A1:B2");
});

test('number patterns', () => {
  const cases = [
    [1234567, '#,##0', 'ru_RU', `1${NB}234${NB}567`], [1234567, '#,##0', 'en_US', '1,234,567'],
    [-5, '#,##0', 'en_US', '-5'], [0.256, '0%', 'en_US', '26%'], [0.256, '0.0%', 'ru_RU', '25,6%'],
    [1490000, '#,##0.0,,"\u00a0млн"', 'ru_RU', `1,5${NB}млн`], [1490000, '0.0,,"M"', 'en_US', '1.5M'],
    [12, '+#,##0;-#,##0;0', 'en_US', '+12'], [-12, '+#,##0;"−"#,##0;0', 'en_US', '−12'],
    [0, '0;-0;"—"', 'en_US', '—'], [1000, '#,##0 "₽"', 'ru_RU', `1${NB}000 ₽`],
    [5, '[$$-409]#,##0.00', 'en_US', '$5.00'], [-0.4, '0', 'en_US', '0'],
  ];
  for (const [value, pattern, locale, wanted] of cases) {
    assert.equal(base.formatNumber(value, pattern, locale), wanted, `${value} ${pattern}`);
  }
});

test('the value axis shortens millions and keeps the source\'s pattern', () => {
  const cases = [
    [{ pattern: '#,##0' }, 'ru_RU', 500000, 2e6, 1.5e6, `1,5${NB}млн`],
    [{ pattern: '#,##0' }, 'en_US', 500000, 2e6, 2e6, '2.0M'],
    [{ pattern: '#,##0' }, 'ru_RU', 500000, 2e6, 0, '0'],
    [{ pattern: '#,##0' }, 'ru_RU', 500, 2000, 1500, `1${NB}500`],
    [{ pattern: '#,##0.0,,"M"' }, 'en_US', 500000, 2e6, 1.5e6, '1.5M'],
    [{ type: 'PERCENT', pattern: '0%' }, 'ru_RU', 0.05, 0.2, 0.15, `15${NB}%`],
    [undefined, 'en_US', 0.25, 1, 0.75, '0.75'],
  ];
  for (const [format, locale, step, largest, value, wanted] of cases) {
    assert.equal(base.axisFormatter(format, locale, step, largest)(value), wanted, `${value} ${locale}`);
  }
});

test('an editor starts with what a person would type', () => {
  const cases = [
    [{ userEnteredValue: { numberValue: 1.5 } }, 'ru_RU', '1,5'],
    [{ userEnteredValue: { numberValue: 1.5 } }, 'en_US', '1.5'],
    [{ userEnteredValue: { numberValue: 0.1 }, effectiveFormat: { numberFormat: { type: 'PERCENT' } } }, 'ru_RU', '10%'],
    [{ userEnteredValue: { numberValue: 46000 }, formattedValue: '09.12.2025', effectiveFormat: { numberFormat: { type: 'DATE' } } }, 'ru_RU', '09.12.2025'],
    [{ userEnteredValue: { formulaValue: '=A1+1' }, formattedValue: '2' }, 'ru_RU', '=A1+1'],
    [{ userEnteredValue: { stringValue: '=1+1' } }, 'ru_RU', "'=1+1"],
    [{ userEnteredValue: { stringValue: '0042' } }, 'ru_RU', "'0042"],
    [{ userEnteredValue: { stringValue: 'много' } }, 'ru_RU', 'много'],
    [{}, 'ru_RU', ''], [undefined, 'ru_RU', ''],
  ];
  for (const [cell, locale, wanted] of cases) assert.equal(base.inputText(cell, locale), wanted);
});

test('blocks of text go out and come in as tab-separated lines', () => {
  const cases = [
    ['a\tb\nc\td', [['a', 'b'], ['c', 'd']]], ['a\r\nb\r\n', [['a'], ['b']]], ['', [['']]], ['\t', [['', '']]],
    ['"a\tb"\t"c\nd"\n', [['a\tb', 'c\nd']]], ['"say ""yes"""', [['say "yes"']]], ['5" pipe\tx', [['5" pipe', 'x']]],
    ['"open\tx', [['"open', 'x']]], ['a\n\nb', [['a'], [''], ['b']]],
  ];
  for (const [text, rows] of cases) assert.deepEqual(base.parseTsv(text), rows, JSON.stringify(text));
  for (const rows of [[['a', 'b\tc'], ['d\ne', '"']], [['', ''], ['x', 'y']], [['1 234,5', '-2 %']]]) {
    assert.deepEqual(base.parseTsv(base.toTsv(rows)), rows);
  }
});

test('the cells that a formula names are found', () => {
  const cases = [
    ['=A1+B2:C3', ['A1', 'B2:C3']], ["=SUM($A$1;Plan!B2;'Plan 2'!C3)", ['A1']], ['="A1"&LOG10(2)', []],
    ["='Own'!D4*Own!E5", ['D4', 'E5']], ['=prices+A1B', []], ["='Bob''s'!A1", []],
  ];
  for (const [formula, wanted] of cases) {
    assert.deepEqual(base.references(formula, 'Own').map((one) => base.areaA1(one.area)), wanted, formula);
  }
  assert.deepEqual(base.references('=A1+Other!B2', 'Other', 'Own').map((one) => base.areaA1(one.area)), ['B2']);
});

test('colours, rules and links', () => {
  assert.equal(base.cssColor({ rgbColor: { red: 1, green: 0.5 } }), '#ff8000');
  assert.equal(base.cssColor(undefined, {}), '#000000');
  assert.equal(base.cssColor(undefined, undefined), undefined);
  assert.equal(base.patternColor(-1, '#,##0;[Red]-#,##0'), '#ff0000');
  assert.equal(base.patternColor(1, '#,##0;[Red]-#,##0'), undefined);
  const rule = { condition: { type: 'NUMBER_GREATER_THAN_EQ', values: [{ userEnteredValue: '0' }] } };
  for (const [value, broken] of [[{ numberValue: 0 }, false], [{ numberValue: -1 }, true], [{ stringValue: 'x' }, true], [undefined, false]]) {
    assert.equal(base.breaksRule({ dataValidation: rule, effectiveValue: value }), broken);
  }
  assert.equal(base.safeLink('javascript:alert(1)'), null);
  assert.equal(base.safeLink('#gid=7'), '#gid=7');
});

test('a second survey asks for the cells alone that held formulas, and finds what they lost', async () => {
  const { difference, survey } = await import('../../sim/assets/viewer/survey.js');
  const grid = { rowCount: 10000, columnCount: 20 };
  const meta = { sheets: [{ properties: { sheetId: 4, title: "It's", gridProperties: grid } }, { properties: { sheetId: 5, title: 'Plain', gridProperties: grid } }] };
  const asked = [];
  const cells = { "'It''s'!B3:B5": [['=A3'], [], ['=#REF!']], "'It''s'!T1": [['=SUM(A1:S1)']] };
  const before = globalThis.fetch;
  globalThis.location ??= { search: '' };
  globalThis.fetch = async (path) => {
    const url = new URL(path, 'http://x');
    asked.push(...url.searchParams.getAll('ranges'));
    const ranges = url.searchParams.getAll('ranges').map((range) => ({ range, values: cells[range] }));
    const body = url.pathname.endsWith(':batchGet') ? { valueRanges: ranges } : meta;
    return { ok: true, status: 200, text: async () => JSON.stringify(body) };
  };
  try {
    const earlier = { meta, formulas: new Map([['4:2:1', '=A3'], ['4:4:1', '=A4+A5'], ['4:0:19', '=SUM(A1:S1)'], ['9:0:0', '=A1']]) };
    const now = await survey('id', earlier);
    assert.deepEqual(asked.sort(), Object.keys(cells).sort());
    assert.deepEqual([...now.formulas], [['4:2:1', '=A3'], ['4:4:1', '=#REF!'], ['4:0:19', '=SUM(A1:S1)']]);
    const requests = difference(earlier, now);
    assert.deepEqual(requests.map((one) => one.updateCells.start), [{ sheetId: 4, rowIndex: 4, columnIndex: 1 }]);
    asked.length = 0;
    await survey('id', { meta, formulas: new Map() });
    assert.deepEqual(asked, [], 'without formulas no cell is read');
  } finally {
    globalThis.fetch = before;
  }
});
