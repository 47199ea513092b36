// The page of one spreadsheet: loads, draws, notices changes, and carries a person's edits.

import * as api from './api.js';
import { Book, idOf } from './book.js';
import { placeCharts } from './charts.js';
import { a1 } from './base.js';
import { showKeys, showSharing, showVersions } from './dialogs.js';
import { findNext } from './find.js';
import { Hands } from './hands.js';
import { History, requestsStep } from './history.js';
import { closeMenu, personButton, toast } from './menus.js';
import { make, Painter } from './paint.js';
import { shortcutOf } from './shortcuts.js';
import { loadFonts } from './text.js';
import { Tabs } from './tabs.js';
import { chooseLanguage, say, when } from './words.js';

const POLL_MS = 2000;

const id = decodeURIComponent(/\/spreadsheets\/d\/([^/]+)/.exec(location.pathname)?.[1] ?? '');
const element = (name) => document.getElementById(name);

const state = {
  book: new Book(id), sheetId: null, file: null, sizes: '',
  loading: null, queue: Promise.resolve(), pending: 0,
};
const painter = new Painter(element('scroller'), { onWindow: wantRows });
const desk = {
  id,
  scroller: painter.scroller,
  get book() { return state.book; },
  get grid() { return painter.grid; },
  get sheetId() { return state.sheetId; },
  get title() { return state.book.sheet(state.sheetId)?.properties.title ?? ''; },
  run, structure, showTab, tell, focusGrid: () => focusGrid(), stepArea,
  stepTab: (by) => tabs.step(by),
  addTab: () => tabs.add(),
  pointing: () => hands.editor.canPoint(),
  find: () => findNext(hands, desk),
  keys: showKeys,
  /** Shows where a step that was undone or redone did something. */
  async arrive({ sheetId, area }) {
    if (sheetId !== undefined && sheetId !== state.sheetId) await showTab(sheetId);
    if (area && state.sheetId === sheetId) hands.selectArea(area);
  },
};
desk.history = new History(desk, () => {
  element('undo').disabled = desk.history.done.length === 0;
  element('redo').disabled = desk.history.undone.length === 0;
});
const hands = new Hands(painter, desk);
const tabs = new Tabs(desk);

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
        await reload({ own: true }).catch((error) => tell(error));
      }
    }
  });
  state.queue = job.catch(() => {});
  return job;
}

/** Changes structure in one atomic batch that undo leaves alone. */
function structure(requests) {
  return run(() => api.change(id, requests), { write: true });
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
function reload(how = {}) {
  state.loading ??= readAgain(how).finally(() => { state.loading = null; });
  return state.loading;
}

async function readAgain({ own = false }) {
  const [file] = await Promise.all([api.fileVersion(id), state.book.loadMeta()]);
  if (!state.book.sheet(state.sheetId)) state.sheetId = firstTab();
  const before = painter.grid;
  const same = before && idOf(before.sheet) === state.sheetId;
  const sight = same ? painter.rowsInSight() : { first: 0, last: 60 };
  const grid = await state.book.loadTab(state.sheetId, sight.first, sight.last + 40);
  noticeSizes(own);
  state.file = file;
  grid.readOnly = file.capabilities?.canEdit === false;
  if (idOf(grid.sheet) !== state.sheetId) return;
  if (!same) {
    painter.show(grid);
    hands.enter(state.sheetId);
  }
  draw(grid);
  if (!own && same) showForeign(before, grid, file.lastModifyingUser);
}

/** Undo steps name cells by address: they are dropped when somebody else moved rows or tabs. */
function noticeSizes(own) {
  const sizes = JSON.stringify(state.book.sheets.map((sheet) => [
    idOf(sheet), sheet.properties.gridProperties?.rowCount, sheet.properties.gridProperties?.columnCount,
  ]));
  if (!own && state.sizes && sizes !== state.sizes) desk.history.forget();
  state.sizes = sizes;
}

/** Marks for a moment what somebody else changed in sight. */
function showForeign(before, after, user) {
  const sight = painter.rowsInSight();
  const changed = [];
  for (let r = sight.first; r <= sight.last; r += 1) {
    if (!before.hasRows(r, r)) continue;
    for (let c = 0; c < after.columnCount; c += 1) {
      const [was, is] = [before.cell(r, c)?.formattedValue ?? '', after.cell(r, c)?.formattedValue ?? ''];
      if (was !== is) changed.push(a1(r, c));
    }
  }
  painter.flash(changed, nameOf(user));
}

const nameOf = (user) => (user?.emailAddress ?? user?.displayName ?? '').replace(/@example\.com$/, '');

/** When the file was saved last and, if it was somebody else, by whom. */
function tellSaved() {
  if (state.pending) return;
  const user = state.file?.lastModifyingUser;
  const other = user && user.emailAddress !== api.person() ? nameOf(user) : '';
  const may = state.file?.capabilities?.canEdit !== false;
  saved([say(may ? 'saved' : 'viewOnly'), when(state.file?.modifiedTime), other].filter(Boolean).join(' · '));
}

function draw(grid) {
  if (!state.pending) hands.recent.clear();
  painter.show(grid);
  placeCharts(painter, state.book);
  tabs.draw();
  element('title').textContent = state.book.meta.properties?.title ?? '';
  document.title = `${state.book.meta.properties?.title ?? ''} · ${say('spreadsheet')}`;
  hands.show();
  hands.editor.place();
  tellSaved();
  document.body.dataset.state = 'ready';
  document.body.dataset.version = state.file?.version ?? '';
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
  if (hands.editor.canPoint()) hands.editor.goElsewhere();
  else hands.editor.commit();
  hands.leave();
  if (sheet.properties.hidden) tabs.opened.add(sheetId);
  state.sheetId = sheetId;
  history.replaceState(null, '', `${location.pathname}${location.search}#gid=${sheetId}`);
  tabs.draw();
  const known = state.book.grids.get(sheetId);
  document.body.dataset.state = 'loading';
  try {
    const grid = await state.book.loadTab(sheetId, 0, 80);
    if (state.sheetId !== sheetId) return;
    grid.readOnly = state.file?.capabilities?.canEdit === false;
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
        hands.editor.place();
      }
    } catch (error) {
      tell(error);
    }
  }, 80);
}

/** Notices edits by others: the file's version moved. */
async function poll() {
  if (document.hidden || state.loading || state.pending) return;
  try {
    const file = await api.fileVersion(id);
    element('line').classList.remove('away');
    if (state.file !== null && file.version === state.file.version) {
      tellSaved();
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

/** The parts of the page that F6 leads round: grid, formula bar, tabs, charts, head. */
function stepArea(by) {
  const areas = [
    [element('scroller'), element('scroller')],
    [document.querySelector('.chart'), element('scroller').querySelector('.charts')],
    [element('tabs').querySelector('[aria-selected="true"]'), document.querySelector('footer')],
    [element('title'), document.querySelector('header')],
    [element('where'), document.querySelector('.formula')],
  ].filter(([target]) => target);
  const here = document.activeElement;
  const inChart = here.closest?.('.chart');
  let at = areas.findIndex(([target, area]) => target === here || (!inChart && target !== element('scroller') && area.contains(here)));
  if (inChart) at = 1;
  areas[(Math.max(0, at) + by + areas.length) % areas.length][0].focus();
}

/** Keys that work wherever the keyboard is, and leaving a part of the page by Escape. */
function listenKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
    const shortcut = shortcutOf(event);
    const outside = event.target.closest?.('header, footer') && event.key === 'Escape';
    if (shortcut?.everywhere) {
      if (!hands.editor.now) shortcut.act(hands);
      else if (shortcut.on.includes('F6')) hands.editor.commit();
    } else if (outside) focusGrid();
    else return;
    event.preventDefault();
  });
}

const focusGrid = () => painter.scroller.focus({ preventScroll: true });

/** Renames the file where its name stands. */
function renameFile() {
  const heading = element('title');
  const input = make('input', 'title-field');
  input.value = state.book.meta.properties?.title ?? '';
  input.setAttribute('aria-label', say('renameFile'));
  heading.hidden = true;
  heading.after(input);
  input.focus();
  input.select();
  let over = false;
  const end = (keep) => {
    if (over) return;
    over = true;
    const title = input.value.trim();
    const before = state.book.meta.properties?.title ?? '';
    input.remove();
    heading.hidden = false;
    focusGrid();
    if (!keep || !title || title === before) return;
    const to = (wanted) => [{ updateSpreadsheetProperties: { properties: { title: wanted }, fields: 'title' } }];
    desk.history.perform(requestsStep(desk, undefined, undefined, to(title), to(before)));
  };
  input.addEventListener('keydown', (event) => {
    event.stopPropagation();
    if (event.key === 'Enter') end(true);
    if (event.key === 'Escape') end(false);
  });
  input.addEventListener('blur', () => end(true));
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
  for (const name of ['undo', 'redo', 'keys', 'share', 'versions']) label(name, name);
  element('undo').title += ' (Ctrl+Z)';
  element('redo').title += ' (Ctrl+Y)';
  element('share').textContent = say('share');
  label('add-tab', 'newTab');
  label('title', 'renameFile');
  element('title').removeAttribute('aria-label');
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
    await Promise.all([state.book.loadMeta(), loadFonts()]);
    chooseLanguage(state.book.locale);
    nameThings();
    listenKeys();
    const asked = Number(/gid=(\d+)/.exec(location.hash)?.[1] ?? Number.NaN);
    const sheetId = state.book.sheet(asked) ? asked : firstTab();
    state.file = await api.fileVersion(id);
    noticeSizes(true);
    readingView(new URLSearchParams(location.search).get('view') === 'reading' || innerWidth < 640);
    await showTab(sheetId);
    painter.scroller.focus({ preventScroll: true });
  } catch (error) {
    nameThings();
    failed(error);
    return;
  }
  element('undo').addEventListener('click', () => desk.history.undo());
  element('redo').addEventListener('click', () => desk.history.redo());
  element('keys').addEventListener('click', showKeys);
  element('share').addEventListener('click', () => showSharing(id));
  element('versions').addEventListener('click', () => showVersions(id).catch(tell));
  element('title').addEventListener('click', renameFile);
  element('reading').addEventListener('click', () => readingView(!painter.reading));
  addEventListener('hashchange', () => {
    const asked = Number(/gid=(\d+)/.exec(location.hash)?.[1] ?? Number.NaN);
    if (state.book.sheet(asked) && asked !== state.sheetId) showTab(asked);
  });
  addEventListener('blur', closeMenu);
  element('tabs').setAttribute('aria-label', say('tabs'));
  addEventListener('quota', () => toast(say('manyRequests')));
  document.addEventListener('visibilitychange', poll);
  setInterval(poll, POLL_MS);
}

start();
