// The demo in Chromium: every tab looks right, and a typed plan number reaches the report's chart.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import {
  api, browser, cells, charts, demo, drawn, fileName, idOf, openTab, SHOTS, tabs, until,
} from './desk.mjs';

const ERRORS = /#(DIV\/0!|REF!|NAME\?|N\/A|VALUE!|NUM!|NULL!|ERROR!)/;
/** Letters from here on, CSS pixels, make a headline: it must never be cut off. */
const HEADLINE_PX = 18;
const PLAN_DEADLINE_MS = 60_000;

let program;
let chrome;
let page;

before(async () => {
  program = await demo();
  ({ chrome, page } = await browser());
}, { timeout: 1_900_000 });

after(async () => {
  await chrome?.close();
  await program?.stop();
});

/** Opens a workbook, looks at every visible tab, keeps a picture of each. */
async function look(kind, url) {
  await page.goto(url);
  await drawn(page);
  const seen = [];
  for (const { title } of await tabs(page)) {
    await openTab(page, title);
    await page.mouse.move(2, 2);
    await page.screenshot({ path: join(SHOTS, `${kind}-${fileName(title)}.png`) });
    const found = await cells(page);
    const wrong = found.filter((cell) => ERRORS.test(cell.text));
    assert.deepEqual(wrong, [], `${kind} «${title}»: formula errors are shown`);
    const cut = found.filter((cell) => cell.clipped && cell.size >= HEADLINE_PX);
    assert.deepEqual(cut, [], `${kind} «${title}»: headlines are cut off`);
    const hashes = found.filter((cell) => /^#+$/.test(cell.text));
    assert.deepEqual(hashes, [], `${kind} «${title}»: numbers do not fit their columns`);
    const drawings = await charts(page);
    for (const chart of drawings) {
      const values = chart.series.flatMap((one) => one.values).filter((one) => one !== null);
      assert.ok(chart.drawn && values.length, `${kind} «${title}»: «${chart.title}» has no data`);
      assert.ok(chart.ink > 3, `${kind} «${title}»: «${chart.title}» drew nothing`);
      assert.ok(chart.labels.some(Boolean), `${kind} «${title}»: «${chart.title}» has no labels`);
    }
    seen.push({ title, texts: found.filter((cell) => cell.text).length, charts: drawings.length });
  }
  return seen;
}

test('report and plan look right on every tab', { timeout: 180_000 }, async (t) => {
  const report = await look('report', program.json.report_url);
  t.diagnostic(`report: ${JSON.stringify(report)}`);
  assert.ok(report.length >= 4, 'the report has several tabs');
  assert.ok(report[0].charts >= 1, 'the first tab shows a chart');
  for (const tab of report) assert.ok(tab.texts > 2, `report «${tab.title}» is empty`);
  const plan = await look('plan', program.json.plan_url);
  t.diagnostic(`plan: ${JSON.stringify(plan)}`);
  for (const tab of plan) assert.ok(tab.texts > 2, `plan «${tab.title}» is empty`);
  assert.deepEqual(page.faults, []);
});

/** Finds a plan cell by its two hidden keys: the month's row or column and the metric's. */
async function planCell(base, id, month, metric) {
  const meta = await api(base, `/v4/spreadsheets/${id}?fields=namedRanges,sheets(properties)`);
  const range = meta.namedRanges.find((one) => one.name === 'plan_company')?.range;
  assert.ok(range, 'the plan has the named range plan_company');
  const sheetId = range.sheetId ?? 0;
  const title = meta.sheets.find((one) => (one.properties.sheetId ?? 0) === sheetId).properties.title;
  const answer = await api(base, `/v4/spreadsheets/${id}/values/plan_company?valueRenderOption=UNFORMATTED_VALUE`);
  const rows = answer.values;
  const origin = originOf(answer.range, range);
  const across = rows[0].findIndex((one) => String(one) === metric);
  const byRow = rows.findIndex((row) => String(row[0]) === month);
  if (across >= 0 && byRow >= 0) return { title, sheetId, ...at(origin, byRow, across), value: rows[byRow][across] };
  const down = rows.findIndex((row) => String(row[0]) === metric);
  const byColumn = rows[0].findIndex((one) => String(one) === month);
  assert.ok(down >= 0 && byColumn >= 0, `plan_company has keys ${month} and ${metric}: ${JSON.stringify(rows[0])}`);
  return { title, sheetId, ...at(origin, down, byColumn), value: rows[down][byColumn] };
}

const originOf = (_, range) => ({ row: range.startRowIndex ?? 0, column: range.startColumnIndex ?? 0 });

function at(origin, row, column) {
  let name = '';
  for (let n = origin.column + column + 1; n > 0; n = Math.floor((n - 1) / 26)) {
    name = String.fromCharCode(65 + ((n - 1) % 26)) + name;
  }
  return { a1: `${name}${origin.row + row + 1}` };
}

/** The month to type into: the last of the year that the plan covers. */
async function lastMonth(base, id) {
  const { values } = await api(base, `/v4/spreadsheets/${id}/values/plan_company?valueRenderOption=UNFORMATTED_VALUE`);
  const keys = [...values[0], ...values.map((row) => row[0])].map(String);
  const months = keys.filter((key) => /^\d{4}-\d{2}$/.test(key)).sort();
  assert.ok(months.length >= 12, 'the plan has twelve months');
  return months.at(-1);
}

/** Whether a chart of the open page holds a number. */
async function chartShows(number) {
  const found = await charts(page);
  if (found.some((chart) => chart.series.some((one) => one.values.includes(number)))) return true;
  return found.map((chart) => ({ title: chart.title, series: chart.series.map((one) => one.name) }));
}

test('a typed plan number reaches the report\'s chart and stays', { timeout: 180_000 }, async (t) => {
  const { pages, plan_url: planUrl, report_url: reportUrl } = program.json;
  const planId = idOf(planUrl);
  const month = await lastMonth(pages, planId);
  const metric = 'leads_created';
  const cell = await planCell(pages, planId, month, metric)
    .catch(() => planCell(pages, planId, month, `plan_${metric}`));
  const typed = Math.round(Number(cell.value) || 1000) + 137;
  await page.goto(planUrl);
  await drawn(page);
  await openTab(page, cell.title);
  await page.fill('#where', cell.a1);
  await page.press('#where', 'Enter');
  await page.keyboard.type(String(typed));
  await page.keyboard.press('Enter');
  const shown = (text) => Number(text.replace(/[^\d]/g, ''));
  const drawnCell = page.locator(`[data-a1="${cell.a1}"]`);
  await until('the cell shows what was typed',
    async () => shown(await drawnCell.textContent()) === typed || drawnCell.textContent(), 10_000);
  const from = Date.now();
  await page.goto(reportUrl);
  await drawn(page);
  const leads = await leadsTab();
  await openTab(page, leads);
  await until(`a chart of «${leads}» shows ${typed}`, () => chartShows(typed), PLAN_DEADLINE_MS);
  t.diagnostic(`${cell.title}!${cell.a1} (${month}): ${cell.value} → ${typed}, in the chart after ${Date.now() - from} ms`);
  await page.screenshot({ path: join(SHOTS, 'typed-report.png') });
  await page.goto(planUrl);
  await drawn(page);
  await openTab(page, cell.title);
  await page.fill('#where', cell.a1);
  await page.press('#where', 'Enter');
  assert.equal(shown(await drawnCell.textContent()), typed, 'the plan keeps what was typed');
  await page.screenshot({ path: join(SHOTS, 'typed-plan.png') });
  assert.deepEqual(page.faults, []);
});

/** The tab whose charts compare numbers of leads: by its name, else the second. */
async function leadsTab() {
  const all = await tabs(page);
  return (all.find(({ title }) => /^(Лиды|Leads)$/i.test(title)) ?? all[1]).title;
}
