// The viewer by keyboard alone, and what several people see of each other; no pointer is used here
// except where a test is about it.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { join } from 'node:path';
import { api, browser, drawn, SHOTS, simulator, until } from './desk.mjs';

let program;
let chrome;
let page;
let base;
let id;

const area = (sheetId, r0, r1, c0, c1) => ({
  sheetId, startRowIndex: r0, endRowIndex: r1, startColumnIndex: c0, endColumnIndex: c1,
});
const GOODS = [
  ['Товар', 'Цена', 'Штук', 'Сумма'], ['Хлеб', 50, 3, '=B2*C2'], ['Молоко', 90, 2, '=B3*C3'],
  ['Сыр', 700, 1, '=B4*C4'], ['Чай', 120, 5, '=B5*C5'],
];

/** A fresh file for each test: one tab with goods, one that counts on it, one hidden. */
async function makeFile() {
  const made = await api(base, '/v4/spreadsheets', { method: 'POST', body: {
    properties: { title: 'Клавиши', locale: 'ru_RU', timeZone: 'Europe/Moscow' },
    sheets: [
      { properties: { sheetId: 1, title: 'Товары', gridProperties: { rowCount: 30, columnCount: 8 } } },
      { properties: { sheetId: 2, title: 'Итог', gridProperties: { rowCount: 20, columnCount: 6 } } },
      { properties: { sheetId: 3, title: 'Склад', hidden: true } },
    ],
  } });
  id = made.spreadsheetId;
  await write("'Товары'!A1:D5", GOODS);
  await write("'Итог'!A1:B2", [['Всего', "=SUM('Товары'!D2:D5)"], ['Сыр', "='Товары'!B4"]]);
  await change([
    { addNamedRange: { namedRange: { namedRangeId: 'n1', name: 'prices', range: area(1, 1, 5, 1, 2) } } },
    { addConditionalFormatRule: { index: 0, rule: { ranges: [area(1, 1, 5, 1, 2)], booleanRule: {
      condition: { type: 'NUMBER_GREATER', values: [{ userEnteredValue: '500' }] },
      format: { backgroundColorStyle: { rgbColor: { red: 1 } } },
    } } } },
  ]);
}

const range = (text) => encodeURIComponent(text);
const write = (where, values) => api(base, `/v4/spreadsheets/${id}/values/${range(where)}?valueInputOption=USER_ENTERED`, {
  method: 'PUT', body: { range: where, values },
});
const read = async (where, how = 'FORMULA') =>
  (await api(base, `/v4/spreadsheets/${id}/values/${range(where)}?valueRenderOption=${how}`)).values ?? [];
const change = (requests) => api(base, `/v4/spreadsheets/${id}:batchUpdate`, { method: 'POST', body: { requests } });
const meta = (fields) => api(base, `/v4/spreadsheets/${id}?fields=${range(fields)}`);

const open = async (sheetId = 1, as = 'owner@example.com') => {
  await page.goto(`${base}/spreadsheets/d/${id}/edit?as=${as}&n=${Math.random()}#gid=${sheetId}`);
  await drawn(page, sheetId);
};
const keys = async (...all) => {
  for (const key of all) await page.keyboard.press(key);
};
const at = () => page.inputValue('#where');
const go = async (where) => {
  await keys('Control+j');
  await page.keyboard.insertText(where);
  await keys('Enter');
};
const text = async (a1) => (await page.locator(`[data-a1="${a1}"]`).textContent()).trim().replace(/[\u00a0\u202f]/g, ' ');
const shows = (a1, wanted) => until(`${a1} shows ${wanted}`, async () => {
  const seen = await text(a1);
  return seen === wanted || seen;
}, 10_000);
const holds = (where, wanted) => until(`${where} holds ${JSON.stringify(wanted)}`, async () => {
  const seen = await read(where);
  return JSON.stringify(seen) === JSON.stringify(wanted) || seen;
}, 10_000);
/** Waits until all that was typed is written and drawn. */
const saved = () => page.waitForFunction(() => /^(Saved|Сохранено)/.test(document.getElementById('saved').textContent));
const pick = async (item) => {
  await page.waitForSelector(`[data-item="${item}"]`);
  for (let tried = 0; tried < 40; tried += 1) {
    if (await page.evaluate(() => document.activeElement.dataset.item) === item) break;
    await keys('ArrowDown');
  }
  await keys('Enter');
};
const shot = (name) => page.screenshot({ path: join(SHOTS, `keyboard-${name}.png`) });

before(async () => {
  program = await simulator();
  base = program.json.endpoint;
  ({ chrome, page } = await browser());
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
}, { timeout: 1_900_000 });
beforeEach(makeFile);
after(async () => {
  await chrome?.close();
  await program?.stop();
});

test('keys move as in a spreadsheet', async () => {
  await open();
  const cases = [
    ['ArrowRight', 'B1'], ['ArrowDown', 'B2'], ['Tab', 'C2'], ['Shift+Tab', 'B2'], ['Home', 'A2'], ['End', 'H2'],
    ['Control+Home', 'A1'], ['Control+ArrowDown', 'A5'], ['Control+ArrowDown', 'A30'], ['Control+ArrowUp', 'A5'],
    ['Control+ArrowRight', 'D5'], ['Control+ArrowRight', 'H5'], ['Control+End', 'D5'], ['Shift+Enter', 'D4'],
    ['Shift+ArrowUp', 'D3:D4'], ['Control+Shift+ArrowLeft', 'A3:D4'], ['Escape', 'D4'], ['Shift+Space', 'A4:H4'],
    ['Escape', 'D4'], ['Control+Space', 'D1:D30'], ['Control+a', 'A1:H30'], ['Escape', 'D4'],
    ['Control+Home', 'A1'], ['PageDown', 'A29'], ['PageUp', 'A1'], ['Shift+End', 'A1:H1'], ['ArrowDown', 'A2'],
  ];
  for (const [key, wanted] of cases) {
    await keys(key);
    const seen = await at();
    if (/Page/.test(key)) assert.match(seen, /^A\d+$/, key);
    else assert.equal(seen, wanted, key);
  }
});

test('Tab and Enter fill a form, and go round within a selection', async () => {
  await open();
  await go('B7');
  for (const word of ['1', '2', '3']) {
    await page.keyboard.type(word);
    await keys('Tab');
  }
  await page.keyboard.type('4');
  await keys('Enter');
  assert.equal(await at(), 'B8', 'Enter leads back to where the tabs began');
  await holds("'Товары'!B7:E7", [[1, 2, 3, 4]]);
  await go('A10:B11');
  for (const word of ['а', 'б', 'в', 'г']) {
    await page.keyboard.type('x');
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText(word);
    await keys('Enter');
  }
  await holds("'Товары'!A10:B11", [['а', 'в'], ['б', 'г']]);
  assert.equal(await at(), 'A10:B11');
});

test('an edit is begun by typing or F2, ended by Enter, Tab, arrows or Esc', async () => {
  await open();
  await go('B2');
  await page.keyboard.type('60');
  await keys('ArrowRight');
  assert.equal(await at(), 'C2', 'an arrow ends what was typed over');
  await holds("'Товары'!B2", [[60]]);
  await keys('ArrowLeft', 'F2', 'Home');
  await page.keyboard.type('1');
  await keys('Enter');
  await holds("'Товары'!B2", [[160]]);
  await keys('ArrowUp');
  await page.keyboard.type('9');
  await keys('Escape');
  assert.equal(await text('B2'), '160');
  await keys('Delete');
  await shows('B2', '');
  await shows('D2', '0');
  await keys('Control+z');
  await shows('B2', '160');
  await keys('Control+y');
  await shows('B2', '');
  await keys('Control+z', 'Control+z', 'Control+z');
  await shows('B2', '50');
  await go('A7');
  await page.keyboard.type('one');
  await keys('Alt+Enter');
  await page.keyboard.type('two');
  await keys('Enter');
  await holds("'Товары'!A7", [['one\ntwo']]);
});

test('a formula points at cells, also of another tab, by keys and pointer', async () => {
  await open();
  await go('E2');
  await page.keyboard.type('=');
  await keys('ArrowLeft');
  assert.equal(await page.inputValue('.editor'), '=D2');
  await keys('ArrowLeft', 'Shift+ArrowDown');
  assert.equal(await page.inputValue('.editor'), '=C2:C3');
  assert.equal(await page.locator('.mark.reference').count(), 1, 'the cells named are outlined');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('=SUM(');
  await page.locator('[data-a1="B2"]').click();
  await page.keyboard.type(';');
  await page.locator('[data-a1="C3"]').click();
  await page.keyboard.type(';');
  await page.locator('[data-tab="Итог"]').click();
  await drawn(page, 2);
  await page.locator('[data-a1="B1"]').click();
  assert.equal(await page.locator('.mark.reference').count(), 1, 'only the cell on this tab is outlined');
  await shot('pointing');
  assert.equal(await page.inputValue('#formula'), "=SUM(B2;C3;'Итог'!B1");
  await page.keyboard.type(')');
  await keys('Enter');
  await drawn(page, 1);
  assert.equal(await at(), 'E3');
  await shows('E2', String(50 + 2 + 150 + 180 + 700 + 600));
  await holds("'Товары'!E2", [["=SUM(B2;C3;'Итог'!B1)"]]);
});

test('errors are explained beside the cell', async () => {
  await write("'Товары'!F1:F4", [['=1/0'], ['=NOSUCH(1)'], ['="a"+1'], ['=VLOOKUP("x";A1:B5;2;FALSE)']]);
  await open();
  await go('E1');
  for (const wanted of [/на ноль/, /Нет функции/, /текст/, /не найдено/]) {
    await keys(wanted.source === 'на ноль' ? 'ArrowRight' : 'ArrowDown');
    await page.waitForFunction((pattern) => new RegExp(pattern).test(document.getElementById('card')?.textContent), wanted.source);
  }
  await shot('error');
});

test('blocks go to the clipboard as tab-separated text and come back with formulas', async () => {
  await open();
  await go('A2:D3');
  await keys('Control+c');
  assert.equal(await page.locator('.mark.copied').count(), 1);
  assert.equal((await page.evaluate(() => navigator.clipboard.readText())).replaceAll('\u00a0', ' '), 'Хлеб\t50\t3\t150\nМолоко\t90\t2\t180');
  await go('A8');
  await keys('Control+v');
  await holds("'Товары'!A8:D9", [['Хлеб', 50, 3, '=B8*C8'], ['Молоко', 90, 2, '=B9*C9']]);
  assert.equal(await at(), 'A8:D9');
  await keys('Control+z');
  await holds("'Товары'!A8:D9", []);
  await go('A8');
  await keys('Control+Shift+v');
  await holds("'Товары'!A8:D9", [['Хлеб', 50, 3, 150], ['Молоко', 90, 2, 180]]);
  await page.evaluate(() => navigator.clipboard.writeText('x\t"a\nb"\t1 234,5\r\n=1+1\t"\t-2\r\n'));
  await go('A11');
  await keys('Control+v');
  await holds("'Товары'!A11:C12", [['x', 'a\nb', 1234.5], ['=1+1', '"', -2]]);
  await go('A13');
  await page.evaluate(() => navigator.clipboard.writeText('7'));
  await go('A13:B14');
  await keys('Control+v');
  await holds("'Товары'!A13:B14", [[7, 7], [7, 7]]);
});

test('a cut block moves with what points at it, and back', async () => {
  await open();
  await go('B4');
  await keys('Control+x');
  await go('F10');
  await keys('Control+v');
  await holds("'Товары'!F10", [[700]]);
  assert.deepEqual(await read("'Товары'!D4"), [['=F10*C4']]);
  assert.deepEqual(await read("'Итог'!B2"), [["='Товары'!F10"]]);
  await saved();
  await keys('Control+z');
  await holds("'Товары'!B4", [[700]]);
  assert.deepEqual(await read("'Товары'!D4"), [['=B4*C4']]);
  assert.deepEqual(await read("'Товары'!F10"), []);
});

test('a paste beyond the end makes the grid larger', async () => {
  await open();
  await page.evaluate(() => navigator.clipboard.writeText('1\t2\n3\t4'));
  await go('H30');
  await keys('Control+v');
  await holds("'Товары'!H30:I31", [[1, 2], [3, 4]]);
  await until('the new column is drawn', async () => page.locator('[data-a1="I30"]').count().then((n) => n === 1), 10_000);
});

test('fill down and right, today, the same into all, bold', async () => {
  await open();
  await go('E2');
  await page.keyboard.type('=D2*2');
  await keys('Enter');
  await go('E2:E5');
  await keys('Control+d');
  await holds("'Товары'!E2:E5", [['=D2*2'], ['=D3*2'], ['=D4*2'], ['=D5*2']]);
  await go('E2:F2');
  await keys('Control+r');
  await holds("'Товары'!F2", [['=E2*2']]);
  await go('A10:B11');
  await page.keyboard.type('=ROW()');
  await keys('Control+Enter');
  await holds("'Товары'!A10:B11", [['=ROW()', '=ROW()'], ['=ROW()', '=ROW()']]);
  await go('A2');
  await keys('Control+b');
  await until('A2 is bold', async () => page.locator('[data-a1="A2"] .text')
    .evaluate((node) => getComputedStyle(node).fontWeight === '700'), 10_000);
  await go('A15');
  await keys('Control+;');
  await until('a date', async () => typeof (await read("'Товары'!A15", 'UNFORMATTED_VALUE'))[0]?.[0] === 'number', 10_000);
  await saved();
  await keys('Control+z', 'Control+z');
  await until('A2 is plain', async () => page.locator('[data-a1="A2"] .text')
    .evaluate((node) => getComputedStyle(node).fontWeight === '400'), 10_000);
});

test('notes are written, shown, changed and taken away', async () => {
  await open();
  await go('B3');
  const note = async () => (await api(base, `/v4/spreadsheets/${id}?ranges=${range("'Товары'!B3")}&fields=sheets.data.rowData.values.note`))
    .sheets[0].data?.[0]?.rowData?.[0]?.values?.[0]?.note;
  const noteIs = (wanted) => until(`the note is ${wanted}`, async () => (await note()) === wanted || note(), 10_000);
  await keys('Shift+F2');
  await page.keyboard.insertText('подорожало\nв июне');
  await shot('note-editor');
  await keys('Control+Enter');
  await noteIs('подорожало\nв июне');
  await page.waitForSelector('[data-a1="B3"].noted');
  await keys('ArrowDown', 'ArrowUp');
  await page.waitForFunction(() => document.getElementById('card')?.textContent === 'подорожало\nв июне');
  await shot('note');
  await keys('Shift+F2');
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText('нет');
  await keys('Escape');
  await keys('Shift+F10');
  await pick('delete-note');
  await noteIs(undefined);
  await keys('Control+z');
  await noteIs('подорожало\nв июне');
});

test('the menu opens by keyboard; lines come, go and come back with everything', async () => {
  await open();
  const look = async () => ({
    goods: await read("'Товары'!A1:D6"), total: await read("'Итог'!A1:B2"),
    names: (await meta('namedRanges')).namedRanges, rules: (await meta('sheets.conditionalFormats')).sheets,
  });
  const first = await look();
  await go('A4');
  await keys('Shift+F10');
  await page.waitForSelector('.menu');
  await shot('menu');
  await pick('delete-row');
  await holds("'Товары'!A4:B4", [['Чай', 120]]);
  assert.deepEqual(await read("'Итог'!B2"), [['=#REF!']], 'what pointed there is lost');
  await saved();
  await keys('Control+z');
  await holds("'Итог'!B2", [["='Товары'!B4"]]);
  await saved();
  assert.deepEqual(await look(), first, 'undo brings back values, formulas, names and rules');
  await keys('Control+y');
  await holds("'Товары'!A4:B4", [['Чай', 120]]);
  await saved();
  await keys('Control+z');
  await holds("'Итог'!B2", [["='Товары'!B4"]]);
  await saved();
  await go('B1');
  await keys('Control+Space', 'Control+Alt+Equal');
  await holds("'Товары'!B1:C1", [['', 'Цена']]);
  await saved();
  await keys('Control+z');
  await saved();
  assert.deepEqual(await look(), first);
  await go('B2');
  await keys('Shift+F10');
  await pick('sort-za');
  await saved();
  await keys('Control+z');
  await saved();
  assert.deepEqual(await look(), first);
  await go('A2:A5');
  await keys('ContextMenu');
  await pick('row-above');
  await holds("'Товары'!A2:A7", [[], [], [], [], ['Хлеб'], ['Молоко']]);
});

test('rows sort by the chosen column', async () => {
  await open();
  await go('B2:D5');
  await keys('Escape');
  await go('A2:D5');
  await keys('Shift+F10');
  await pick('sort-az');
  await holds("'Товары'!A2:A5", [['Молоко'], ['Сыр'], ['Хлеб'], ['Чай']]);
  assert.deepEqual(await read("'Товары'!D2:D5", 'UNFORMATTED_VALUE'), [[180], [700], [150], [600]]);
});

test('tabs by keyboard: open, add, rename, move, copy, hide, delete and back', async () => {
  await open();
  const titles = async () => (await meta('sheets.properties')).sheets.map(({ properties }) => properties.title + (properties.hidden ? '*' : ''));
  const are = (...wanted) => until(`tabs ${wanted}`, async () => JSON.stringify(await titles()) === JSON.stringify(wanted) || titles(), 10_000);
  await keys('Control+Shift+PageDown');
  await drawn(page, 2);
  await keys('Alt+ArrowUp');
  await drawn(page, 1);
  await keys('F6');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.tab), 'Товары');
  await keys('F2');
  await page.keyboard.insertText('Лавка');
  await keys('Enter');
  await are('Лавка', 'Итог', 'Склад*');
  assert.deepEqual(await read("'Итог'!B2"), [["='Лавка'!B4"]], 'formulas follow a new title');
  await saved();
  await keys('F6', 'Control+Shift+ArrowRight');
  await are('Итог', 'Лавка', 'Склад*');
  await saved();
  await page.locator('[data-tab="Лавка"]').focus();
  await keys('Shift+F10');
  await shot('tab-menu');
  await pick('duplicate');
  await until('a copy', async () => (await titles()).length === 4, 10_000);
  await saved();
  await page.locator('[data-tab="Лавка"]').focus();
  await keys('Delete');
  await page.waitForSelector('dialog[open]');
  await shot('delete-tab');
  await keys('Enter');
  await until('gone', async () => !(await titles()).includes('Лавка'), 10_000);
  assert.deepEqual(await read("'Итог'!B2"), [['=#REF!']]);
  await saved();
  await keys('Control+z');
  await holds("'Итог'!B2", [["='Лавка'!B4"]]);
  await saved();
  assert.deepEqual(await read("'Лавка'!A1:D5"), GOODS);
  assert.equal((await meta('namedRanges')).namedRanges[0].name, 'prices');
  await keys('Shift+F11');
  await until('a new one', async () => (await titles()).length === 5, 10_000);
});

test('lines are sized and hidden, panes frozen, ranges protected, a chart drawn', async () => {
  await open();
  await go('B1');
  await keys('Control+Space', 'Shift+F10');
  await pick('resize');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.type('180');
  await keys('Enter');
  const width = async () => (await api(base, `/v4/spreadsheets/${id}?ranges=${range("'Товары'!B1")}&fields=sheets.data.columnMetadata.pixelSize`))
    .sheets[0].data[0].columnMetadata[0].pixelSize;
  await until('180 wide', async () => (await width()) === 180 || width(), 10_000);
  await saved();
  await go('A1');
  await keys('Shift+F10');
  await pick('freeze-rows');
  await page.waitForSelector('.sizer.frozen-rows');
  await saved();
  await go('A1:B5');
  await keys('Shift+F10');
  await pick('chart');
  await page.waitForSelector('.chart');
  await saved();
  await keys('F6');
  assert.ok(await page.evaluate(() => document.activeElement.classList.contains('chart')));
  await shot('chart');
  const corner = async () => (await meta('sheets.charts.position.overlayPosition')).sheets[0].charts[0].position.overlayPosition;
  const before = await corner();
  await keys('ArrowRight');
  await until('moved', async () => (await corner()).offsetXPixels === 8 || corner(), 10_000);
  await saved();
  assert.ok(await page.evaluate(() => document.activeElement.classList.contains('chart')), 'the keyboard stays with it');
  const box = await page.locator('.chart').boundingBox();
  await page.mouse.move(box.x + 20, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 120, box.y + 20 + 21 * 4, { steps: 4 });
  await page.mouse.up();
  await until('dragged', async () => (await corner()).anchorCell.rowIndex === 4 || corner(), 10_000);
  await saved();
  await keys('Escape', 'Control+z', 'Control+z');
  await saved();
  await until('back', async () => JSON.stringify((await corner()).anchorCell) === JSON.stringify(before.anchorCell) || corner(), 10_000);
  await saved();
  await keys('F6');
  await keys('Delete');
  await until('no chart', async () => page.locator('.chart').count().then((n) => n === 0), 10_000);
  await saved();
  await keys('Control+z');
  await page.waitForSelector('.chart');
  await saved();
  await go('D2:D5');
  await keys('Shift+F10');
  await pick('protect');
  await until('protected', async () => (await meta('sheets.protectedRanges')).sheets[0].protectedRanges?.length === 1, 10_000);
});

test('the pointer sizes rows and columns, draws a series on, selects whole lines, and tells names', async () => {
  await write("'Товары'!F1:F3", [[1], [2], ['']]);
  await open();
  const size = async (kind, a1) => (await api(base, `/v4/spreadsheets/${id}?ranges=${range(`'Товары'!${a1}`)}&fields=sheets.data.${kind}.pixelSize`))
    .sheets[0].data[0][kind][0].pixelSize;
  const drag = async (from, dx, dy) => {
    let box = null;
    // What a drawing replaces at this very moment has no place.
    await until(`${from} is drawn`, async () => Boolean(box = await page.locator(from).boundingBox()), 10_000);
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + dx / 2, y + dy / 2);
    await page.mouse.move(x + dx, y + dy);
    await page.mouse.up();
  };
  await drag('.head[data-head="row"][data-at="2"] .resize', 0, 30);
  await until('row 3 is 51 high', async () => (await size('rowMetadata', 'A3')) === 51 || size('rowMetadata', 'A3'), 10_000);
  await drag('.head[data-head="column"][data-at="0"] .resize', 60, 0);
  await until('column A is 160 wide', async () => (await size('columnMetadata', 'A1')) === 160 || size('columnMetadata', 'A1'), 10_000);
  await saved();
  await keys('Control+z');
  await until('column A is 100 wide again', async () => (await size('columnMetadata', 'A1')) === 100 || size('columnMetadata', 'A1'), 10_000);
  await saved();
  await go('F1:F2');
  await drag('.fill-handle', 0, 21 * 3 + 30);
  await holds("'Товары'!F1:F5", [[1], [2], [3], [4], [5]]);
  await saved();
  await keys('Control+z');
  await holds("'Товары'!F1:F5", [[1], [2]]);
  await saved();
  await page.locator('.head[data-head="column"][data-at="1"]').click();
  assert.equal(await at(), 'B1:B30');
  await page.locator('.head[data-head="row"][data-at="3"]').click();
  assert.equal(await at(), 'A4:H4');
  await page.locator('.head[data-head="row"][data-at="5"]').click({ modifiers: ['Shift'] });
  assert.equal(await at(), 'A4:H6');
  await go('prices');
  assert.equal(await at(), 'B2:B5', 'a name leads to its range');
});

test('the line at the foot counts what is selected', async () => {
  await open();
  await go('B2:B5');
  const said = (await page.textContent('#stats')).replaceAll('\u00a0', ' ');
  assert.equal(said, 'Сумма: 960   Среднее: 240   Мин: 50   Макс: 700   Количество: 4');
  await go('A2:A5');
  assert.equal(await page.textContent('#stats'), 'Количество: 4');
});

test('find goes to the next cell that shows a text', async () => {
  await open();
  await keys('Control+f');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.insertText('сыр');
  await keys('Enter');
  await until('at the cheese', async () => (await at()) === 'A4' || at(), 10_000);
});

test('the list of keys names what works, in the language of the file', async () => {
  await open();
  await keys('Control+/');
  await page.waitForSelector('dialog[open].keys');
  assert.match(await page.textContent('dialog'), /Сочетания клавиш/);
  const lines = await page.locator('.key-line').count();
  assert.ok(lines > 30, `only ${lines} lines`);
  await shot('keys');
  await keys('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'scroller');
});

test('a reader of the screen finds a grid', async () => {
  await open();
  await go('B2:C3');
  const found = await page.evaluate(() => {
    const grid = document.querySelector('[role="grid"]');
    const active = document.getElementById(grid.getAttribute('aria-activedescendant'));
    const row = document.querySelector('.pane.main [role="row"]');
    return {
      rows: grid.getAttribute('aria-rowcount'), columns: grid.getAttribute('aria-colcount'),
      active: active?.dataset.a1, role: active?.getAttribute('role'),
      selected: [...document.querySelectorAll('[aria-selected="true"][data-a1]')].map((node) => node.dataset.a1).sort(),
      row: row.getAttribute('aria-rowindex'),
      owned: document.getElementById(row.getAttribute('aria-owns'))?.querySelector('[role="rowheader"]')?.textContent,
      orphans: [...document.querySelectorAll('[role="gridcell"]')].filter((node) => !node.closest('[role="row"]')
        && !document.querySelector(`[aria-owns="${node.parentElement.id}"]`)).length,
      heads: [...document.querySelectorAll('[role="columnheader"]')].every((node) => node.closest('[role="row"]')),
      unnamed: [...document.querySelectorAll('button, input, [role="grid"], [role="tablist"]')]
        .filter((node) => !node.getAttribute('aria-label') && !node.textContent.trim() && !node.title).map((node) => node.outerHTML),
    };
  });
  assert.deepEqual(found, {
    rows: '30', columns: '8', active: 'B2', role: 'gridcell', selected: ['B2', 'B3', 'C2', 'C3'],
    row: '1', owned: '1', orphans: 0, heads: true, unnamed: [],
  });
});

test('people are invited, see each other\'s edits and who made them', async () => {
  await open();
  await page.locator('#share').focus();
  await keys('Enter');
  await page.waitForSelector('dialog[open] .share-line');
  await page.keyboard.type('anna@example.com');
  await keys('Enter');
  await page.waitForFunction(() => /anna@example.com/.test(document.querySelector('.share-list')?.textContent));
  await shot('share');
  await keys('Escape');
  const other = await chrome.newPage();
  await other.goto(`${base}/spreadsheets/d/${id}/edit?as=anna@example.com#gid=1`);
  await drawn(other, 1);
  await other.keyboard.type('Bun');
  await other.keyboard.press('Enter');
  await page.bringToFront();
  await shows('A1', 'Bun');
  await page.waitForFunction(() => /anna/.test(document.getElementById('saved').textContent));
  assert.equal(await page.locator('[data-a1="A1"]').getAttribute('data-by'), 'anna');
  await shot('foreign');
  await other.close();
  await page.locator('#versions').focus();
  await keys('Enter');
  await page.waitForFunction(() => /anna@example.com/.test(document.querySelector('.version-list')?.textContent));
  await shot('versions');
});

test('a reader sees that he may only look, and is refused in the server\'s words', async () => {
  await api(base, `/drive/v3/files/${id}/permissions?sendNotificationEmail=false`, {
    method: 'POST', body: { type: 'user', role: 'reader', emailAddress: 'viewer@example.com' },
  });
  await open(1, 'viewer@example.com');
  await page.waitForFunction(() => /^Только просмотр/.test(document.getElementById('saved').textContent));
  assert.ok(await page.locator('#lock').isVisible());
  await page.keyboard.type('x');
  await keys('Enter');
  await page.waitForSelector('.toast.bad');
  await shows('A1', 'Товар');
  await shot('reader');
});

test('somebody else\'s new row makes undo forget addresses that no longer hold', async () => {
  await open();
  await go('A2');
  await page.keyboard.type('q');
  await keys('Enter');
  await holds("'Товары'!A2", [['q']]);
  assert.ok(await page.locator('#undo').isEnabled());
  await change([{ insertDimension: { range: { sheetId: 1, dimension: 'ROWS', startIndex: 0, endIndex: 1 } } }]);
  await page.waitForFunction(() => document.getElementById('undo').disabled);
});

test('a file is made on the first page and renamed where its name stands', async () => {
  await page.goto(`${base}/?as=owner@example.com`);
  await page.waitForSelector('#new:not(:empty)');
  await page.locator('#new').focus();
  await keys('Enter');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.insertText('Новый отчёт');
  await keys('Enter');
  await page.waitForURL(/spreadsheets/);
  await drawn(page);
  await page.locator('#title').focus();
  await keys('Enter');
  await page.keyboard.insertText('Другое имя');
  await keys('Enter');
  await page.waitForFunction(() => document.getElementById('title').textContent === 'Другое имя');
  assert.deepEqual(page.faults, []);
});
