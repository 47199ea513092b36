// Draws one tab: four panes (frozen corner, top, left, main), only the rows in sight.

import {
  a1, areaA1, breaksRule, columnName, cssColor, formatOf, isBlank, patternColor, safeLink,
} from './base.js';
import { Grid } from './book.js';
import { errorText } from './notes.js';
import { fontOf, lineHeight, textWidth, wrapLines } from './text.js';
import { say } from './words.js';

const HEAD_WIDTH = 46;
const HEAD_HEIGHT = 24;
const OVERSCAN = 12;
const ALL_COLUMNS = 60;
const DROPDOWN_ROOM = 16;

/** An element with a class. */
export function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

const px = (number) => `${number}px`;

/** Whether a cell is a tick box. */
export const isCheckbox = (cell) => cell?.dataValidation?.condition?.type === 'BOOLEAN';

/** Whether a tick box is ticked. */
export function isTicked(cell) {
  const own = cell?.dataValidation?.condition?.values?.[0]?.userEnteredValue;
  if (own !== undefined) return (cell.formattedValue ?? '') === own;
  return cell?.effectiveValue?.boolValue === true;
}

/** Whether a cell has a drop-down. */
export const isDropdown = (cell) =>
  ['ONE_OF_LIST', 'ONE_OF_RANGE'].includes(cell?.dataValidation?.condition?.type)
  && cell.dataValidation.showCustomUi !== false;

/** The drawn tab. */
export class Painter {
  constructor(scroller, hooks) {
    this.scroller = scroller;
    this.hooks = hooks;
    this.grid = null;
    this.reading = false;
    this.rowNodes = new Map();
    this.references = [];
    this.selected = [];
    this.sizer = make('div', 'sizer');
    this.sizer.setAttribute('role', 'presentation');
    this.panes = {};
    for (const name of ['corner', 'top', 'left', 'main']) {
      const pane = make('div', `pane ${name}`);
      pane.cells = make('div', 'cells');
      pane.charts = make('div', 'charts');
      pane.marks = make('div', 'marks');
      pane.heads = make('div', 'heads');
      pane.setAttribute('role', 'presentation');
      pane.cells.setAttribute('role', 'rowgroup');
      pane.heads.setAttribute('role', 'row');
      for (const part of [pane.charts, pane.marks]) part.setAttribute('role', 'presentation');
      pane.append(pane.cells, pane.marks, pane.charts, pane.heads);
      this.panes[name] = pane;
      this.sizer.append(pane);
    }
    scroller.append(this.sizer);
    let waiting = false;
    scroller.addEventListener('scroll', () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        this.sizer.classList.toggle('aside', scroller.scrollLeft > 0);
        this.render(false);
      });
    }, { passive: true });
    new ResizeObserver(() => this.render(false)).observe(scroller);
  }

  /** Shows a tab, or the same tab read anew. */
  show(grid) {
    this.grid = grid;
    this.headWidth = this.reading ? 0 : HEAD_WIDTH + (grid.rowCount > 9999 ? 10 : 0);
    this.headHeight = this.reading ? 0 : HEAD_HEIGHT;
    const frozenWidth = grid.x[grid.frozenColumns];
    const frozenHeight = grid.y[grid.frozenRows];
    const width = grid.x[grid.columnCount] - frozenWidth;
    const height = grid.y[grid.rowCount] - frozenHeight;
    this.sizer.style.gridTemplateColumns = `${this.headWidth + frozenWidth}px ${width}px`;
    this.sizer.style.gridTemplateRows = `${this.headHeight + frozenHeight}px ${height}px`;
    this.sizer.classList.toggle('frozen-rows', grid.frozenRows > 0);
    this.sizer.classList.toggle('frozen-columns', grid.frozenColumns > 0);
    this.panes.corner.cells.setAttribute('role', 'presentation');
    this.panes.left.cells.setAttribute('role', 'presentation');
    this.scroller.setAttribute('aria-rowcount', grid.rowCount);
    this.scroller.setAttribute('aria-colcount', grid.columnCount);
    this.render(true);
  }

  /** Name of the pane that draws a cell. */
  paneName(row, column) {
    const left = column < this.grid.frozenColumns;
    if (row < this.grid.frozenRows) return left ? 'corner' : 'top';
    return left ? 'left' : 'main';
  }

  /** Position of a column's left edge in its pane. */
  left(column, frozen = column < this.grid.frozenColumns) {
    const { x, frozenColumns } = this.grid;
    return frozen ? this.headWidth + x[column] : x[column] - x[frozenColumns];
  }

  /** Position of a row's upper edge in its pane. */
  top(row, frozen = row < this.grid.frozenRows) {
    const { y, frozenRows } = this.grid;
    return frozen ? this.headHeight + y[row] : y[row] - y[frozenRows];
  }

  /** Rows that the scroller shows now, first and last. */
  rowsInSight() {
    const { y, frozenRows, rowCount } = this.grid;
    const from = this.scroller.scrollTop + y[frozenRows];
    const height = Math.max(0, this.scroller.clientHeight - this.headHeight - y[frozenRows]);
    return {
      first: Math.max(frozenRows, Grid.find(y, from)),
      last: Math.min(rowCount - 1, Grid.find(y, from + height)),
    };
  }

  columnsInSight() {
    const { x, frozenColumns, columnCount } = this.grid;
    if (columnCount <= ALL_COLUMNS) return { first: frozenColumns, last: columnCount - 1 };
    const from = this.scroller.scrollLeft + x[frozenColumns];
    const first = Math.max(frozenColumns, Grid.find(x, from) - 8);
    const last = Math.min(columnCount - 1, Grid.find(x, from + this.scroller.clientWidth) + 8);
    return { first: first - (first % 8), last };
  }

  /** Draws what is in sight and not yet drawn; everything when forced. */
  render(force) {
    const { grid } = this;
    if (!grid) return;
    const columns = this.columnsInSight();
    columns.first = Math.max(grid.frozenColumns, columns.first);
    if (force || columns.first !== this.columns?.first || columns.last > this.columns.last) {
      this.columns = columns;
      this.rowNodes.clear();
      for (const pane of Object.values(this.panes)) pane.cells.replaceChildren();
      this.drawHeads();
      for (let r = 0; r < grid.frozenRows; r += 1) this.drawRow(r);
    }
    const sight = this.rowsInSight();
    let first = Math.max(grid.frozenRows, sight.first - OVERSCAN);
    const last = Math.min(grid.rowCount - 1, sight.last + OVERSCAN);
    for (let c = 0; c < grid.columnCount && first > grid.frozenRows; c += 1) {
      const area = grid.merged(first, c);
      if (area && area.r0 < first) first = Math.max(grid.frozenRows, area.r0);
    }
    for (const [row, nodes] of this.rowNodes) {
      if (row >= grid.frozenRows && (row < first - OVERSCAN || row > last + OVERSCAN)) {
        nodes.forEach((node) => node.remove());
        this.rowNodes.delete(row);
      }
    }
    for (let r = first; r <= last; r += 1) if (!this.rowNodes.has(r)) this.drawRow(r);
    this.hooks.onWindow?.(first, last);
    if (this.selection) this.select(this.selection);
  }

  drawHeads() {
    const { grid } = this;
    for (const pane of Object.values(this.panes)) pane.heads.replaceChildren();
    if (this.reading) return;
    const all = make('button', 'head all');
    all.dataset.head = 'all';
    all.tabIndex = -1;
    all.setAttribute('aria-label', say('grid'));
    all.style.width = px(this.headWidth);
    all.style.height = px(this.headHeight);
    this.panes.corner.heads.append(all);
    const draw = (column, pane) => {
      const width = grid.width(column);
      if (!width) return;
      const head = make('div', 'head column', columnName(column));
      head.dataset.head = 'column';
      head.dataset.at = column;
      head.setAttribute('role', 'columnheader');
      head.setAttribute('aria-colindex', column + 1);
      head.style.left = px(this.left(column));
      head.style.width = px(width);
      head.style.height = px(this.headHeight);
      if (column > 0 && grid.hiddenColumn(column - 1)) head.classList.add('after-hidden');
      head.append(make('span', 'resize'));
      pane.heads.append(head);
    };
    for (let c = 0; c < grid.frozenColumns; c += 1) draw(c, this.panes.corner);
    for (let c = this.columns.first; c <= this.columns.last; c += 1) draw(c, this.panes.top);
  }

  drawRow(row) {
    const { grid } = this;
    const height = grid.height(row);
    if (!height) return;
    const frozen = row < grid.frozenRows;
    const build = (pane, from, to, limits) => {
      const node = make('div', 'row');
      node.style.top = px(this.top(row));
      node.style.height = px(height);
      this.fillRow(node, row, from, to, limits);
      pane.cells.append(node);
      return node;
    };
    const sidePane = this.panes[frozen ? 'corner' : 'left'];
    // Text of a frozen column may run over the next pane; scrolled sideways, it ends at the line.
    const side = build(sidePane, 0, grid.frozenColumns - 1, [0, grid.columnCount]);
    side.id = `side-${row + 1}`;
    side.setAttribute('role', 'presentation');
    if (!this.reading) {
      const head = make('div', 'head line', String(row + 1));
      head.dataset.head = 'row';
      head.dataset.at = row;
      head.setAttribute('role', 'rowheader');
      head.style.width = px(this.headWidth);
      head.style.height = px(height);
      if (row > 0 && grid.hiddenRow(row - 1)) head.classList.add('after-hidden');
      head.append(make('span', 'resize'));
      side.prepend(head);
    }
    const main = build(this.panes[frozen ? 'top' : 'main'], this.columns.first, this.columns.last,
      [grid.frozenColumns, grid.columnCount]);
    // One row to a reader of the page, though two panes draw it.
    main.setAttribute('role', 'row');
    main.setAttribute('aria-rowindex', row + 1);
    main.setAttribute('aria-owns', side.id);
    this.rowNodes.set(row, [side, main]);
  }

  fillRow(node, row, from, to, limits) {
    const { grid } = this;
    const plans = [];
    const covered = new Set();
    for (let c = from; c <= to; c += 1) {
      const merged = grid.merged(row, c);
      if (!grid.width(c) && !merged) continue;
      if (merged && (merged.r0 !== row || merged.c0 !== c)) continue;
      const plan = this.planCell(row, c, merged, limits);
      plans.push(plan);
      for (let k = plan.from; k < plan.to; k += 1) covered.add(k);
    }
    for (const plan of plans) node.append(this.cellNode(plan, covered));
  }

  /** Decides where a cell's text lies: alone, over empty neighbours, or cut. */
  planCell(row, column, merged, limits) {
    const { grid } = this;
    const cell = grid.cell(row, column);
    const area = merged ?? { r0: row, c0: column, r1: row, c1: column };
    const width = grid.x[area.c1 + 1] - grid.x[area.c0];
    const height = grid.y[area.r1 + 1] - grid.y[area.r0];
    const plan = {
      row, column, cell, area, width, height, from: column, to: merged ? area.c1 : column,
      text: cell?.formattedValue ?? '', clipped: false, before: 0, after: 0,
    };
    if (isCheckbox(cell) || plan.text === '') return plan;
    plan.format = formatOf(cell);
    plan.font = fontOf(plan.format.textFormat);
    plan.pad = { left: 3, right: 3, top: 2, bottom: 2, ...plan.format.padding };
    if (isDropdown(cell)) plan.pad.right += DROPDOWN_ROOM;
    plan.align = alignOf(plan.format, cell);
    const room = width - plan.pad.left - plan.pad.right;
    if (plan.format.wrapStrategy === 'WRAP' || plan.format.wrapStrategy === 'LEGACY_WRAP') {
      const lines = wrapLines(plan.text, plan.font, room).length;
      const size = plan.format.textFormat?.fontSize ?? 10;
      plan.clipped = lines * lineHeight(size) > height + 3;
      return plan;
    }
    const longest = Math.max(...plan.text.split('\n').map((line) => textWidth(line, plan.font)));
    if (longest <= room + 0.5) return plan;
    if (cell.effectiveValue?.numberValue !== undefined) {
      if (longest > width - 2) {
        plan.hashes = true;
        plan.clipped = true;
      }
      return plan;
    }
    const overflows = plan.format.wrapStrategy !== 'CLIP' && !merged && !isDropdown(cell);
    if (overflows) this.spread(plan, longest - room, limits);
    plan.clipped = longest > room + plan.before + plan.after + 0.5;
    return plan;
  }

  /** Lets text run over empty neighbours as far as it needs. */
  spread(plan, excess, limits) {
    const { grid } = this;
    const free = (column) => {
      const cell = grid.cell(plan.row, column);
      return isBlank(cell) && !grid.merged(plan.row, column)
        && !isCheckbox(cell) && !isDropdown(cell);
    };
    const right = plan.align === 'left' ? excess : plan.align === 'center' ? excess / 2 : 0;
    const left = plan.align === 'right' ? excess : plan.align === 'center' ? excess / 2 : 0;
    while (plan.after < right && plan.to + 1 < limits[1] && free(plan.to + 1)) {
      plan.to += 1;
      plan.after += grid.width(plan.to);
    }
    while (plan.before < left && plan.from - 1 >= limits[0] && free(plan.from - 1)) {
      plan.from -= 1;
      plan.before += grid.width(plan.from);
    }
  }

  cellNode(plan, covered) {
    const { grid } = this;
    const { row, column, cell, area } = plan;
    const node = make('div', 'cell');
    const address = a1(row, column);
    node.id = `cell-${address}`;
    node.dataset.a1 = address;
    node.setAttribute('role', 'gridcell');
    node.setAttribute('aria-colindex', column + 1);
    node.style.left = px(this.left(column));
    node.style.width = px(plan.width);
    node.style.height = px(plan.height);
    const fill = fillOf(cell);
    if (fill) node.style.background = fill;
    else if (grid.gridlines) {
      node.classList.add('grid-bottom');
      if (!covered.has(area.c1)) node.classList.add('grid-right');
    }
    if (grid.isProtected(row, column)) {
      node.classList.add('protected');
      node.setAttribute('aria-readonly', 'true');
    }
    if (cell) {
      if (isCheckbox(cell)) node.append(checkbox(cell, plan));
      else if (plan.text !== '') node.append(this.textNode(plan));
      if (isDropdown(cell)) node.append(dropdownMark(cell));
      this.drawBorders(node, plan);
      this.drawCorner(node, cell);
    }
    if (plan.clipped) node.dataset.clipped = '1';
    return node;
  }

  textNode(plan) {
    const { cell, format, pad } = plan;
    const style = format.textFormat ?? {};
    const node = make('div', 'text');
    node.style.font = plan.font;
    node.style.lineHeight = px(lineHeight(style.fontSize ?? 10));
    const number = cell.effectiveValue?.numberValue;
    const color = (number !== undefined && patternColor(number, format.numberFormat?.pattern))
      || cssColor(style.foregroundColorStyle, style.foregroundColor);
    if (color && color !== '#000000') node.style.color = color;
    const lines = [style.underline && 'underline', style.strikethrough && 'line-through'];
    node.style.textDecoration = lines.filter(Boolean).join(' ');
    node.style.left = px(pad.left - plan.before);
    node.style.right = px(pad.right - plan.after);
    node.style.top = px(Math.min(pad.top, plan.height / 4));
    node.style.bottom = px(Math.min(pad.bottom, plan.height / 4));
    node.classList.add(`h-${plan.align}`, `v-${(format.verticalAlignment ?? 'BOTTOM').toLowerCase()}`);
    if (/WRAP/.test(format.wrapStrategy ?? '')) node.classList.add('wrap');
    const angle = format.textRotation?.angle;
    const inner = make('span', 'ink');
    if (angle) inner.style.transform = `rotate(${-angle}deg)`;
    if (plan.hashes) {
      inner.textContent = '###';
      node.title = plan.text;
    } else writeRuns(inner, cell, plan.text);
    if (cell.effectiveValue?.errorValue) node.classList.add('error');
    node.append(inner);
    return node;
  }

  drawBorders(node, plan) {
    const { grid } = this;
    const { area, cell } = plan;
    const own = formatOf(cell).borders ?? {};
    const far = (r, c) => formatOf(grid.cell(r, c)).borders ?? {};
    const single = area.r0 === area.r1 && area.c0 === area.c1;
    const sides = {
      top: own.top,
      left: own.left,
      bottom: (single ? own : far(area.r1, area.c0)).bottom ?? own.bottom,
      right: (single ? own : far(area.r0, area.c1)).right ?? own.right,
    };
    for (const [side, border] of Object.entries(sides)) {
      if (!border?.style || border.style === 'NONE') continue;
      const line = make('i', `edge ${side}`);
      const width = { SOLID_MEDIUM: 2, SOLID_THICK: 3, DOUBLE: 3 }[border.style] ?? 1;
      const kind = { DOTTED: 'dotted', DASHED: 'dashed', DOUBLE: 'double' }[border.style] ?? 'solid';
      const color = cssColor(border.colorStyle, border.color) ?? '#000000';
      const along = side === 'top' || side === 'bottom' ? 'borderTop' : 'borderLeft';
      line.style[along] = `${width}px ${kind} ${color}`;
      line.style[side] = px(side === 'top' || side === 'left' ? -Math.ceil(width / 2)
        : -Math.floor(width / 2));
      node.append(line);
    }
  }

  drawCorner(node, cell) {
    if (cell.note) {
      node.classList.add('noted');
      node.dataset.note = cell.note;
    }
    if (breaksRule(cell)) {
      node.classList.add('invalid');
      node.dataset.rule = cell.dataValidation.inputMessage || say('breaksRule');
    }
    const error = errorText(cell);
    if (error) node.dataset.error = error;
  }

  /** Draws the selection: {active: {row, column}, area, copied}. */
  select(selection) {
    this.selection = selection;
    const { grid } = this;
    const { active, area, copied } = selection;
    const own = grid.areaAt(active.row, active.column);
    const many = areaA1(own) !== areaA1(area);
    for (const [name, pane] of Object.entries(this.panes)) {
      for (const old of [...pane.marks.children]) if (!old.dataset.keep) old.remove();
      if (many) this.mark(name, pane, area, 'range');
      if (copied) this.mark(name, pane, copied, 'copied');
      for (const one of this.references) {
        const node = this.mark(name, pane, one.area, 'reference');
        if (node) node.style.color = one.color;
      }
    }
    const name = this.paneName(own.r0, own.c0);
    const locked = grid.isProtected(own.r0, own.c0) ? ' locked' : '';
    this.mark(name, this.panes[name], own, `active${locked}`, true);
    this.drawHandle(area);
    this.selectHeads(area);
    this.selectCells(own, area);
  }

  /** The small square at the end of the selection, by which a series is drawn on. */
  drawHandle(area) {
    const { grid } = this;
    if (this.reading || area.r1 >= grid.rowCount - 1 || area.c1 >= grid.columnCount - 1) return;
    const pane = this.panes[this.paneName(area.r1, area.c1)];
    const node = make('div', 'fill-handle');
    node.style.left = px(this.left(area.c1) + grid.width(area.c1) - 4);
    node.style.top = px(this.top(area.r1) + grid.height(area.r1) - 4);
    pane.marks.append(node);
  }

  selectHeads(area) {
    for (const head of this.sizer.querySelectorAll('.head.on')) head.classList.remove('on');
    for (const head of this.sizer.querySelectorAll('.head[data-at]')) {
      const at = Number(head.dataset.at);
      const on = head.dataset.head === 'row' ? at >= area.r0 && at <= area.r1
        : at >= area.c0 && at <= area.c1;
      head.classList.toggle('on', on);
    }
  }

  /** Tells readers of the page what is selected: every drawn cell of the area, and the active one. */
  selectCells(own, area) {
    for (const node of this.selected) node.removeAttribute('aria-selected');
    this.selected = [];
    for (const row of this.rowNodes.keys()) {
      if (row < area.r0 || row > area.r1) continue;
      for (let c = area.c0; c <= Math.min(area.c1, area.c0 + ALL_COLUMNS); c += 1) {
        const node = document.getElementById(`cell-${a1(row, c)}`);
        if (!node) continue;
        node.setAttribute('aria-selected', 'true');
        this.selected.push(node);
      }
    }
    const cell = document.getElementById(`cell-${a1(own.r0, own.c0)}`);
    this.scroller.setAttribute('aria-activedescendant', cell?.id ?? '');
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

  /** Shows for a moment which cells somebody else changed. */
  flash(addresses, who) {
    for (const address of addresses) {
      const node = document.getElementById(`cell-${address}`);
      if (!node) continue;
      node.classList.add('foreign');
      node.dataset.by = who;
      node.addEventListener('animationend', () => node.classList.remove('foreign'), { once: true });
    }
  }

  mark(name, pane, area, className, whole = false) {
    const { grid } = this;
    const frozenRow = name === 'corner' || name === 'top';
    const frozenColumn = name === 'corner' || name === 'left';
    const rows = frozenRow ? [0, grid.frozenRows] : [grid.frozenRows, grid.rowCount];
    const columns = frozenColumn ? [0, grid.frozenColumns] : [grid.frozenColumns, grid.columnCount];
    const r0 = Math.max(area.r0, rows[0]);
    const r1 = whole ? area.r1 : Math.min(area.r1, rows[1] - 1);
    const c0 = Math.max(area.c0, columns[0]);
    const c1 = whole ? area.c1 : Math.min(area.c1, columns[1] - 1);
    if (r1 < r0 || c1 < c0) return null;
    const node = make('div', `mark ${className}`);
    node.style.left = px(this.left(c0, frozenColumn));
    node.style.top = px(this.top(r0, frozenRow));
    node.style.width = px(grid.x[c1 + 1] - grid.x[c0]);
    node.style.height = px(grid.y[r1 + 1] - grid.y[r0]);
    pane.marks.append(node);
    return node;
  }

  /** Where an overlay over a cell goes: its pane and its box in it. */
  box(row, column) {
    const area = this.grid.areaAt(row, column);
    const pane = this.panes[this.paneName(area.r0, area.c0)];
    return {
      pane, left: this.left(area.c0), top: this.top(area.r0),
      width: this.grid.x[area.c1 + 1] - this.grid.x[area.c0],
      height: this.grid.y[area.r1 + 1] - this.grid.y[area.r0],
    };
  }

  /** Scrolls until a cell is in sight. */
  reveal(row, column) {
    const { grid, scroller } = this;
    if (row >= grid.frozenRows) {
      const top = grid.y[row] - grid.y[grid.frozenRows];
      const room = scroller.clientHeight - this.headHeight - grid.y[grid.frozenRows];
      const bottom = top + grid.height(row);
      if (top < scroller.scrollTop) scroller.scrollTop = top;
      else if (bottom > scroller.scrollTop + room) scroller.scrollTop = bottom - room + 2;
    }
    if (column >= grid.frozenColumns) {
      const left = grid.x[column] - grid.x[grid.frozenColumns];
      const room = scroller.clientWidth - this.headWidth - grid.x[grid.frozenColumns];
      const right = left + Math.min(grid.width(column), room);
      if (left < scroller.scrollLeft) scroller.scrollLeft = left;
      else if (right > scroller.scrollLeft + room) scroller.scrollLeft = right - room + 2;
    }
    this.render(false);
  }
}

/** The colour behind a cell; white counts only when somebody chose it. */
function fillOf(cell) {
  if (!cell) return undefined;
  const format = formatOf(cell);
  const fill = cssColor(format.backgroundColorStyle, format.backgroundColor);
  if (!fill || fill !== '#ffffff') return fill;
  const chosen = cell.userEnteredFormat;
  return chosen?.backgroundColor || chosen?.backgroundColorStyle ? fill : undefined;
}

function alignOf(format, cell) {
  const asked = format.horizontalAlignment;
  if (asked === 'LEFT' || asked === 'CENTER' || asked === 'RIGHT') return asked.toLowerCase();
  const value = cell.effectiveValue ?? {};
  if (value.numberValue !== undefined) return 'right';
  return value.boolValue !== undefined || value.errorValue ? 'center' : 'left';
}

function checkbox(cell, plan) {
  const box = make('span', 'checkbox');
  const align = formatOf(cell).horizontalAlignment;
  const side = { LEFT: 'left', RIGHT: 'right' }[align];
  if (side) box.classList.add(`at-${side}`);
  box.setAttribute('role', 'checkbox');
  box.setAttribute('aria-checked', String(isTicked(cell)));
  box.dataset.checkbox = a1(plan.row, plan.column);
  const color = cssColor(formatOf(cell).textFormat?.foregroundColorStyle,
    formatOf(cell).textFormat?.foregroundColor);
  if (color && color !== '#000000') box.style.color = color;
  return box;
}

function dropdownMark(cell) {
  const mark = make('button', 'dropdown');
  mark.tabIndex = -1;
  mark.dataset.dropdown = '1';
  mark.setAttribute('aria-haspopup', 'listbox');
  mark.setAttribute('aria-label', cell.dataValidation.inputMessage || say('open'));
  return mark;
}

/** Writes a cell's text with its runs of other formats and its link. */
function writeRuns(node, cell, text) {
  const link = safeLink(cell.hyperlink);
  const target = link ? make('a', 'link') : node;
  if (link) {
    target.href = link;
    target.tabIndex = -1;
    if (!link.startsWith('#')) {
      target.target = '_blank';
      target.rel = 'noopener noreferrer';
    }
    node.append(target);
  }
  const runs = cell.textFormatRuns ?? [];
  if (!runs.length || cell.userEnteredValue?.stringValue !== text) {
    target.append(text);
    return;
  }
  if ((runs[0].startIndex ?? 0) > 0) target.append(text.slice(0, runs[0].startIndex));
  runs.forEach((run, i) => {
    const part = text.slice(run.startIndex ?? 0, runs[i + 1]?.startIndex ?? text.length);
    if (!part) return;
    const piece = make('span', '', part);
    const style = run.format ?? {};
    const color = cssColor(style.foregroundColorStyle, style.foregroundColor);
    if (color) piece.style.color = color;
    if (style.bold !== undefined) piece.style.fontWeight = style.bold ? '700' : '400';
    if (style.italic) piece.style.fontStyle = 'italic';
    if (style.underline) piece.style.textDecoration = 'underline';
    if (style.fontSize) piece.style.fontSize = `${(style.fontSize * 4) / 3}px`;
    target.append(piece);
  });
}

