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
