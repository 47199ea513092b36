// What a person does in the grid: selecting with keys and pointer, and the way to editor and menus.

import { a1, areaA1, inputText, inside, isBlank, parseA1, tabA1 } from './base.js';
import * as api from './api.js';
import { Clipboard } from './clipboard.js';
import { Commands } from './commands.js';
import { Drawings } from './drawings.js';
import { Editor } from './editor.js';
import { Figures } from './figures.js';
import { cellsStep } from './history.js';
import { menuIsOpen, openMenu } from './menus.js';
import { Notes } from './notes.js';
import { isCheckbox, isDropdown, isTicked } from './paint.js';
import { Pointer } from './pointer.js';
import { shortcutOf } from './shortcuts.js';

/** Above this many cells a selection is not grown by the merged cells in it. */
const GROWN_CELLS = 5000;
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Selection over one painter. */
export class Hands {
  /** `desk` gives: id, book, grid, title, history, run(task), structure(requests), showTab(id). */
  constructor(painter, desk) {
    this.painter = painter;
    this.desk = desk;
    this.active = { row: 0, column: 0 };
    this.anchor = this.active;
    this.focus = this.active;
    this.places = new Map();
    this.scroller = painter.scroller;
    this.where = document.getElementById('where');
    this.bar = document.getElementById('formula');
    this.editor = new Editor(this);
    this.clipboard = new Clipboard(this);
    this.commands = new Commands(this);
    this.drawings = new Drawings(this);
    this.figures = new Figures(this);
    this.notes = new Notes(this);
    this.pointer = new Pointer(this);
    this.waiting = null;
    this.tabHome = null;
    /** What was typed and is not yet read back, by tab and cell. */
    this.recent = new Map();
    this.scroller.addEventListener('keydown', (event) => this.onKey(event));
    this.where.addEventListener('keydown', (event) => this.onWhereKey(event));
    this.where.addEventListener('focus', () => this.where.select());
  }

  get grid() {
    return this.painter.grid;
  }

  /** The selected area, whole merged cells included. */
  get area() {
    const area = {
      r0: Math.min(this.anchor.row, this.focus.row), r1: Math.max(this.anchor.row, this.focus.row),
      c0: Math.min(this.anchor.column, this.focus.column),
      c1: Math.max(this.anchor.column, this.focus.column),
    };
    if ((area.r1 - area.r0 + 1) * (area.c1 - area.c0 + 1) > GROWN_CELLS) return area;
    let grown = this.grid.mergeAt.size > 0;
    while (grown) {
      grown = false;
      for (let r = area.r0; r <= area.r1; r += 1) {
        for (let c = area.c0; c <= area.c1; c += 1) {
          const own = this.grid.merged(r, c);
          if (!own || (own.r0 >= area.r0 && own.r1 <= area.r1 && own.c0 >= area.c0 && own.c1 <= area.c1)) continue;
          area.r0 = Math.min(area.r0, own.r0);
          area.c0 = Math.min(area.c0, own.c0);
          area.r1 = Math.max(area.r1, own.r1);
          area.c1 = Math.max(area.c1, own.c1);
          grown = true;
        }
      }
    }
    return area;
  }

  /** Whether more than one cell (or merged block) is selected. */
  get many() {
    return areaA1(this.area) !== areaA1(this.grid.areaAt(this.active.row, this.active.column));
  }

  isArea(area) {
    return areaA1(this.area) === areaA1(area);
  }

  /** `row` or `column` when whole lines are selected. */
  wholeLines() {
    const { area, grid } = this;
    const rows = area.c0 === 0 && area.c1 === grid.columnCount - 1;
    const columns = area.r0 === 0 && area.r1 === grid.rowCount - 1;
    return rows && !columns ? 'row' : columns && !rows ? 'column' : undefined;
  }

  /** Comes back to where a tab was left. */
  enter(sheetId) {
    const place = this.places.get(sheetId);
    const first = this.firstShown();
    this.sheetId = sheetId;
    this.select(place?.active ?? first, place?.active ?? first, { reveal: false });
    this.scroller.scrollTop = place?.top ?? 0;
    this.scroller.scrollLeft = place?.left ?? 0;
  }

  /** Remembers where a tab is left. */
  leave() {
    if (this.sheetId === undefined) return;
    this.places.set(this.sheetId, {
      active: this.active, top: this.scroller.scrollTop, left: this.scroller.scrollLeft,
    });
  }

  firstShown() {
    const { grid } = this;
    let row = 0;
    let column = 0;
    while (row < grid.rowCount - 1 && !grid.height(row)) row += 1;
    while (column < grid.columnCount - 1 && !grid.width(column)) column += 1;
    return { row, column };
  }

  /** Selects from a cell to a cell; the first is the active one. */
  select(from, to = from, { reveal = true } = {}) {
    const fit = (cell) => ({
      row: Math.max(0, Math.min(this.grid.rowCount - 1, cell.row)),
      column: Math.max(0, Math.min(this.grid.columnCount - 1, cell.column)),
    });
    this.anchor = fit(from);
    this.focus = fit(to);
    this.tabHome = null;
    const own = this.grid.areaAt(this.anchor.row, this.anchor.column);
    this.active = { row: own.r0, column: own.c0 };
    if (reveal) this.painter.reveal(this.focus.row, this.focus.column);
    this.show();
  }

  /** Selects an area {r0, c0, r1, c1}; its first cell is active. */
  selectArea(area) {
    this.select({ row: area.r0, column: area.c0 }, { row: area.r1, column: area.c1 }, { reveal: false });
    this.painter.reveal(area.r0, area.c0);
  }

  /** Draws frames only: selection, what was copied, what a formula names. */
  mark() {
    const { held } = this.clipboard;
    const copied = held && held.sheetId === this.sheetId ? held : null;
    this.painter.select({ active: this.active, area: this.area, copied: copied?.area });
  }

  /** Draws selection, formula bar and figures again. */
  show() {
    const fit = (cell) => ({
      row: Math.min(cell.row, this.grid.rowCount - 1),
      column: Math.min(cell.column, this.grid.columnCount - 1),
    });
    [this.anchor, this.focus, this.active] = [this.anchor, this.focus, this.active].map(fit);
    const { area } = this;
    this.mark();
    if (document.activeElement !== this.where) {
      this.where.value = this.many ? areaA1(area) : a1(this.active.row, this.active.column);
    }
    if (!this.editor.now) this.bar.value = this.textOf(this.active);
    document.getElementById('lock').hidden = !this.grid.isProtected(this.active.row, this.active.column);
    this.notes.hide();
    this.figures.show(area);
  }

  /** What an editor of a cell begins with: what was just typed, else what the file said last. */
  textOf(cell) {
    const typed = this.recent.get(`${this.sheetId}:${cell.row}:${cell.column}`);
    return typed ?? inputText(this.grid.cell(cell.row, cell.column), this.desk.book.locale);
  }

  cellHere() {
    return this.grid.cell(this.active.row, this.active.column);
  }

  // ---- keys

  onKey(event) {
    if (this.editor.now || menuIsOpen() || event.target !== this.scroller) return;
    if (this.waiting) {
      // The cell to go to is being looked for: what is typed meanwhile comes after it.
      this.waiting.push(event);
      event.preventDefault();
      return;
    }
    if (this.obey(event)) {
      event.preventDefault();
      if (!this.waiting && !this.editor.now && !menuIsOpen()) this.notes.showActive();
    }
  }

  /** Does what a key means; true when the browser must not do anything more with it. */
  obey(event) {
    const command = event.ctrlKey || event.metaKey;
    const shortcut = shortcutOf(event);
    if (shortcut && !shortcut.everywhere) {
      shortcut.act(this);
      return !shortcut.native;
    }
    if (ARROWS[event.key] && !event.altKey) this.arrow(ARROWS[event.key], command, event.shiftKey);
    else if (event.key === 'Tab') this.onTab(event.shiftKey);
    else if (event.key === 'Enter') this.onEnter(event.shiftKey);
    else if (event.key === 'F2') this.editor.edit();
    else if (event.key === 'PageDown' || event.key === 'PageUp') this.page(event);
    else if (event.key === 'Home' || event.key === 'End') this.edgeKey(event, command);
    else if (event.key === 'Delete' || event.key === 'Backspace') this.clear();
    else if (event.key === 'Escape') this.escape();
    else if (event.key === ' ' && isCheckbox(this.cellHere())) this.tick();
    else if (event.key.length === 1 && !command && !event.altKey) {
      // The letter itself goes into the editor that opens; a key that had to wait brings its own.
      this.editor.edit(event.isTrusted === false || event.late ? event.key : '');
      return Boolean(event.late);
    } else return false;
    return true;
  }

  /** Waits for a promise; keys that come meanwhile are obeyed after it, in order. */
  async afterwards(promise, then) {
    this.waiting = [];
    try {
      then(await promise);
    } catch (error) {
      this.desk.tell(error);
    } finally {
      const late = this.waiting;
      this.waiting = null;
      for (const { key, code, ctrlKey, metaKey, altKey, shiftKey } of late) {
        const event = { key, code, ctrlKey, metaKey, altKey, shiftKey, late: true };
        if (this.waiting) this.waiting.push(event);
        else if (this.editor.now) this.lateInEditor(event);
        else this.obey(event);
      }
    }
  }

  lateInEditor(event) {
    const { node } = this.editor.now;
    if (event.key === 'Enter') this.editor.finish(event.shiftKey ? -1 : 1, 0);
    else if (event.key === 'Tab') this.editor.finish(0, event.shiftKey ? -1 : 1);
    else if (event.key.length === 1) {
      node.setRangeText(event.key, node.value.length, node.value.length, 'end');
      this.editor.typed(node);
    }
  }

  escape() {
    if (!this.clipboard.drop()) this.select(this.active);
  }

  onTab(back) {
    const home = this.tabHome ?? this.active.column;
    if (this.many) this.cycle(0, back ? -1 : 1);
    else {
      this.step(0, back ? -1 : 1);
      this.tabHome = home;
    }
  }

  onEnter(back) {
    if (this.many) this.cycle(back ? -1 : 1, 0);
    else if (back) this.step(-1, 0);
    else if (isDropdown(this.cellHere())) this.openDropdown(this.active);
    else if (isCheckbox(this.cellHere())) this.tick();
    else this.editor.edit();
  }

  /** Moves the active cell within a selection of several, round its ends. */
  cycle(dr, dc) {
    const { area, grid } = this;
    const rows = area.r1 - area.r0 + 1;
    const columns = area.c1 - area.c0 + 1;
    let { row, column } = this.active;
    for (let tried = 0; tried < Math.min(rows * columns, GROWN_CELLS); tried += 1) {
      const at = dc ? (row - area.r0) * columns + column - area.c0 : (column - area.c0) * rows + row - area.r0;
      const next = (at + (dr || dc) + rows * columns) % (rows * columns);
      row = area.r0 + (dc ? Math.floor(next / columns) : next % rows);
      column = area.c0 + (dc ? next % columns : Math.floor(next / rows));
      const own = grid.areaAt(row, column);
      if (own.r0 === row && own.c0 === column && grid.height(row) && grid.width(column)) break;
    }
    this.active = { row, column };
    this.painter.reveal(row, column);
    this.show();
  }

  selectAll() {
    this.anchor = { row: 0, column: 0 };
    this.focus = { row: this.grid.rowCount - 1, column: this.grid.columnCount - 1 };
    this.show();
  }

  /** Grows the selection to whole rows or columns. */
  selectLines(dimension) {
    const { area, active, grid } = this;
    if (dimension === 'ROWS') {
      this.anchor = { row: area.r0, column: 0 };
      this.focus = { row: area.r1, column: grid.columnCount - 1 };
    } else {
      this.anchor = { row: 0, column: area.c0 };
      this.focus = { row: grid.rowCount - 1, column: area.c1 };
    }
    this.active = active;
    this.show();
  }

  arrow([dr, dc], far, extend) {
    const from = extend ? this.focus : this.active;
    const go = (to) => this.select(extend ? this.anchor : to, to);
    if (!far) go(this.next(from, dr, dc));
    else if (dr && !this.grid.hasRows(dr > 0 ? from.row : 0, dr > 0 ? this.grid.rowCount - 1 : from.row)) {
      const column = this.desk.book.filledRows(this.grid, from.column);
      this.afterwards(column, (filled) => go(this.edge(from, dr, dc, ({ row }) => filled.has(row))));
    } else go(this.edge(from, dr, dc, ({ row, column }) => !isBlank(this.grid.cell(row, column))));
  }

  /** The next shown cell in a direction, past merged and hidden ones. */
  next(from, dr, dc) {
    const { grid } = this;
    const own = grid.areaAt(from.row, from.column);
    let row = dr > 0 ? own.r1 + 1 : from.row + dr;
    let column = dc > 0 ? own.c1 + 1 : from.column + dc;
    while (row >= 0 && row < grid.rowCount && dr && !grid.height(row)) row += dr;
    while (column >= 0 && column < grid.columnCount && dc && !grid.width(column)) column += dc;
    if (row < 0 || column < 0 || row >= grid.rowCount || column >= grid.columnCount) return from;
    return { row, column };
  }

  /** Where Ctrl and an arrow lead: the end of a filled block, or the next filled cell. */
  edge(from, dr, dc, filled) {
    let here = from;
    let next = this.next(here, dr, dc);
    const inBlock = filled(here) && filled(next);
    while (next.row !== here.row || next.column !== here.column) {
      if (inBlock && !filled(next)) return here;
      here = next;
      if (!inBlock && filled(here)) return here;
      next = this.next(here, dr, dc);
    }
    return here;
  }

  /** Goes on after an entry: Enter after a run of tabs leads back to where the run began. */
  step(dr, dc) {
    const home = this.tabHome;
    if (this.many) {
      this.cycle(dr, dc);
      return;
    }
    const from = dr === 1 && home !== null ? { row: this.active.row, column: home } : this.active;
    const start = this.active.column;
    this.select(this.next(from, dr, dc));
    if (dc) this.tabHome = home ?? start;
  }

  page(event) {
    const sight = this.painter.rowsInSight();
    const rows = Math.max(1, sight.last - sight.first - 1);
    const down = event.key === 'PageDown';
    const row = this.focus.row + (down ? rows : -rows);
    const to = { row: Math.max(0, Math.min(this.grid.rowCount - 1, row)), column: this.focus.column };
    const own = this.next({ row: to.row - (down ? 1 : -1), column: to.column }, down ? 1 : -1, 0);
    const shown = this.grid.height(to.row) ? to : own;
    this.select(event.shiftKey ? this.anchor : shown, shown);
  }

  edgeKey(event, command) {
    const go = (to) => this.select(event.shiftKey ? this.anchor : to, to);
    const first = this.firstShown();
    if (event.key === 'Home') go(command ? first : { row: this.focus.row, column: first.column });
    else if (!command) go({ row: this.focus.row, column: this.lastShown() });
    else if (this.grid.hasRows(0, this.grid.rowCount - 1)) go(this.lastFilled());
    else this.afterwards(this.desk.book.extent(this.grid), go);
  }

  lastShown() {
    let column = this.grid.columnCount - 1;
    while (column > 0 && !this.grid.width(column)) column -= 1;
    return column;
  }

  lastFilled() {
    const last = { row: 0, column: 0 };
    for (const [r, cells] of this.grid.rows) {
      cells.forEach((cell, c) => {
        if (isBlank(cell)) return;
        last.row = Math.max(last.row, r);
        last.column = Math.max(last.column, c);
      });
    }
    return last;
  }

  onWhereKey(event) {
    if (event.key === 'Escape') this.scroller.focus();
    if (event.key !== 'Enter') return;
    event.preventDefault();
    const text = this.where.value.trim();
    const named = (this.desk.book.meta.namedRanges ?? [])
      .find((one) => one.name.toLowerCase() === text.toLowerCase())?.range;
    this.scroller.focus();
    if (named) this.goTo(named);
    else {
      const area = parseA1(text);
      if (area) this.selectArea(area);
      else this.show();
    }
  }

  async goTo(range) {
    if ((range.sheetId ?? 0) !== this.sheetId) await this.desk.showTab(range.sheetId ?? 0);
    this.selectArea({
      r0: range.startRowIndex ?? 0, c0: range.startColumnIndex ?? 0,
      r1: (range.endRowIndex ?? this.grid.rowCount) - 1,
      c1: (range.endColumnIndex ?? this.grid.columnCount) - 1,
    });
  }

  // ---- writing

  /** Ticks every tick box of the selection as the active one is not. */
  tick() {
    const { area } = this;
    const on = !isTicked(this.cellHere());
    const boxes = [];
    for (let r = area.r0; r <= Math.min(area.r1, area.r0 + GROWN_CELLS); r += 1) {
      for (let c = area.c0; c <= area.c1; c += 1) {
        const cell = this.grid.cell(r, c);
        if (isCheckbox(cell) && isTicked(cell) !== on) boxes.push({ r, c, cell });
      }
    }
    for (const { r, c, cell } of boxes) {
      const values = cell.dataValidation.condition.values ?? [];
      const next = values.length === 0 ? on : on ? values[0].userEnteredValue : values[1]?.userEnteredValue ?? '';
      this.write({ r0: r, c0: c, r1: r, c1: c }, [[next]]);
    }
  }

  openDropdownOr(other) {
    if (isDropdown(this.cellHere())) this.openDropdown(this.active);
    else other();
  }

  async openDropdown(cell) {
    const found = this.grid.cell(cell.row, cell.column);
    if (!isDropdown(found)) return;
    const { condition } = found.dataValidation;
    const given = (condition.values ?? []).map((one) => one.userEnteredValue ?? '');
    let choices = given;
    if (condition.type === 'ONE_OF_RANGE') {
      const range = (given[0] ?? '').replace(/^=/, '').replaceAll('$', '');
      const full = range.includes('!') || !parseA1(range) ? range : tabA1(this.desk.title, parseA1(range));
      const answer = await this.desk.run(() => api.getValues(this.desk.id, full));
      choices = (answer?.values ?? []).flat().filter((one) => String(one) !== '').map(String);
    }
    const area = { r0: cell.row, c0: cell.column, r1: cell.row, c1: cell.column };
    const node = document.getElementById(`cell-${a1(cell.row, cell.column)}`);
    const box = node?.getBoundingClientRect() ?? { left: 100, bottom: 100, width: 100 };
    this.notes.hide();
    openMenu([...new Set(choices)].map((choice) => ({
      label: choice, chosen: choice === (found.formattedValue ?? ''),
      act: () => this.write(area, [[choice]]),
    })), {
      x: box.left, y: box.bottom + 2, width: box.width, role: 'listbox', back: this.scroller,
      label: a1(cell.row, cell.column),
    });
  }

  /** Empties the selected cells; formats, notes and rules stay. */
  clear() {
    const { area, sheetId } = this;
    const title = this.desk.title;
    if (this.grid.hasRows(area.r0, area.r1)) {
      let any = false;
      for (let r = area.r0; r <= area.r1 && !any; r += 1) {
        for (let c = area.c0; c <= area.c1 && !any; c += 1) any = this.grid.cell(r, c)?.userEnteredValue !== undefined;
      }
      if (!any) return;
    }
    this.foretell(sheetId, area, () => '');
    this.desk.history.perform(cellsStep(this.desk, sheetId, area,
      () => api.clearValues(this.desk.id, tabA1(title, area))));
  }

  /** Shows what was typed, in cells and editors, until the file is read again. */
  foretell(sheetId, area, valueAt) {
    for (let r = area.r0; r <= Math.min(area.r1, area.r0 + GROWN_CELLS); r += 1) {
      for (let c = area.c0; c <= area.c1 && this.recent.size < GROWN_CELLS; c += 1) {
        const value = valueAt(r - area.r0, c - area.c0);
        if (typeof value === 'string') this.recent.set(`${sheetId}:${r}:${c}`, value);
      }
    }
    if (sheetId === this.sheetId) this.painter.preview(area, valueAt);
  }

  /** Types values into an area; what was there can be undone. */
  write(area, values, sheetId = this.sheetId) {
    const title = this.desk.book.sheet(sheetId)?.properties.title ?? '';
    this.foretell(sheetId, area, (r, c) => values[r]?.[c]);
    return this.desk.history.perform(cellsStep(this.desk, sheetId, area,
      () => api.typeValues(this.desk.id, tabA1(title, area), values)));
  }

  /** Types a text into the active cell without an editor. */
  typeHere(text) {
    const { row, column } = this.active;
    return this.write({ r0: row, c0: column, r1: row, c1: column }, [[text]]);
  }

  /** Whether the selection holds a cell. */
  holds(cell) {
    return inside(this.area, cell.row, cell.column);
  }
}
