// The bar of tabs: opening, renaming, adding, copying, moving, hiding, deleting.

import { cssColor } from './base.js';
import { idOf } from './book.js';
import { confirmed } from './dialogs.js';
import { deletionStep, requestsStep } from './history.js';
import { openMenu, toast } from './menus.js';
import { make } from './paint.js';
import { say } from './words.js';

const freshId = () => 1 + Math.floor(Math.random() * 2_000_000_000);

/** The bar; `desk` gives book, sheetId, history, showTab(id), pointing(), focusGrid(). */
export class Tabs {
  constructor(desk) {
    this.desk = desk;
    this.holder = document.getElementById('tabs');
    this.opened = new Set();
    this.print = '';
    this.listen();
  }

  /** Tabs in the bar: those that everybody sees, and hidden ones that were opened here. */
  get shown() {
    return this.desk.book.sheets.filter((sheet) => !sheet.properties.hidden
      || idOf(sheet) === this.desk.sheetId || this.opened.has(idOf(sheet)));
  }

  /** Draws the tabs anew when they changed, else only marks the open one. */
  draw() {
    const { holder, desk } = this;
    if (holder.querySelector('.tab-name')) return;
    const { shown } = this;
    const print = JSON.stringify(shown.map((sheet) => [
      idOf(sheet), sheet.properties.title, sheet.properties.hidden, isWholeProtected(sheet),
      sheet.properties.tabColorStyle, sheet.properties.tabColor,
    ]));
    if (print !== this.print) {
      this.print = print;
      const focused = holder.contains(document.activeElement);
      holder.replaceChildren(...shown.map(tabNode));
      if (focused) this.node(desk.sheetId)?.focus();
    }
    for (const tab of holder.children) {
      const on = Number(tab.dataset.sheet) === desk.sheetId;
      if (on && tab.getAttribute('aria-selected') !== 'true') {
        tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      }
      tab.setAttribute('aria-selected', String(on));
      tab.tabIndex = on ? 0 : -1;
    }
  }

  node(sheetId) {
    return this.holder.querySelector(`[data-sheet="${sheetId}"]`);
  }

  of(event) {
    const node = event.target.closest('.tab');
    return node ? this.desk.book.sheet(Number(node.dataset.sheet)) : null;
  }

  listen() {
    const { holder, desk } = this;
    holder.addEventListener('pointerdown', (event) => {
      // A formula under way keeps the caret: cells of another tab may be pointed at.
      if (desk.pointing()) event.preventDefault();
    });
    holder.addEventListener('click', (event) => {
      const sheet = this.of(event);
      if (!sheet || event.target.closest('.tab-name')) return;
      const stays = desk.pointing();
      if (idOf(sheet) !== desk.sheetId) desk.showTab(idOf(sheet));
      if (!stays) desk.focusGrid();
    });
    holder.addEventListener('dblclick', (event) => {
      const sheet = this.of(event);
      if (sheet) this.rename(sheet);
    });
    holder.addEventListener('contextmenu', (event) => {
      event.preventDefault();
      const sheet = this.of(event);
      if (sheet && event.clientX + event.clientY > 0) this.menu(sheet, event.clientX, event.clientY);
    });
    holder.addEventListener('keydown', (event) => this.onKey(event));
    document.getElementById('add-tab').addEventListener('click', () => this.add());
    document.getElementById('all-tabs').addEventListener('click', (event) => this.list(event.currentTarget));
  }

  onKey(event) {
    const sheet = this.of(event);
    if (!sheet || event.target.closest('.tab-name')) return;
    const { shown } = this;
    const at = shown.findIndex((one) => idOf(one) === idOf(sheet));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: shown.length - 1 }[event.key];
    if (to !== undefined && event.ctrlKey && event.shiftKey) this.move(sheet, to > at ? 1 : -1);
    else if (to !== undefined) {
      const next = shown[(to + shown.length) % shown.length];
      this.node(idOf(next))?.focus();
      this.desk.showTab(idOf(next));
    } else if (event.key === 'F2') this.rename(sheet);
    else if (event.key === 'Delete') this.remove(sheet);
    else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)
      || (event.key === 'ArrowDown' && event.altKey)) {
      const box = this.node(idOf(sheet)).getBoundingClientRect();
      this.menu(sheet, box.left, box.top);
    } else if (event.key === 'Enter' || event.key === ' ' || event.key === 'Escape') this.desk.focusGrid();
    else return;
    event.preventDefault();
  }

  /** The tab so many places further along the bar, round its ends. */
  step(by) {
    const { shown } = this;
    const at = shown.findIndex((one) => idOf(one) === this.desk.sheetId);
    this.desk.showTab(idOf(shown[(at + by + shown.length) % shown.length]));
  }

  list(button) {
    const box = button.getBoundingClientRect();
    openMenu(this.desk.book.sheets.map((sheet) => ({
      label: sheet.properties.title, chosen: idOf(sheet) === this.desk.sheetId,
      dim: sheet.properties.hidden, mark: sheet.properties.hidden ? say('hidden') : '',
      data: sheet.properties.title, act: () => this.desk.showTab(idOf(sheet)),
    })), { x: box.left, y: box.top - 4, above: true, width: 200, back: this.desk.scroller, label: say('allTabs') });
  }

  menu(sheet, x, y) {
    const { shown } = this;
    const at = shown.findIndex((one) => idOf(one) === idOf(sheet));
    openMenu([
      { label: say('rename'), mark: 'F2', data: 'rename', act: () => this.rename(sheet) },
      { label: say('duplicate'), data: 'duplicate', act: () => this.duplicate(sheet) },
      sheet.properties.hidden
        ? { label: say('showTab'), data: 'show', act: () => this.set(sheet, 'hidden', false) }
        : { label: say('hideTab'), data: 'hide', act: () => this.set(sheet, 'hidden', true) },
      { label: say('deleteTab'), mark: 'Delete', data: 'delete', act: () => this.remove(sheet) },
      null,
      at > 0 && { label: say('moveLeft'), data: 'move-left', act: () => this.move(sheet, -1) },
      at < shown.length - 1 && { label: say('moveRight'), data: 'move-right', act: () => this.move(sheet, 1) },
      null,
      { label: say('newTab'), mark: 'Shift+F11', data: 'add', act: () => this.add() },
    ].filter((item, i, all) => item !== false && (item || all[i + 1])), {
      x, y, above: true, back: this.desk.scroller, label: sheet.properties.title,
    });
  }

  /** Changes one property of a tab; undo gives the former value back. */
  set(sheet, name, value) {
    const sheetId = idOf(sheet);
    const to = (wanted) => [{ updateSheetProperties: {
      properties: { sheetId, [name]: wanted }, fields: name,
    } }];
    const before = sheet.properties[name] ?? { hidden: false, index: 0 }[name];
    return this.desk.history.perform(requestsStep(this.desk, undefined, undefined, to(value), to(before)));
  }

  async add() {
    const sheetId = freshId();
    const now = this.desk.book.sheet(this.desk.sheetId);
    const titles = new Set(this.desk.book.sheets.map((sheet) => sheet.properties.title));
    let number = titles.size + 1;
    while (titles.has(say('tabTitle', number))) number += 1;
    const done = await this.desk.history.perform(requestsStep(this.desk, undefined, undefined, [{ addSheet: {
      properties: { sheetId, title: say('tabTitle', number), index: (now?.properties.index ?? 0) + 1 },
    } }], [{ deleteSheet: { sheetId } }]));
    if (done) await this.desk.showTab(sheetId);
    this.desk.focusGrid();
  }

  async duplicate(sheet) {
    const newSheetId = freshId();
    const done = await this.desk.history.perform(requestsStep(this.desk, undefined, undefined, [
      { duplicateSheet: {
        sourceSheetId: idOf(sheet), insertSheetIndex: (sheet.properties.index ?? 0) + 1, newSheetId,
      } },
    ], [{ deleteSheet: { sheetId: newSheetId } }]));
    if (done) await this.desk.showTab(newSheetId);
  }

  /** Moves a tab past its shown neighbour. */
  async move(sheet, by) {
    const { shown } = this;
    const at = shown.findIndex((one) => idOf(one) === idOf(sheet));
    const neighbour = shown[at + by];
    if (!neighbour) return;
    const from = sheet.properties.index ?? 0;
    const to = neighbour.properties.index ?? 0;
    // An index counts in the order before the move, so the way right aims one place further.
    const place = (start, end) => (end > start ? end + 1 : end);
    const sheetId = idOf(sheet);
    const go = (index) => [{ updateSheetProperties: { properties: { sheetId, index }, fields: 'index' } }];
    await this.desk.history.perform(
      requestsStep(this.desk, undefined, undefined, go(place(from, to)), go(place(to, from))),
    );
    if (document.activeElement === document.body) this.node(sheetId)?.focus();
  }

  async remove(sheet) {
    if (this.desk.book.sheets.filter((one) => !one.properties.hidden).length < 2 && !sheet.properties.hidden) {
      toast(say('lastTab'), { error: true });
      return;
    }
    const sure = await confirmed(say('deleteTabAsk', sheet.properties.title), say('deleteTabText'), say('deleteTab'));
    if (!sure) return;
    await this.desk.history.perform(deletionStep(this.desk, idOf(sheet)));
    this.desk.focusGrid();
  }

  rename(sheet) {
    const node = this.node(idOf(sheet));
    if (!node) return;
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
      this.print = '';
      input.remove();
      this.draw();
      this.desk.focusGrid();
      if (keep && title && title !== sheet.properties.title) this.set(sheet, 'title', title);
    };
    input.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if (event.key === 'Enter') end(true);
      if (event.key === 'Escape') end(false);
    });
    input.addEventListener('blur', () => end(true));
  }
}

function tabNode(sheet) {
  const { title, hidden } = sheet.properties;
  const tab = make('button', 'tab', title);
  tab.dataset.tab = title;
  tab.dataset.sheet = String(idOf(sheet));
  tab.setAttribute('role', 'tab');
  tab.setAttribute('aria-controls', 'scroller');
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
