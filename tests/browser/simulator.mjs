// The viewer against the simulator alone, on a workbook made through the public API.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { api, browser, cells, charts, drawn, openTab, SHOTS, simulator, tabs, until } from './desk.mjs';

let program;
let chrome;
let page;
let base;
let id;

const color = (hex) => ({ rgbColor: {
  red: Number.parseInt(hex.slice(1, 3), 16) / 255, green: Number.parseInt(hex.slice(3, 5), 16) / 255,
  blue: Number.parseInt(hex.slice(5, 7), 16) / 255,
} });
const area = (sheetId, r0, r1, c0, c1) => ({
  sheetId, startRowIndex: r0, endRowIndex: r1, startColumnIndex: c0, endColumnIndex: c1,
});
const entered = (value) => {
  if (value === null) return {};
  if (typeof value === 'number') return { userEnteredValue: { numberValue: value } };
  if (typeof value === 'boolean') return { userEnteredValue: { boolValue: value } };
  return { userEnteredValue: value.startsWith('=') ? { formulaValue: value } : { stringValue: value } };
};
const fill = (sheetId, rowIndex, columnIndex, rows) => ({ updateCells: {
  start: { sheetId, rowIndex, columnIndex }, fields: 'userEnteredValue',
  rows: rows.map((row) => ({ values: row.map(entered) })),
} });
const paint = (range, format, fields) => ({ repeatCell: {
  range, cell: { userEnteredFormat: format }, fields: `userEnteredFormat(${fields})`,
} });
const size = (sheetId, dimension, from, to, pixelSize) => ({ updateDimensionProperties: {
  range: { sheetId, dimension, startIndex: from, endIndex: to }, properties: { pixelSize }, fields: 'pixelSize',
} });

const MONTHS = ['янв', 'фев', 'мар', 'апр', 'май', 'июн'];
const FACT = [980000, 1060000, 1110000, 940000, null, null];
const PLAN = [1000000, 1035000, 1070000, 1105000, 1140000, 1300000];

function combo() {
  const column = (index) => ({ sourceRange: { sources: [area(3, 0, 7, index, index + 1)] } });
  return { addChart: { chart: { chartId: 71, spec: {
    title: 'Выручка: план и факт', subtitle: 'успешные сделки, ₽',
    basicChart: {
      chartType: 'COMBO', legendPosition: 'TOP_LEGEND', headerCount: 1,
      axis: [{ position: 'BOTTOM_AXIS' }, { position: 'LEFT_AXIS' }],
      domains: [{ domain: column(0) }],
      series: [
        { series: column(1), type: 'COLUMN', targetAxis: 'LEFT_AXIS', colorStyle: color('#2f6fde') },
        { series: column(2), type: 'LINE', targetAxis: 'LEFT_AXIS', colorStyle: color('#f08c2e'),
          lineStyle: { type: 'MEDIUM_DASHED', width: 2 } },
      ],
    },
  }, position: { overlayPosition: {
    anchorCell: { sheetId: 1, rowIndex: 6, columnIndex: 1 }, widthPixels: 720, heightPixels: 280,
  } } } } };
}

function requests() {
  const title = paint(area(1, 1, 2, 1, 2), { textFormat: { fontSize: 18, bold: true } }, 'textFormat');
  return [
    fill(3, 0, 0, [['key', 'Факт', 'План'], ...MONTHS.map((month, i) => [month, FACT[i], `='План'!${'BCDEFG'[i]}3`])]),
    paint(area(3, 1, 7, 1, 3), { numberFormat: { type: 'NUMBER', pattern: '#,##0' } }, 'numberFormat'),
    fill(1, 0, 1, [['Данные на сегодня'], ['Сегодня, 22 ноября'], [null], ['Выручка'], ["=SUM('data'!B2:B7)"]]),
    paint(area(1, 0, 1, 0, 10), { backgroundColorStyle: color('#f0fdf4') }, 'backgroundColorStyle'),
    title, paint(area(1, 4, 5, 1, 4), {
      textFormat: { fontSize: 16, bold: true, foregroundColorStyle: color('#15803d') }, horizontalAlignment: 'LEFT',
      numberFormat: { type: 'NUMBER', pattern: '#,##0 "₽"' },
    }, 'textFormat,horizontalAlignment,numberFormat'),
    { mergeCells: { range: area(1, 4, 5, 1, 4), mergeType: 'MERGE_ALL' } },
    size(1, 'ROWS', 1, 2, 36), size(1, 'ROWS', 4, 5, 34), size(1, 'COLUMNS', 0, 1, 24),
    fill(1, 0, 6, [[false]]),
    { setDataValidation: { range: area(1, 0, 1, 6, 7), rule: { condition: { type: 'BOOLEAN' } } } },
    fill(1, 1, 6, [['2026']]),
    { setDataValidation: { range: area(1, 1, 2, 6, 7), rule: {
      condition: { type: 'ONE_OF_LIST', values: [{ userEnteredValue: '2025' }, { userEnteredValue: '2026' }] },
      showCustomUi: true, strict: true,
    } } },
    combo(),
    fill(2, 0, 0, [['План на 2026 год'], ['Показатель', ...MONTHS], ['Выручка', ...PLAN]]),
    paint(area(2, 2, 3, 1, 7), { numberFormat: { type: 'NUMBER', pattern: '#,##0' } }, 'numberFormat'),
    { addConditionalFormatRule: { index: 0, rule: { ranges: [area(2, 2, 3, 1, 7)], booleanRule: {
      condition: { type: 'CUSTOM_FORMULA', values: [{ userEnteredValue: '=B3>1250000' }] },
      format: { backgroundColorStyle: color('#fff1db') },
    } } } },
    { addProtectedRange: { protectedRange: { range: area(2, 1, 2, 0, 7), description: 'headings',
      editors: { users: ['robot@example.com'] } } } },
    { addNamedRange: { namedRange: { name: 'plan_revenue', range: area(2, 2, 3, 1, 7) } } },
  ];
}

before(async () => {
  program = await simulator();
  base = program.json.endpoint;
  const made = await api(base, '/v4/spreadsheets', { method: 'POST', body: {
    properties: { title: 'Проба', locale: 'ru_RU', timeZone: 'Europe/Moscow' },
    sheets: [
      { properties: { sheetId: 1, title: 'Сегодня', gridProperties: { rowCount: 40, columnCount: 10, hideGridlines: true, frozenRowCount: 1 } } },
      { properties: { sheetId: 2, title: 'План', gridProperties: { rowCount: 40, columnCount: 10, frozenColumnCount: 1 } } },
      { properties: { sheetId: 3, title: 'data', hidden: true, gridProperties: { rowCount: 40, columnCount: 6 } } },
    ],
  } });
  id = made.spreadsheetId;
  await api(base, `/v4/spreadsheets/${id}:batchUpdate`, { method: 'POST', body: { requests: requests() } });
  ({ chrome, page } = await browser());
}, { timeout: 1_900_000 });

after(async () => {
  await chrome?.close();
  await program?.stop();
});

const cell = (a1) => page.locator(`[data-a1="${a1}"]`);
const text = async (a1) => (await cell(a1).textContent()).trim().replace(/[\u00a0\u202f]/g, ' ');
const shows = (a1, wanted) => until(`${a1} shows ${wanted}`, async () => {
  const seen = await text(a1);
  return seen === wanted || seen;
}, 10_000);
const open = async (sheetId) => {
  await page.goto(`${base}/spreadsheets/d/${id}/edit?n=${Math.random()}#gid=${sheetId}`);
  await drawn(page, sheetId);
};
const fillOf = (a1) => cell(a1).evaluate((node) => node.style.backgroundColor);
const shot = (name) => page.screenshot({ path: join(SHOTS, `simulator-${name}.png`) });

test('the first page lists the file', async () => {
  await page.goto(base);
  await page.waitForSelector(`[data-file="${id}"]`);
  assert.equal(await page.locator(`[data-file="${id}"] a`).textContent(), 'Проба');
  await shot('index');
});

test('formats, merged cells and the chart are drawn', async () => {
  await open(1);
  assert.deepEqual((await tabs(page)).map((tab) => tab.title), ['Сегодня', 'План']);
  assert.equal(await text('B5'), '4 090 000 ₽');
  assert.equal(await cell('C5').count(), 0, 'a merged cell is drawn once');
  assert.equal(await fillOf('A1'), 'rgb(240, 253, 244)');
  const style = await cell('B2').locator('.text').evaluate((node) => getComputedStyle(node).font);
  assert.match(style, /700 24px/);
  assert.deepEqual((await cells(page)).filter((one) => one.clipped), []);
  const [chart] = await charts(page);
  assert.equal(chart.title, 'Выручка: план и факт');
  assert.deepEqual(chart.labels, MONTHS);
  assert.deepEqual(chart.series.map((one) => [one.name, one.type, one.dashed, one.values]), [
    ['Факт', 'COLUMN', false, FACT], ['План', 'LINE', true, PLAN],
  ]);
  assert.ok(chart.drawn && chart.ink > 1000, `only ${chart.ink} coloured pixels`);
  await shot('today');
});

test('tick box and drop-down write as a person', async () => {
  await open(1);
  await cell('G1').locator('.checkbox').click();
  await until('the box is ticked in the file', async () => {
    const { values } = await api(base, `/v4/spreadsheets/${id}/values/${encodeURIComponent("'Сегодня'!G1")}?valueRenderOption=UNFORMATTED_VALUE`);
    return values?.[0]?.[0] === true || values;
  }, 10_000);
  await cell('G2').locator('.dropdown').click();
  await page.locator('.menu-item', { hasText: '2025' }).click();
  await shows('G2', '2025');
});

test('typing, conditional format, undo, and the chart on another tab follow', async () => {
  await open(2);
  assert.equal(await fillOf('G3'), 'rgb(255, 241, 219)', 'the condition holds at first');
  await cell('F3').click();
  await page.keyboard.type('1 400 000,5');
  await page.keyboard.press('Enter');
  await shows('F3', '1 400 001');
  assert.equal(await page.inputValue('#where'), 'F4');
  assert.equal(await fillOf('F3'), 'rgb(255, 241, 219)');
  await cell('F3').click();
  assert.equal(await page.inputValue('#formula'), '1400000,5');
  await shot('plan');
  await openTab(page, 'Сегодня');
  await until('the chart shows the typed plan', async () =>
    (await charts(page))[0].series[1].values[4] === 1400000.5 || (await charts(page))[0].series[1].values, 10_000);
  await openTab(page, 'План');
  await page.keyboard.press('Control+z');
  await shows('F3', '1 140 000');
  await page.keyboard.press('Delete');
  await shows('F3', '');
  await page.click('#undo');
  await shows('F3', '1 140 000');
});

test('an edit by another person arrives without disturbing the one in progress', async () => {
  await open(2);
  await cell('C3').click();
  await page.keyboard.type('77');
  await api(base, `/v4/spreadsheets/${id}/values/${encodeURIComponent("'План'!D3")}?valueInputOption=RAW`, {
    method: 'PUT', body: { range: "'План'!D3", values: [[555]] },
  });
  await shows('D3', '555');
  assert.equal(await page.inputValue('.editor'), '77');
  await page.keyboard.press('Escape');
  assert.equal(await text('C3'), '1 035 000');
});

test('a protected cell refuses with the server\'s words', async () => {
  await page.goto(`${base}/spreadsheets/d/${id}/edit?as=anna@example.com#gid=2`);
  const seen = await page.waitForFunction(() => ['ready', 'failed'].includes(document.body.dataset.state));
  assert.ok(seen);
  if (await page.evaluate(() => document.body.dataset.state) === 'failed') {
    await api(base, `/drive/v3/files/${id}/permissions?sendNotificationEmail=false`, {
      method: 'POST', body: { type: 'user', role: 'writer', emailAddress: 'anna@example.com' },
    });
    await page.reload();
    await drawn(page);
  }
  await cell('B2').click();
  assert.ok(await page.locator('#lock').isVisible(), 'the lock is shown');
  await page.keyboard.type('x');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.toast.bad');
  assert.match(await page.locator('.toast.bad').textContent(), /protected/i);
  await shows('B2', MONTHS[0]);
  await shot('protected');
});

test('rows and columns are inserted, sorted and deleted from the menu', async () => {
  await open(2);
  const pick = async (a1, item) => {
    await cell(a1).click({ button: 'right' });
    await page.click(`[data-item="${item}"]`);
  };
  await pick('A1', 'row-above');
  await shows('A4', 'Выручка');
  await pick('A1', 'delete-row');
  await shows('A3', 'Выручка');
  await pick('A1', 'column-left');
  await shows('B3', 'Выручка');
  await pick('A1', 'delete-column');
  await shows('A3', 'Выручка');
  await page.dblclick('[data-tab="План"]');
  await page.keyboard.type('Plan 2');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-tab="Plan 2"]');
});

test('ten thousand rows of twenty columns stay quick', async (t) => {
  const made = await api(base, '/v4/spreadsheets', { method: 'POST', body: {
    properties: { title: 'Много строк', locale: 'ru_RU' },
    sheets: [{ properties: { sheetId: 4, title: 'Много', gridProperties: { rowCount: 10050, columnCount: 20, frozenRowCount: 1 } } }],
  } });
  const range = encodeURIComponent("'Много'!A1:T10000");
  const rows = Array.from({ length: 10000 }, (_, r) =>
    [`Строка ${r + 1}`, ...Array.from({ length: 18 }, (_, c) => r * (c + 1)), `=B${r + 1}+C${r + 1}`]);
  await api(base, `/v4/spreadsheets/${made.spreadsheetId}/values/${range}?valueInputOption=USER_ENTERED`, {
    method: 'PUT', body: { range: "'Много'!A1:T10000", values: rows },
  });
  const timed = async (what, act) => {
    const from = performance.now();
    await act();
    t.diagnostic(`${what}: ${Math.round(performance.now() - from)} ms`);
  };
  const at = (wanted) => page.waitForFunction((it) => document.getElementById('where').value === it, wanted);
  const seen = (a1, wanted) => page.waitForFunction(([where, it]) =>
    document.querySelector(`[data-a1="${where}"]`)?.textContent.trim().replace(/[\u00a0\u202f]/g, ' ') === it, [a1, wanted]);
  await timed('opened', async () => {
    await page.goto(`${base}/spreadsheets/d/${made.spreadsheetId}/edit`);
    await drawn(page, 4);
  });
  await timed('jump to row 7160', async () => {
    await page.evaluate(() => { document.getElementById('scroller').scrollTop = 150_000; });
    await seen('A7160', 'Строка 7160');
  });
  assert.ok(await page.locator('.cell').count() < 3000, 'only rows in sight are drawn');
  const frames = await page.evaluate(() => new Promise((done) => {
    const scroller = document.getElementById('scroller');
    const times = [];
    let last = performance.now();
    const step = (now) => {
      times.push(now - last);
      last = now;
      scroller.scrollTop += 400;
      if (times.length < 120) requestAnimationFrame(step);
      else done(times.slice(1).sort((a, b) => a - b));
    };
    requestAnimationFrame(step);
  }));
  t.diagnostic(`a frame while scrolling: median ${Math.round(frames[60])} ms, worst ${Math.round(frames.at(-1))} ms`);
  await page.keyboard.press('Control+Home');
  await timed('Ctrl+Down to the end of the data', async () => {
    await page.keyboard.press('Control+ArrowDown');
    await at('A10000');
  });
  await timed('Ctrl+End', async () => {
    await page.keyboard.press('Control+End');
    await at('T10000');
  });
  await seen('T10000', String(9999 * 3));
  await timed('sum of a whole column', async () => {
    await page.keyboard.press('Control+ArrowUp');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Control+Space');
    await page.waitForFunction(() => document.getElementById('stats').textContent.replace(/\s/g, '').includes('Сумма:49995000'));
  });
  await timed('an arrow key', async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowDown');
  });
  await timed('typing a number until the file has it and everything is drawn anew', async () => {
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.type('5');
    await page.keyboard.press('Enter');
    await seen('T1', '5');
    await page.waitForFunction(() => /^(Saved|Сохранено)/.test(document.getElementById('saved').textContent));
  });
  await timed('copying the whole tab', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Control+c');
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).split('\n').length >= 10_000);
  });
  await timed('deleting a row and taking it back', async () => {
    await page.keyboard.press('Escape');
    await page.fill('#where', 'A5000');
    await page.press('#where', 'Enter');
    await page.keyboard.press('Shift+Space');
    await page.keyboard.press('Control+Alt+Minus');
    await seen('A5000', 'Строка 5001');
    await page.keyboard.press('Control+z');
    await seen('A5000', 'Строка 5000');
  });
  await shot('many');
});

test('hidden tabs open from the menu, and the file stays as it was', async () => {
  await open(1);
  await page.click('#all-tabs');
  await page.click('[data-item="data"]');
  await drawn(page, 3);
  assert.equal(await text('A1'), 'key');
  const meta = await api(base, `/v4/spreadsheets/${id}?fields=sheets.properties`);
  assert.equal(meta.sheets.find((sheet) => sheet.properties.sheetId === 3).properties.hidden, true);
  assert.deepEqual(page.faults, []);
});
