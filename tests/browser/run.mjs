// The demo in Chromium: every tab looks right, and a typed plan number reaches the report's chart.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import {
  api, at, browser, charts, demo, drawn, fileName, idOf, look, openTab, SHOTS, tableOf, tabs, type, until,
} from './desk.mjs';

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

const picture = (kind) => (title) => join(SHOTS, `${kind}-${fileName(title)}.png`);

const brief = (seen) => JSON.stringify(seen.map(({ said, ...rest }) => rest));

test('report and plan look right on every tab', { timeout: 180_000 }, async (t) => {
  const report = await look(page, 'report', program.json.report_url, picture('report'));
  t.diagnostic(`report: ${brief(report)}`);
  assert.ok(report.length >= 4, 'the report has several tabs');
  assert.ok(report[0].charts >= 1, 'the first tab shows a chart');
  for (const tab of report) assert.ok(tab.texts > 2, `report «${tab.title}» is empty`);
  const plan = await look(page, 'plan', program.json.plan_url, picture('plan'));
  t.diagnostic(`plan: ${brief(plan)}`);
  for (const tab of plan) assert.ok(tab.texts > 2, `plan «${tab.title}» is empty`);
  assert.deepEqual(page.faults, []);
});

/** Finds a plan cell by its two hidden keys: the month's row or column and the metric's. */
async function planCell(base, id, month, metric) {
  const { range, sheetId, title, values: rows } = await tableOf(base, id, 'plan_company');
  const across = rows[0].findIndex((one) => String(one) === metric);
  const byRow = rows.findIndex((row) => String(row[0]) === month);
  if (across >= 0 && byRow >= 0) return { title, sheetId, a1: at(range, byRow, across), value: rows[byRow][across] };
  const down = rows.findIndex((row) => String(row[0]) === metric);
  const byColumn = rows[0].findIndex((one) => String(one) === month);
  assert.ok(down >= 0 && byColumn >= 0, `plan_company has keys ${month} and ${metric}: ${JSON.stringify(rows[0])}`);
  return { title, sheetId, a1: at(range, down, byColumn), value: rows[down][byColumn] };
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
  await type(page, cell.a1, String(typed));
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
