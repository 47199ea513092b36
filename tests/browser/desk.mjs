// What the browser tests share: starting programs, the browser, and reading a drawn sheet.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const HERE = dirname(fileURLToPath(import.meta.url));
export const ROOT = resolve(HERE, '../..');
export const SHOTS = join(HERE, 'out', 'screenshots');
const OWNER = 'person:owner@example.com';
export const ERRORS = /#(DIV\/0!|REF!|NAME\?|N\/A|VALUE!|NUM!|NULL!|ERROR!)/;
/** Letters from here on, CSS pixels, make a headline: it must never be cut off. */
const HEADLINE_PX = 18;
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Starts a program and reads its one line of JSON; `stop` ends it. */
export function startWithJson(command, args, { within }) {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = () => new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
    child.once('exit', () => { clearTimeout(hard); done(); });
    child.kill('SIGTERM');
  });
  const ready = new Promise((done, fail) => {
    const late = setTimeout(() => fail(new Error(`${command}: no JSON line in ${within} ms`)), within);
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`${command} ended with ${code} before it was ready`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      clearTimeout(late);
      done(JSON.parse(line));
    });
  });
  return ready.then((json) => ({ json, stop }), async (error) => {
    await stop();
    throw error;
  });
}

/** The demo: the one that runs already, or one started here, always when it is to be a special one. */
export async function demo(...special) {
  if (process.env.PLANFACT_DEMO_JSON && !special.length) {
    return { json: JSON.parse(process.env.PLANFACT_DEMO_JSON), stop: async () => {} };
  }
  const own = ['demo', '--port', '0', '--json', ...special];
  const binary = process.env.PLANFACT_BIN;
  return binary
    ? startWithJson(resolve(binary), own, { within: 180_000 })
    : startWithJson('cargo', ['run', '--release', '--', ...own], { within: 1_800_000 });
}

/** The simulated Google alone: the one that runs already, or one started here. */
export async function simulator() {
  const own = ['--listen', '127.0.0.1:0', '--json'];
  const alone = process.env.PLANFACT_SIM_BIN;
  const binary = process.env.PLANFACT_BIN;
  if (process.env.PLANFACT_SIM_URL) {
    return { json: { endpoint: process.env.PLANFACT_SIM_URL }, stop: async () => {} };
  }
  if (alone) return startWithJson(resolve(alone), own, { within: 60_000 });
  return binary ? startWithJson(resolve(binary), ['sim', 'google', ...own], { within: 60_000 })
    : startWithJson('cargo', ['run', '--release', '--', 'sim', 'google', ...own], { within: 1_800_000 });
}

/** A headless Chromium with a fresh profile; console errors are collected in `page.faults`. */
export async function browser(size = { width: 1260, height: 860 }) {
  const { chromium } = await import('playwright-core');
  mkdirSync(SHOTS, { recursive: true });
  const chrome = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: FLAGS,
  });
  const page = await chrome.newPage({ viewport: size });
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (400|403|404|429)/.test(message.text())) {
      page.faults.push(`console: ${message.text()}`);
    }
  });
  return { chrome, page };
}

/** Waits until the open tab is drawn. */
export async function drawn(page, sheetId) {
  await page.waitForFunction((wanted) => document.body.dataset.state === 'ready'
    && (wanted === undefined || document.body.dataset.sheet === String(wanted)),
  sheetId, { timeout: 30_000 });
  await page.evaluate(() => new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(done));
  }));
}

/** Opens a tab by its title. */
export async function openTab(page, title) {
  const tab = page.locator(`[data-tab=${JSON.stringify(title)}]`);
  const sheetId = await tab.getAttribute('data-sheet');
  await tab.click();
  await drawn(page, sheetId);
  return Number(sheetId);
}

/** All tabs in sight: title and id. */
export const tabs = (page) => page.locator('[data-tab]').evaluateAll((nodes) =>
  nodes.map((node) => ({ title: node.dataset.tab, id: Number(node.dataset.sheet) })));

/** Every drawn cell: address, text, whether it is cut off, size of its letters. */
export const cells = (page) => page.locator('.cell').evaluateAll((nodes) => nodes.map((node) => ({
  a1: node.dataset.a1,
  text: node.textContent.trim(),
  clipped: node.dataset.clipped === '1',
  size: Number.parseFloat(getComputedStyle(node.querySelector('.text') ?? node).fontSize),
})));

/** The charts of the open tab with their data, how many pixels of a canvas are coloured, how many bars there are. */
export const charts = (page) => page.locator('.chart').evaluateAll((nodes) => nodes.map((node) => {
  const canvas = node.querySelector('canvas');
  let ink = null;
  if (canvas) {
    ink = 0;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4) {
      const [low, high] = [Math.min(data[i], data[i + 1], data[i + 2]), Math.max(data[i], data[i + 1], data[i + 2])];
      if (data[i + 3] > 128 && high - low > 40) ink += 1;
    }
  }
  return {
    title: node.dataset.chartTitle, drawn: node.dataset.chartDrawn === '1', ink,
    bars: node.querySelectorAll('svg rect').length,
    labels: JSON.parse(node.dataset.chartLabels), series: JSON.parse(node.dataset.chartValues),
  };
}));

/** Opens a workbook, looks at every visible tab, keeps a picture of each where `picture` says. */
export async function look(page, kind, url, picture) {
  await page.goto(url);
  await drawn(page);
  const seen = [];
  for (const { title } of await tabs(page)) {
    await openTab(page, title);
    await page.mouse.move(2, 2);
    await page.screenshot({ path: picture(title) });
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
      if (chart.ink !== null) assert.ok(chart.ink > 3, `${kind} «${title}»: «${chart.title}» drew nothing`);
      else assert.equal(chart.bars, values.length, `${kind} «${title}»: «${chart.title}» has a bar for each number`);
      assert.ok(chart.labels.some(Boolean), `${kind} «${title}»: «${chart.title}» has no labels`);
    }
    const texts = found.map((cell) => cell.text).filter(Boolean);
    seen.push({ title, texts: texts.length, said: texts, charts: drawings.length });
  }
  return seen;
}

/** The A1 address of a cell that is so many rows and columns off a range's first cell. */
export function at(range, row, column) {
  let name = '';
  for (let n = (range.startColumnIndex ?? 0) + column + 1; n > 0; n = Math.floor((n - 1) / 26)) {
    name = String.fromCharCode(65 + ((n - 1) % 26)) + name;
  }
  return `${name}${(range.startRowIndex ?? 0) + row + 1}`;
}

/** A named range of a file with its tab's title and its values, unformatted. */
export async function tableOf(base, id, name) {
  const meta = await api(base, `/v4/spreadsheets/${id}?fields=namedRanges,sheets(properties)`);
  const range = meta.namedRanges.find((one) => one.name === name)?.range;
  assert.ok(range, `the file has the named range ${name}`);
  const sheetId = range.sheetId ?? 0;
  const { title } = meta.sheets.find((one) => (one.properties.sheetId ?? 0) === sheetId).properties;
  const { values } = await api(base, `/v4/spreadsheets/${id}/values/${name}?valueRenderOption=UNFORMATTED_VALUE`);
  return { range, sheetId, title, values };
}

/** Types into a cell of the open tab as a person does. */
export async function type(page, a1, text) {
  await page.fill('#where', a1);
  await page.press('#where', 'Enter');
  // Letters that are not on an American keyboard make no key press of their own: into the open editor.
  await page.keyboard.press('F2');
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
}

/** A request to the public API as the owner; throws Google's sentence. */
export async function api(base, path, { method = 'GET', body } = {}) {
  const answer = await fetch(new URL(path, base), {
    method,
    headers: { Authorization: `Bearer ${OWNER}`, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 400)}`);
  return text ? JSON.parse(text) : {};
}

/** The id in the address of a spreadsheet. */
export const idOf = (url) => /\/spreadsheets\/d\/([^/?#]+)/.exec(url)[1];

/** Asks again until the answer is true; fails with the last answer after the deadline. */
export async function until(what, ask, within) {
  const end = Date.now() + within;
  let last;
  while (Date.now() < end) {
    last = await ask();
    if (last === true) return;
    await new Promise((done) => { setTimeout(done, 500); });
  }
  throw new Error(`${what}: not within ${within} ms; last seen ${JSON.stringify(last)}`);
}

/** A name that a file system takes. */
export const fileName = (text) => text.replace(/[^\p{L}\p{N}]+/gu, '-');
