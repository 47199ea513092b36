// What a person does in the grid: selecting, typing, keys, the pointer, the clipboard, undo.

import {
  a1, areaA1, columnName, formatOf, inputText, inside, isBlank, parseA1, separators, tabA1,
} from './base.js';
import * as api from './api.js';
import { BLOCK } from './book.js';
import { menuIsOpen, openMenu } from './menus.js';
import { isCheckbox, isDropdown, isTicked, make } from './paint.js';
import { fontOf, lineHeight, textWidth } from './text.js';
import { say } from './words.js';

const UNDO_DEPTH = 100;

/** Selection and editing over one painter. */
export class Hands {
  /** `desk` gives: id, book, grid, title, run(task), structure(requests), showTab(id). */
  constructor(painter, desk) {
    this.painter = painter;
    this.desk = desk;
    this.active = { row: 0, column: 0 };
    this.anchor = this.active;
    this.focus = this.active;
    this.editor = null;
    this.done = [];
    this.places = new Map();
    this.scroller = painter.scroller;
    this.where = document.getElementById('where');
    this.formula = document.getElementById('formula');
    this.listen();
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
    if ((area.r1 - area.r0 + 1) * (area.c1 - area.c0 + 1) > 5000) return area;
    let grown = true;
    while (grown) {
      grown = false;
      for (let r = area.r0; r <= area.r1; r += 1) {
        for (let c = area.c0; c <= area.c1; c += 1) {
          const own = this.grid.merged(r, c);
          if (!own) continue;
          for (const [key, pick] of [['r0', Math.min], ['c0', Math.min], ['r1', Math.max], ['c1', Math.max]]) {
            const next = pick(area[key], own[key]);
            if (next !== area[key]) {
              area[key] = next;
              grown = true;
            }
          }
        }
      }
    }
    return area;
  }

  listen() {
    const { scroller } = this;
    scroller.addEventListener('keydown', (event) => this.onKey(event));
    scroller.addEventListener('pointerdown', (event) => this.onPointerDown(event));
    scroller.addEventListener('dblclick', (event) => {
      if (event.target.closest('.chart, .head, .editor, .checkbox')) return;
      if (event.target.closest('[data-a1]')) this.edit();
    });
    scroller.addEventListener('contextmenu', (event) => this.onContextMenu(event));
    scroller.addEventListener('click', (event) => this.onClick(event));
    scroller.addEventListener('copy', (event) => this.onCopy(event));
    scroller.addEventListener('cut', (event) => this.onCopy(event, true));
    scroller.addEventListener('paste', (event) => this.onPaste(event));
    this.formula.addEventListener('focus', () => this.editInBar());
    this.formula.addEventListener('keydown', (event) => this.onBarKey(event));
    this.formula.addEventListener('blur', () => this.leaveBar());
    this.where.addEventListener('keydown', (event) => this.onWhereKey(event));
    this.where.addEventListener('focus', () => this.where.select());
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
    const own = this.grid.areaAt(this.anchor.row, this.anchor.column);
    this.active = { row: own.r0, column: own.c0 };
    if (reveal) this.painter.reveal(this.focus.row, this.focus.column);
    this.show();
  }

  /** Draws selection, formula bar and figures again. */
  show() {
    this.anchor = { ...this.anchor, row: Math.min(this.anchor.row, this.grid.rowCount - 1) };
    const { area } = this;
    this.painter.select({ active: this.active, area });
    if (document.activeElement !== this.where) {
      const many = areaA1(area) !== areaA1(this.grid.areaAt(this.active.row, this.active.column));
      this.where.value = many ? areaA1(area) : a1(this.active.row, this.active.column);
    }
    if (!this.editor) this.formula.value = this.textOf(this.active);
    const locked = this.grid.isProtected(this.active.row, this.active.column);
    const lock = document.getElementById('lock');
    lock.hidden = !locked;
    this.showStats(area);
  }

  textOf(cell) {
    return inputText(this.grid.cell(cell.row, cell.column), this.desk.book.locale);
  }

  showStats(area) {
    const stats = document.getElementById('stats');
    let sum = 0;
    let numbers = 0;
    let filled = 0;
    let format;
    const last = Math.min(area.r1, area.r0 + 20000);
    for (let r = area.r0; r <= last; r += 1) {
      const cells = this.grid.rows.get(r);
      if (!cells || !this.grid.height(r)) continue;
      for (let c = area.c0; c <= area.c1; c += 1) {
        const cell = cells[c];
        if (isBlank(cell)) continue;
        filled += 1;
        const number = cell.effectiveValue?.numberValue;
        if (number === undefined) continue;
        numbers += 1;
        sum += number;
        format ??= formatOf(cell).numberFormat;
      }
    }
    if (filled < 2) {
      stats.textContent = '';
      return;
    }
    const percent = format?.type === 'PERCENT';
    const write = (number) => (percent ? number * 100 : number).toLocaleString(
      this.desk.book.locale.replace('_', '-'), { maximumFractionDigits: 2 },
    ) + (percent ? ' %' : '');
    stats.textContent = numbers > 1
      ? `${say('sum')}: ${write(sum)}   ${say('average')}: ${write(sum / numbers)}`
      : `${say('count')}: ${filled}`;
  }

  // ---- keys

  onKey(event) {
    if (this.editor || menuIsOpen() || event.target !== this.scroller) return;
    const command = event.ctrlKey || event.metaKey;
    const moves = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
    };
    if (moves[event.key]) this.arrow(moves[event.key], command, event.shiftKey);
    else if (event.key === 'Tab') this.step(0, event.shiftKey ? -1 : 1);
    else if (event.key === 'Enter') this.onEnter(event.shiftKey);
    else if (event.key === 'F2') this.edit();
    else if (event.key === 'PageDown' || event.key === 'PageUp') this.page(event);
    else if (event.key === 'Home' || event.key === 'End') this.edgeKey(event, command);
    else if (event.key === 'Delete' || event.key === 'Backspace') this.clear();
    else if (event.key === 'Escape') this.select(this.active);
    else if (command && event.code === 'KeyZ') this.undo();
    else if (command && event.code === 'KeyA') this.selectAll();
    else if (event.key === ' ' && isCheckbox(this.cellHere())) this.tick(this.active);
    else if (event.altKey && event.key === 'ArrowDown') this.openDropdown(this.active);
    else if (event.key.length === 1 && !command && !event.altKey) {
      this.edit('');
      return;
    } else return;
    event.preventDefault();
  }

  cellHere() {
    return this.grid.cell(this.active.row, this.active.column);
  }

  onEnter(shift) {
    if (shift) this.step(-1, 0);
    else if (isDropdown(this.cellHere())) this.openDropdown(this.active);
    else this.edit();
  }

  selectAll() {
    this.anchor = { row: 0, column: 0 };
    this.focus = { row: this.grid.rowCount - 1, column: this.grid.columnCount - 1 };
    this.show();
  }

  arrow([dr, dc], far, extend) {
    const from = extend ? this.focus : this.active;
    const to = far ? this.edge(from, dr, dc) : this.next(from, dr, dc);
    this.select(extend ? this.anchor : to, to);
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
  edge(from, dr, dc) {
    const known = (row) => this.grid.has(Math.floor(row / BLOCK));
    let here = from;
    let next = this.next(here, dr, dc);
    let inBlock = false;
    // Rows that are not read yet count as going on like the ones before them.
    const filled = ({ row, column }) =>
      (known(row) ? !isBlank(this.grid.cell(row, column)) : inBlock);
    inBlock = filled(here) && filled(next);
    while (next.row !== here.row || next.column !== here.column) {
      if (inBlock && !filled(next)) return here;
      here = next;
      if (!inBlock && filled(here)) return here;
      next = this.next(here, dr, dc);
    }
    return here;
  }

  step(dr, dc) {
    const to = this.next(this.active, dr, dc);
    this.select(to);
  }

  page(event) {
    const sight = this.painter.rowsInSight();
    const rows = Math.max(1, sight.last - sight.first - 1);
    const row = this.focus.row + (event.key === 'PageDown' ? rows : -rows);
    const to = { row: Math.max(0, Math.min(this.grid.rowCount - 1, row)), column: this.focus.column };
    this.select(event.shiftKey ? this.anchor : to, to);
  }

  edgeKey(event, command) {
    const first = this.firstShown();
    let to = { row: this.focus.row, column: first.column };
    if (event.key === 'Home' && command) to = first;
    if (event.key === 'End') {
      to = { row: this.focus.row, column: this.grid.columnCount - 1 };
      if (command) to = this.lastFilled();
    }
    this.select(event.shiftKey ? this.anchor : to, to);
  }

  lastFilled() {
    const lastBlock = Math.floor((this.grid.rowCount - 1) / BLOCK);
    let row = this.grid.has(lastBlock) ? 0 : this.grid.rowCount - 1;
    let column = 0;
    for (const [r, cells] of this.grid.rows) {
      cells.forEach((cell, c) => {
        if (isBlank(cell)) return;
        row = Math.max(row, r);
        column = Math.max(column, c);
      });
    }
    return { row, column };
  }

  // ---- pointer

  cellAt(event) {
    const node = document.elementFromPoint(event.clientX, event.clientY)?.closest?.('[data-a1]');
    const area = node && this.scroller.contains(node) ? parseA1(node.dataset.a1) : null;
    return area && { row: area.r0, column: area.c0 };
  }

  onPointerDown(event) {
    if (event.target.closest('.editor, .chart, .checkbox, .dropdown, a.link')) return;
    const head = event.target.closest('.head');
    if (event.target.closest('.resize')) {
      this.resize(event, Number(head.dataset.at));
      return;
    }
    this.commit();
    if (head) this.selectHead(event, head);
    else {
      const cell = this.cellAt(event);
      if (!cell) return;
      const held = event.button === 2 && inside(this.area, cell.row, cell.column);
      if (!held) this.select(event.shiftKey ? this.anchor : cell, cell, { reveal: false });
      if (event.button === 0 && event.pointerType !== 'touch') this.dragSelect();
    }
    this.scroller.focus({ preventScroll: true });
    if (event.pointerType !== 'touch') event.preventDefault();
  }

  dragSelect() {
    const move = (event) => {
      const cell = this.cellAt(event);
      if (!cell || (cell.row === this.focus.row && cell.column === this.focus.column)) return;
      this.select(this.anchor, cell, { reveal: false });
    };
    const up = () => {
      document.removeEventListener('pointermove', move);
      document.removeEventListener('pointerup', up);
    };
    document.addEventListener('pointermove', move);
    document.addEventListener('pointerup', up);
  }

  selectHead(event, head) {
    const at = Number(head.dataset.at);
    const { rowCount, columnCount } = this.grid;
    if (head.dataset.head === 'all') {
      this.selectAll();
      return;
    }
    const row = head.dataset.head === 'row';
    const { area } = this;
    const whole = row ? area.c0 === 0 && area.c1 === columnCount - 1 : area.r0 === 0 && area.r1 === rowCount - 1;
    const held = whole && (row ? at >= area.r0 && at <= area.r1 : at >= area.c0 && at <= area.c1);
    if (event.button === 2 && held) return;
    const from = event.shiftKey && whole ? (row ? this.anchor.row : this.anchor.column) : at;
    this.anchor = row ? { row: from, column: 0 } : { row: 0, column: from };
    this.focus = row ? { row: at, column: columnCount - 1 } : { row: rowCount - 1, column: at };
    this.active = { ...this.anchor };
    this.show();
  }

  resize(event, column) {
    event.preventDefault();
    const from = event.clientX;
    const before = this.grid.width(column);
    let width = before;
    const move = (moved) => {
      width = Math.max(8, Math.round(before + moved.clientX - from));
      this.grid.columnMeta[column] = { ...this.grid.columnMeta[column], pixelSize: width };
      this.grid.layOut();
      this.painter.show(this.grid);
    };
    const up = () => {
      document.removeEventListener('pointermove', move);
      document.removeEventListener('pointerup', up);
      if (width === before) return;
      this.desk.structure([{ updateDimensionProperties: {
        range: this.dimension('COLUMNS', column, column), properties: { pixelSize: width },
        fields: 'pixelSize',
      } }]);
    };
    document.addEventListener('pointermove', move);
    document.addEventListener('pointerup', up);
  }

  onClick(event) {
    const box = event.target.closest('.checkbox');
    const drop = event.target.closest('.dropdown');
    const link = event.target.closest('a.link');
    const area = parseA1(event.target.closest('[data-a1]')?.dataset.a1 ?? '');
    const cell = area && { row: area.r0, column: area.c0 };
    if (box && cell) {
      this.commit();
      this.select(cell, cell, { reveal: false });
      this.tick(cell);
    } else if (drop && cell) {
      this.commit();
      this.select(cell, cell, { reveal: false });
      this.openDropdown(cell);
      return;
    } else if (link) {
      const tab = /[#&?]gid=(\d+)/.exec(link.getAttribute('href'))?.[1];
      if (tab !== undefined && link.getAttribute('href').startsWith('#')) {
        event.preventDefault();
        this.desk.showTab(Number(tab));
      }
      return;
    } else return;
    this.scroller.focus({ preventScroll: true });
  }

  onContextMenu(event) {
    if (event.target.closest('.editor, .chart, a.link')) return;
    event.preventDefault();
    const head = event.target.closest('.head');
    const { area } = this;
    const column = columnName(area.c0);
    const rowSpan = area.r1 - area.r0 + 1;
    const columnSpan = area.c1 - area.c0 + 1;
    const rowText = rowSpan > 1 ? say('deleteRows', `${area.r0 + 1}–${area.r1 + 1}`) : say('deleteRow', area.r0 + 1);
    const columnText = columnSpan > 1
      ? say('deleteColumns', `${column}–${columnName(area.c1)}`) : say('deleteColumn', column);
    const kind = head?.dataset.head;
    const rows = kind === 'column' ? [] : [
      { label: say('rowAbove'), data: 'row-above', act: () => this.insert('ROWS', area.r0) },
      { label: say('rowBelow'), data: 'row-below', act: () => this.insert('ROWS', area.r1 + 1) },
    ];
    const columns = kind === 'row' ? [] : [
      { label: say('columnLeft'), data: 'column-left', act: () => this.insert('COLUMNS', area.c0) },
      { label: say('columnRight'), data: 'column-right', act: () => this.insert('COLUMNS', area.c1 + 1) },
    ];
    const remove = [
      kind !== 'column' && { label: rowText, data: 'delete-row', act: () => this.remove('ROWS', area.r0, area.r1) },
      kind !== 'row' && { label: columnText, data: 'delete-column', act: () => this.remove('COLUMNS', area.c0, area.c1) },
    ].filter(Boolean);
    openMenu([
      { label: say('copy'), mark: 'Ctrl+C', act: () => this.copyOut() },
      { label: say('clear'), mark: 'Delete', data: 'clear', act: () => this.clear() },
      null, ...rows, ...columns, null, ...remove, null,
      ...this.hideItems(kind, area),
      { label: say('sortAZ', column), data: 'sort-az', act: () => this.sort(area, 'ASCENDING') },
      { label: say('sortZA', column), data: 'sort-za', act: () => this.sort(area, 'DESCENDING') },
    ], { x: event.clientX, y: event.clientY, back: this.scroller });
  }

  hideItems(kind, area) {
    if (kind !== 'row' && kind !== 'column') return [];
    const row = kind === 'row';
    const [from, to] = row ? [area.r0, area.r1] : [area.c0, area.c1];
    const set = (hidden) => this.desk.structure([{ updateDimensionProperties: {
      range: this.dimension(row ? 'ROWS' : 'COLUMNS', Math.max(0, from - (hidden ? 0 : 1)), to + (hidden ? 0 : 1)),
      properties: { hiddenByUser: hidden }, fields: 'hiddenByUser',
    } }]);
    return [
      { label: say(row ? 'hideRow' : 'hideColumn'), act: () => set(true) },
      { label: say(row ? 'showRows' : 'showColumns'), act: () => set(false) }, null,
    ];
  }

  dimension(dimension, from, to) {
    const limit = dimension === 'ROWS' ? this.grid.rowCount : this.grid.columnCount;
    return { sheetId: this.sheetId, dimension, startIndex: from, endIndex: Math.min(limit, to + 1) };
  }

  insert(dimension, at) {
    this.desk.structure([{ insertDimension: {
      range: { sheetId: this.sheetId, dimension, startIndex: at, endIndex: at + 1 },
      inheritFromBefore: at > 0,
    } }]);
  }

  remove(dimension, from, to) {
    this.desk.structure([{ deleteDimension: { range: this.dimension(dimension, from, to) } }]);
  }

  /** Sorts the selected rows; one selected cell means all rows below the frozen ones. */
  sort(area, order) {
    const many = area.r1 > area.r0 && !(area.r0 === 0 && area.r1 === this.grid.rowCount - 1);
    const range = many
      ? { startRowIndex: area.r0, endRowIndex: area.r1 + 1,
        startColumnIndex: area.c0, endColumnIndex: area.c1 + 1 }
      : { startRowIndex: this.grid.frozenRows, endRowIndex: this.grid.rowCount,
        startColumnIndex: 0, endColumnIndex: this.grid.columnCount };
    this.desk.structure([{ sortRange: {
      range: { sheetId: this.sheetId, ...range },
      sortSpecs: [{ dimensionIndex: area.c0, sortOrder: order }],
    } }]);
  }

  // ---- writing

  tick(cell) {
    const found = this.grid.cell(cell.row, cell.column);
    const values = found?.dataValidation?.condition?.values ?? [];
    const ticked = isTicked(found);
    let next = !ticked;
    if (values.length) next = ticked ? values[1]?.userEnteredValue ?? '' : values[0].userEnteredValue;
    this.write({ r0: cell.row, c0: cell.column, r1: cell.row, c1: cell.column }, [[next]]);
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
    openMenu([...new Set(choices)].map((choice) => ({
      label: choice, chosen: choice === (found.formattedValue ?? ''),
      act: () => this.write(area, [[choice]]),
    })), {
      x: box.left, y: box.bottom + 2, width: box.width, role: 'listbox', back: this.scroller,
    });
  }

  clear() {
    const { area } = this;
    const any = this.snapshot(area).some((row) => row.some((value) => value !== null));
    if (!any) return;
    this.remember(area);
    this.preview(area, () => '');
    this.desk.run(() => api.clearValues(this.desk.id, tabA1(this.desk.title, area)), { write: true });
  }

  /** Types values into an area; what was there can be undone. */
  write(area, values) {
    this.remember(area);
    this.preview(area, (r, c) => values[r]?.[c]);
    return this.desk.run(
      () => api.typeValues(this.desk.id, tabA1(this.desk.title, area), values), { write: true },
    );
  }

  /** Shows what was typed until the answer comes. */
  preview(area, valueAt) {
    for (let r = area.r0; r <= Math.min(area.r1, area.r0 + 200); r += 1) {
      for (let c = area.c0; c <= Math.min(area.c1, area.c0 + 100); c += 1) {
        const node = document.getElementById(`cell-${a1(r, c)}`);
        const value = valueAt(r - area.r0, c - area.c0);
        if (!node || value === undefined) continue;
        node.classList.add('pending');
        const box = node.querySelector('.checkbox');
        if (box && typeof value === 'boolean') box.setAttribute('aria-checked', String(value));
        else if (!box && typeof value !== 'boolean') {
          const ink = node.querySelector('.ink');
          if (ink) ink.textContent = value;
          else if (value !== '') {
            const text = make('div', 'text h-left v-bottom');
            text.append(make('span', 'ink', value));
            node.append(text);
          }
        }
      }
    }
  }

  snapshot(area) {
    const rows = [];
    for (let r = area.r0; r <= Math.min(area.r1, area.r0 + 5000); r += 1) {
      const row = [];
      for (let c = area.c0; c <= area.c1; c += 1) row.push(this.grid.cell(r, c)?.userEnteredValue ?? null);
      rows.push(row);
    }
    return rows;
  }

  remember(area) {
    this.done.push({ sheetId: this.sheetId, area, values: this.snapshot(area) });
    if (this.done.length > UNDO_DEPTH) this.done.shift();
    document.getElementById('undo').disabled = false;
  }

  /** Takes the last edit back, exactly as the cells were. */
  async undo() {
    const last = this.done.pop();
    document.getElementById('undo').disabled = this.done.length === 0;
    if (!last) return;
    if (last.sheetId !== this.sheetId) await this.desk.showTab(last.sheetId);
    await this.desk.structure([{ updateCells: {
      start: { sheetId: last.sheetId, rowIndex: last.area.r0, columnIndex: last.area.c0 },
      rows: last.values.map((row) => ({
        values: row.map((value) => (value ? { userEnteredValue: value } : {})),
      })),
      fields: 'userEnteredValue',
    } }]);
    this.select({ row: last.area.r0, column: last.area.c0 });
  }

  /** Drops undo steps whose addresses a change of structure made wrong. */
  forget() {
    this.done = [];
    document.getElementById('undo').disabled = true;
  }

  // ---- editing

  /** Opens the editor in the active cell; `text` replaces what is there. */
  edit(text) {
    const cell = this.cellHere();
    if (isCheckbox(cell)) return;
    if (isDropdown(cell) && text === undefined) {
      this.openDropdown(this.active);
      return;
    }
    this.openEditor(text ?? this.textOf(this.active), { focus: true });
  }

  openEditor(text, { focus }) {
    if (this.editor) return;
    const { row, column } = this.active;
    this.painter.reveal(row, column);
    const node = make('textarea', 'editor');
    node.rows = 1;
    node.spellcheck = false;
    node.dataset.keep = '1';
    node.dataset.editing = a1(row, column);
    node.setAttribute('aria-label', a1(row, column));
    node.value = text;
    const format = formatOf(this.cellHere());
    node.style.font = fontOf(format.textFormat);
    this.editor = {
      node, row, column, before: this.textOf(this.active), sheetId: this.sheetId,
      title: this.desk.title, inBar: !focus,
    };
    this.placeEditor();
    node.addEventListener('keydown', (event) => this.onEditorKey(event));
    node.addEventListener('input', () => {
      this.formula.value = node.value;
      this.sizeEditor();
    });
    node.addEventListener('blur', () => {
      if (this.editor?.node === node && !this.editor.inBar && document.activeElement !== this.formula) this.commit();
    });
    this.formula.value = text;
    if (focus) {
      node.focus({ preventScroll: true });
      node.setSelectionRange(text.length, text.length);
    }
  }

  /** Puts the editor over its cell again, after a tab was drawn anew. */
  placeEditor() {
    if (!this.editor) return;
    const { node, row, column } = this.editor;
    const box = this.painter.box(row, column);
    node.style.left = `${box.left}px`;
    node.style.top = `${box.top}px`;
    node.style.minWidth = `${box.width + 1}px`;
    node.style.minHeight = `${box.height + 1}px`;
    if (node.parentElement !== box.pane.marks) box.pane.marks.append(node);
    this.sizeEditor();
  }

  sizeEditor() {
    const { node, row, column } = this.editor;
    const box = this.painter.box(row, column);
    const lines = node.value.split('\n');
    const width = Math.max(...lines.map((line) => textWidth(line, node.style.font))) + 22;
    node.style.width = `${Math.max(box.width + 1, Math.min(width, 620))}px`;
    const line = lineHeight(formatOf(this.grid.cell(row, column)).textFormat?.fontSize ?? 10);
    node.style.lineHeight = `${line}px`;
    const pad = lines.length > 1 ? 1 : Math.max(0, Math.floor((box.height - 4 - line) / 2));
    node.style.paddingTop = `${pad}px`;
    node.style.height = 'auto';
    node.style.height = `${Math.max(box.height + 1, node.scrollHeight + 2)}px`;
  }

  onEditorKey(event) {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === 'Enter' && (event.altKey || event.ctrlKey)) {
      event.target.setRangeText('\n', event.target.selectionStart, event.target.selectionEnd, 'end');
      event.target.dispatchEvent(new Event('input'));
    } else if (event.key === 'Enter') this.finish(event.shiftKey ? -1 : 1, 0);
    else if (event.key === 'Tab') this.finish(0, event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') this.cancel();
    else if (event.key === 'ArrowDown' && this.editor.before === '' ) this.finish(1, 0);
    else if (event.key === 'ArrowUp' && this.editor.before === '') this.finish(-1, 0);
    else return;
    event.preventDefault();
  }

  finish(dr, dc) {
    this.commit();
    this.scroller.focus({ preventScroll: true });
    this.step(dr, dc);
  }

  cancel() {
    const { editor } = this;
    this.editor = null;
    editor?.node.remove();
    this.scroller.focus({ preventScroll: true });
    this.show();
  }

  /** Writes what the editor holds, if it changed. */
  commit() {
    const { editor } = this;
    if (!editor) return;
    this.editor = null;
    const text = editor.node.value;
    editor.node.remove();
    if (text !== editor.before && editor.sheetId === this.sheetId) {
      const { row, column } = editor;
      this.write({ r0: row, c0: column, r1: row, c1: column }, [[text]]);
    }
    this.show();
    if (text !== editor.before) this.formula.value = text;
  }

  editInBar() {
    if (this.editor) {
      this.editor.inBar = true;
      return;
    }
    if (isCheckbox(this.cellHere())) {
      this.scroller.focus();
      return;
    }
    this.openEditor(this.textOf(this.active), { focus: false });
    this.formula.oninput = () => {
      if (!this.editor) return;
      this.editor.node.value = this.formula.value;
      this.sizeEditor();
    };
  }

  leaveBar() {
    this.formula.oninput = null;
    if (this.editor?.inBar && document.activeElement !== this.editor.node) this.commit();
  }

  onBarKey(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter') this.finish(1, 0);
    else if (event.key === 'Tab') this.finish(0, event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') this.cancel();
    else return;
    event.preventDefault();
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
      if (area) {
        this.select({ row: area.r0, column: area.c0 }, { row: area.r1, column: area.c1 }, { reveal: false });
        this.painter.reveal(area.r0, area.c0);
      } else this.show();
    }
  }

  async goTo(range) {
    if ((range.sheetId ?? 0) !== this.sheetId) await this.desk.showTab(range.sheetId ?? 0);
    const from = { row: range.startRowIndex ?? 0, column: range.startColumnIndex ?? 0 };
    this.select(from, {
      row: (range.endRowIndex ?? this.grid.rowCount) - 1,
      column: (range.endColumnIndex ?? this.grid.columnCount) - 1,
    }, { reveal: false });
    this.painter.reveal(from.row, from.column);
  }

  // ---- clipboard

  selectedText() {
    const { area } = this;
    const lines = [];
    for (let r = area.r0; r <= Math.min(area.r1, area.r0 + 20000); r += 1) {
      const line = [];
      for (let c = area.c0; c <= area.c1; c += 1) line.push(this.grid.cell(r, c)?.formattedValue ?? '');
      lines.push(line.join('\t'));
    }
    return lines.join('\n');
  }

  onCopy(event, cut = false) {
    if (this.editor) return;
    event.clipboardData.setData('text/plain', this.selectedText());
    event.preventDefault();
    if (cut) this.clear();
  }

  copyOut() {
    navigator.clipboard?.writeText(this.selectedText()).catch(() => {});
  }

  onPaste(event) {
    if (this.editor) return;
    event.preventDefault();
    const text = event.clipboardData.getData('text/plain').replace(/\r/g, '').replace(/\n$/, '');
    if (!text) return;
    const { group } = separators(this.desk.book.locale);
    const rows = text.split('\n').map((line) => line.split('\t')
      .map((part) => (/^[-−]?[\d\s.,]+%?$/.test(part) ? part.replaceAll(group, '').replace('−', '-') : part)));
    const { row, column } = this.active;
    const r1 = Math.min(this.grid.rowCount, row + rows.length) - 1;
    const c1 = Math.min(this.grid.columnCount, column + Math.max(...rows.map((one) => one.length))) - 1;
    const width = c1 - column + 1;
    const fitted = rows.slice(0, r1 - row + 1).map((one) =>
      Array.from({ length: width }, (_, i) => one[i] ?? ''));
    this.select({ row, column }, { row: r1, column: c1 }, { reveal: false });
    this.write({ r0: row, c0: column, r1, c1 }, fitted);
  }
}
