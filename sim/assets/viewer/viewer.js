// The page of one spreadsheet: loads, draws, notices changes, and carries a person's edits.

import * as api from './api.js';
import { Book, idOf } from './book.js';
import { placeCharts } from './charts.js';
import { cssColor } from './base.js';
import { Hands } from './hands.js';
import { closeMenu, openMenu, personButton, toast } from './menus.js';
import { make, Painter } from './paint.js';
import { chooseLanguage, say, when } from './words.js';

const POLL_MS = 2000;

const id = decodeURIComponent(/\/spreadsheets\/d\/([^/]+)/.exec(location.pathname)?.[1] ?? '');
const element = (name) => document.getElementById(name);

const state = {
  book: new Book(id), sheetId: null, version: null, modified: null, opened: new Set(),
  loading: null, queue: Promise.resolve(), pending: 0,
};
const painter = new Painter(element('scroller'), { onWindow: wantRows });
const desk = {
  id,
  get book() { return state.book; },
  get title() { return state.book.sheet(state.sheetId)?.properties.title ?? ''; },
  run, structure, showTab,
};
const hands = new Hands(painter, desk);

/** Runs one request at a time; tells its error; a write reads the tab again. */
function run(task, { write = false } = {}) {
  if (write) saved(say('saving'), 1);
  const job = state.queue.then(async () => {
    try {
      return await task();
    } catch (error) {
      tell(error, write);
      return null;
    } finally {
      if (write) {
        state.pending -= 1;
        // A reading that began before the write may not show it.
        if (state.loading) await state.loading.catch(() => {});
        await reload().catch((error) => tell(error));
      }
    }
  });
  state.queue = job.catch(() => {});
  return job;
}

/** Changes structure in one atomic batch. */
async function structure(requests) {
  const moves = requests.some((one) => one.insertDimension || one.deleteDimension || one.sortRange);
  const answer = await run(() => api.change(id, requests), { write: true });
  if (moves && answer) hands.forget();
  return answer;
}

function tell(error, write = false) {
  if (error instanceof api.ApiError && error.status === 0) toast(say('offline'), { error: true });
  else toast(error.message, { error: true, title: write ? say('refused') : '' });
}

function saved(text, pending = 0) {
  state.pending += pending;
  element('saved').textContent = text;
}

/** Reads version, tabs and the shown tab again and draws them; one at a time. */
function reload() {
  state.loading ??= readAgain().finally(() => { state.loading = null; });
  return state.loading;
}

async function readAgain() {
  const file = await api.fileVersion(id);
  await state.book.loadMeta();
  if (!state.book.sheet(state.sheetId)) state.sheetId = firstTab();
  const sight = painter.grid && idOf(painter.grid.sheet) === state.sheetId
    ? painter.rowsInSight() : { first: 0, last: 60 };
  const grid = await state.book.loadTab(state.sheetId, sight.first, sight.last + 40);
  state.version = file.version;
  state.modified = file.modifiedTime;
  if (idOf(grid.sheet) !== state.sheetId) return;
  draw(grid);
}

function draw(grid) {
  painter.show(grid);
  placeCharts(painter, state.book);
  drawTabs();
  element('title').textContent = state.book.meta.properties?.title ?? '';
  document.title = `${state.book.meta.properties?.title ?? ''} · ${say('spreadsheet')}`;
  hands.show();
  hands.placeEditor();
  if (!state.pending) saved(`${say('saved')} · ${when(state.modified)}`);
  document.body.dataset.state = 'ready';
  document.body.dataset.version = state.version ?? '';
  document.body.dataset.sheet = String(state.sheetId);
}

function firstTab() {
  const shown = state.book.sheets.filter((sheet) => !sheet.properties.hidden);
  return idOf(shown[0] ?? state.book.sheets[0]);
}

/** Opens a tab, a hidden one too; others do not see that. */
async function showTab(sheetId) {
  const sheet = state.book.sheet(sheetId);
  if (!sheet) return;
  hands.commit();
  hands.leave();
  if (sheet.properties.hidden) state.opened.add(sheetId);
  state.sheetId = sheetId;
  history.replaceState(null, '', `${location.pathname}${location.search}#gid=${sheetId}`);
  drawTabs();
  const known = state.book.grids.get(sheetId);
  document.body.dataset.state = 'loading';
  try {
    const grid = await state.book.loadTab(sheetId, 0, 80);
    if (state.sheetId !== sheetId) return;
    painter.show(grid);
    hands.enter(sheetId);
    draw(grid);
  } catch (error) {
    tell(error);
    if (known && state.sheetId === sheetId) draw(known);
  }
}

let rowsTimer = 0;

/** Reads blocks of rows that came in sight. */
function wantRows(first, last) {
  const { grid } = painter;
  clearTimeout(rowsTimer);
  rowsTimer = setTimeout(async () => {
    try {
      const came = await state.book.loadRows(grid, first, last);
      if (came && painter.grid === grid) {
        painter.show(grid);
        placeCharts(painter, state.book);
        hands.show();
        hands.placeEditor();
      }
    } catch (error) {
      tell(error);
    }
  }, 80);
}

let tabsPrint = '';

/** Draws the tabs anew when they changed, else only marks the open one. */
function drawTabs() {
  const holder = element('tabs');
  if (holder.querySelector('.tab-name')) return;
  const shown = state.book.sheets.filter((sheet) => !sheet.properties.hidden
    || idOf(sheet) === state.sheetId || state.opened.has(idOf(sheet)));
  const print = JSON.stringify(shown.map((sheet) => [
    idOf(sheet), sheet.properties.title, sheet.properties.hidden, isWholeProtected(sheet),
    sheet.properties.tabColorStyle, sheet.properties.tabColor,
  ]));
  if (print !== tabsPrint) {
    tabsPrint = print;
    const focused = holder.contains(document.activeElement);
    holder.replaceChildren(...shown.map(tabNode));
    if (focused) holder.querySelector(`[data-sheet="${state.sheetId}"]`)?.focus();
  }
  for (const tab of holder.children) {
    const on = Number(tab.dataset.sheet) === state.sheetId;
    if (on && tab.getAttribute('aria-selected') !== 'true') {
      tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
    tab.setAttribute('aria-selected', String(on));
    tab.tabIndex = on ? 0 : -1;
  }
}

function tabNode(sheet) {
  const { title, hidden } = sheet.properties;
  const tab = make('button', 'tab', title);
  tab.dataset.tab = title;
  tab.dataset.sheet = String(idOf(sheet));
  tab.setAttribute('role', 'tab');
  if (hidden) {
    tab.classList.add('is-hidden');
    tab.dataset.hidden = '1';
    tab.title = say('hidden');
  }
  const color = cssColor(sheet.properties.tabColorStyle, sheet.properties.tabColor);
  if (color) {
    const stripe = make('i', 'stripe');
    stripe.style.background = color;
    tab.append(stripe);
  }
  if (isWholeProtected(sheet)) {
    const lock = make('i', 'lock');
    lock.title = say('protected');
    tab.prepend(lock);
  }
  return tab;
}

function isWholeProtected(sheet) {
  return (sheet.protectedRanges ?? []).some((one) => one.range && !one.requestingUserCanEdit
    && !one.warningOnly && one.range.endRowIndex === undefined
    && one.range.endColumnIndex === undefined && one.range.startRowIndex === undefined);
}

function tabOf(event) {
  const node = event.target.closest('.tab');
  return node ? state.book.sheet(Number(node.dataset.sheet)) : null;
}

function renameTab(sheet) {
  const node = element('tabs').querySelector(`[data-sheet="${idOf(sheet)}"]`);
  const input = make('input', 'tab-name');
  input.value = sheet.properties.title;
  input.setAttribute('aria-label', say('rename'));
  node.replaceWith(input);
  input.focus();
  input.select();
  let over = false;
  const end = (keep) => {
    if (over) return;
    over = true;
    const title = input.value.trim();
    if (keep && title && title !== sheet.properties.title) {
      structure([{ updateSheetProperties: {
        properties: { sheetId: idOf(sheet), title }, fields: 'title',
      } }]);
    }
    tabsPrint = '';
    input.remove();
    drawTabs();
    painter.scroller.focus();
  };
  input.addEventListener('keydown', (event) => {
    event.stopPropagation();
    if (event.key === 'Enter') end(true);
    if (event.key === 'Escape') end(false);
  });
  input.addEventListener('blur', () => end(true));
}

function tabMenu(event) {
  const sheet = tabOf(event);
  if (!sheet) return;
  event.preventDefault();
  const sheetId = idOf(sheet);
  const hide = (hidden) => structure([{ updateSheetProperties: {
    properties: { sheetId, hidden }, fields: 'hidden',
  } }]);
  openMenu([
    { label: say('rename'), data: 'rename', act: () => renameTab(sheet) },
    { label: say('duplicate'), data: 'duplicate', act: () => structure([{ duplicateSheet: {
      sourceSheetId: sheetId, insertSheetIndex: (sheet.properties.index ?? 0) + 1,
    } }]) },
    sheet.properties.hidden
      ? { label: say('showTab'), data: 'show', act: () => hide(false) }
      : { label: say('hideTab'), data: 'hide', act: () => hide(true) },
  ], { x: event.clientX, y: event.clientY, above: true, back: painter.scroller });
}

function listenTabs() {
  const holder = element('tabs');
  holder.setAttribute('aria-label', say('tabs'));
  holder.addEventListener('click', (event) => {
    const sheet = tabOf(event);
    if (!sheet || event.target.closest('.tab-name')) return;
    if (idOf(sheet) !== state.sheetId) showTab(idOf(sheet));
    painter.scroller.focus({ preventScroll: true });
  });
  holder.addEventListener('dblclick', (event) => {
    const sheet = tabOf(event);
    if (sheet) renameTab(sheet);
  });
  holder.addEventListener('contextmenu', tabMenu);
  holder.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tabs = [...holder.querySelectorAll('.tab')];
    const at = tabs.indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = tabs[(at + step + tabs.length) % tabs.length];
    next.focus();
    showTab(Number(next.dataset.sheet));
  });
  element('all-tabs').addEventListener('click', (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    openMenu(state.book.sheets.map((sheet) => ({
      label: sheet.properties.title, chosen: idOf(sheet) === state.sheetId,
      dim: sheet.properties.hidden, mark: sheet.properties.hidden ? say('hidden') : '',
      data: sheet.properties.title, act: () => showTab(idOf(sheet)),
    })), { x: box.left, y: box.top - 4, above: true, width: 200, back: painter.scroller });
  });
}

/** Notices edits by others: the file's version moved. */
async function poll() {
  if (document.hidden || state.loading || state.pending) return;
  try {
    const file = await api.fileVersion(id);
    element('line').classList.remove('away');
    if (state.version !== null && file.version === state.version) {
      if (!state.pending) saved(`${say('saved')} · ${when(file.modifiedTime)}`);
      return;
    }
    await reload();
  } catch (error) {
    if (error instanceof api.ApiError && error.status === 0) {
      element('line').classList.add('away');
      saved(say('offline'));
    } else saved(error.message);
  }
}

function listenNotes() {
  let card = null;
  const close = () => {
    card?.remove();
    card = null;
  };
  painter.scroller.addEventListener('pointerover', (event) => {
    const cell = event.target.closest?.('[data-a1]');
    const text = cell?.dataset.note || cell?.dataset.rule;
    close();
    if (!text || hands.editor) return;
    card = make('div', cell.dataset.note ? 'note' : 'note rule', text);
    card.setAttribute('role', 'tooltip');
    document.body.append(card);
    const box = cell.getBoundingClientRect();
    const left = box.right + 6 + card.offsetWidth > innerWidth ? box.left - card.offsetWidth - 6 : box.right + 6;
    card.style.left = `${Math.max(4, left)}px`;
    card.style.top = `${Math.max(4, Math.min(box.top, innerHeight - card.offsetHeight - 4))}px`;
  });
  painter.scroller.addEventListener('pointerleave', close);
  painter.scroller.addEventListener('scroll', close, { passive: true });
}

function readingView(on) {
  painter.reading = on;
  document.body.classList.toggle('reading', on);
  element('reading').setAttribute('aria-pressed', String(on));
  element('reading').title = say(on ? 'readingOff' : 'readingOn');
  element('reading').setAttribute('aria-label', element('reading').title);
  if (painter.grid) draw(painter.grid);
}

function nameThings() {
  const label = (name, key) => {
    element(name).setAttribute('aria-label', say(key));
    element(name).title = say(key);
  };
  label('undo', 'undo');
  label('where', 'nameBox');
  label('formula', 'formula');
  label('all-tabs', 'allTabs');
  label('home', 'home');
  label('lock', 'protectedHint');
  element('scroller').setAttribute('aria-label', say('grid'));
  element('sim').textContent = say('sim');
  element('sim').title = say('simLine');
}

function failed(error) {
  document.body.dataset.state = 'failed';
  const box = make('div', 'failed');
  const gone = error instanceof api.ApiError && [403, 404].includes(error.status);
  box.append(make('p', '', gone ? say('gone', api.person()) : error.message));
  const home = make('a', 'plain', say('home'));
  home.href = '/';
  const retry = make('button', 'plain', say('retry'));
  retry.addEventListener('click', () => location.reload());
  box.append(home, retry);
  painter.scroller.replaceChildren(box);
  element('title').textContent = say('spreadsheet');
}

async function start() {
  chooseLanguage();
  personButton(element('person'));
  try {
    await state.book.loadMeta();
    chooseLanguage(state.book.locale);
    nameThings();
    listenTabs();
    listenNotes();
    const asked = Number(/gid=(\d+)/.exec(location.hash)?.[1] ?? Number.NaN);
    const sheetId = state.book.sheet(asked) ? asked : firstTab();
    const file = await api.fileVersion(id);
    state.version = file.version;
    state.modified = file.modifiedTime;
    readingView(new URLSearchParams(location.search).get('view') === 'reading' || innerWidth < 640);
    await showTab(sheetId);
    painter.scroller.focus({ preventScroll: true });
  } catch (error) {
    nameThings();
    failed(error);
    return;
  }
  element('undo').addEventListener('click', () => hands.undo());
  element('reading').addEventListener('click', () => readingView(!painter.reading));
  addEventListener('hashchange', () => {
    const asked = Number(/gid=(\d+)/.exec(location.hash)?.[1] ?? Number.NaN);
    if (state.book.sheet(asked) && asked !== state.sheetId) showTab(asked);
  });
  addEventListener('blur', closeMenu);
  addEventListener('quota', () => toast(say('manyRequests')));
  document.addEventListener('visibilitychange', poll);
  setInterval(poll, POLL_MS);
}

start();
