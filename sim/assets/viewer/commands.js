// What the grid's menu offers: lines, sorting, notes, freezing, protection, charts.

import * as api from './api.js';
import { a1, columnName, formatOf } from './base.js';
import { ask } from './dialogs.js';
import { cellsStep, deletionStep, requestsStep, sizesStep } from './history.js';
import { openMenu } from './menus.js';
import { say } from './words.js';

/** Most lines that one insertion from the menu adds. */
const MOST_LINES = 1000;

/** An id that a new object of a file may take. */
const freshId = () => 1 + Math.floor(Math.random() * 2_000_000_000);

/** Commands over the selection of some hands. */
export class Commands {
  constructor(hands) {
    this.hands = hands;
    this.desk = hands.desk;
    hands.scroller.addEventListener('contextmenu', (event) => this.onContextMenu(event));
  }

  get sheetId() {
    return this.hands.sheetId;
  }

  get area() {
    return this.hands.area;
  }

  rangeOf(area) {
    return {
      sheetId: this.sheetId, startRowIndex: area.r0, endRowIndex: area.r1 + 1,
      startColumnIndex: area.c0, endColumnIndex: area.c1 + 1,
    };
  }

  onContextMenu(event) {
    if (event.target.closest('.editor, .chart, a.link')) return;
    event.preventDefault();
    if (event.target === this.hands.scroller) return; // the keyboard's own, opened by its key
    const kind = event.target.closest('.head')?.dataset.head;
    this.open(kind, { x: event.clientX, y: event.clientY });
  }

  /** Opens the menu beside the active cell, for the keyboard. */
  openAtCell() {
    const { row, column } = this.hands.active;
    this.hands.painter.reveal(row, column);
    const box = document.getElementById(`cell-${a1(row, column)}`)?.getBoundingClientRect();
    this.open(this.hands.wholeLines(), { x: (box?.left ?? 60) + 12, y: (box?.bottom ?? 160) - 2 });
  }

  open(kind, place) {
    const { area } = this;
    const groups = [
      this.clipboardItems(), kind === 'column' ? [] : this.rowItems(area),
      kind === 'row' ? [] : this.columnItems(area),
      [...this.lineItems(kind, area), ...this.viewItems(area)],
      this.noteItems(), this.chartItems(area),
    ];
    const items = groups.filter((group) => group.length)
      .flatMap((group, i) => (i ? [null, ...group] : group));
    openMenu(items, { ...place, back: this.hands.scroller, label: say('menu') });
  }

  clipboardItems() {
    const { clipboard } = this.hands;
    return [
      { label: say('cut'), mark: 'Ctrl+X', data: 'cut', act: () => clipboard.copyOut(true) },
      { label: say('copy'), mark: 'Ctrl+C', data: 'copy', act: () => clipboard.copyOut() },
      { label: say('paste'), mark: 'Ctrl+V', data: 'paste', act: () => clipboard.pasteIn() },
      { label: say('pasteValues'), mark: 'Ctrl+Shift+V', data: 'paste-values', act: () => clipboard.pasteIn(true) },
      { label: say('clear'), mark: 'Delete', data: 'clear', act: () => this.hands.clear() },
    ];
  }

  rowItems(area) {
    const count = area.r1 - area.r0 + 1;
    const name = count > 1 ? say('deleteRows', `${area.r0 + 1}–${area.r1 + 1}`) : say('deleteRow', area.r0 + 1);
    const many = Math.min(count, MOST_LINES);
    return [
      { label: say(many > 1 ? 'rowsAbove' : 'rowAbove', many), data: 'row-above', act: () => this.insert('ROWS', area.r0, many) },
      { label: say(many > 1 ? 'rowsBelow' : 'rowBelow', many), data: 'row-below', act: () => this.insert('ROWS', area.r1 + 1, many) },
      { label: name, data: 'delete-row', act: () => this.remove('ROWS', area.r0, area.r1) },
    ];
  }

  columnItems(area) {
    const count = area.c1 - area.c0 + 1;
    const from = columnName(area.c0);
    const name = count > 1 ? say('deleteColumns', `${from}–${columnName(area.c1)}`) : say('deleteColumn', from);
    const many = Math.min(count, MOST_LINES);
    return [
      { label: say(many > 1 ? 'columnsLeft' : 'columnLeft', many), data: 'column-left', act: () => this.insert('COLUMNS', area.c0, many) },
      { label: say(many > 1 ? 'columnsRight' : 'columnRight', many), data: 'column-right', act: () => this.insert('COLUMNS', area.c1 + 1, many) },
      { label: name, data: 'delete-column', act: () => this.remove('COLUMNS', area.c0, area.c1) },
    ];
  }

  /** Hiding and sizes, when whole rows or columns are meant. */
  lineItems(kind, area) {
    if (kind !== 'row' && kind !== 'column') return [];
    const row = kind === 'row';
    const dimension = row ? 'ROWS' : 'COLUMNS';
    const [from, to] = row ? [area.r0, area.r1] : [area.c0, area.c1];
    const last = (row ? this.hands.grid.rowCount : this.hands.grid.columnCount) - 1;
    return [
      { label: say(row ? 'hideRow' : 'hideColumn'), data: 'hide', act: () => this.sizes(dimension, from, to, { hiddenByUser: true }) },
      { label: say(row ? 'showRows' : 'showColumns'), data: 'show', act: () => this.sizes(dimension, Math.max(0, from - 1), Math.min(last, to + 1), { hiddenByUser: false }) },
      { label: say(row ? 'rowHeight' : 'columnWidth'), data: 'resize', act: () => this.askSize(dimension, from, to) },
      { label: say('fitSize'), data: 'fit', act: () => this.fit(dimension, from, to) },
    ];
  }

  viewItems(area) {
    const column = columnName(area.c0);
    const grid = this.hands.grid;
    const frozen = grid.frozenRows > 0 || grid.frozenColumns > 0;
    return [
      { label: say('sortAZ', column), data: 'sort-az', act: () => this.sort(area, 'ASCENDING') },
      { label: say('sortZA', column), data: 'sort-za', act: () => this.sort(area, 'DESCENDING') },
      { label: say('freezeRows', area.r1 + 1), data: 'freeze-rows', act: () => this.freeze({ frozenRowCount: area.r1 + 1 }) },
      { label: say('freezeColumns', columnName(area.c1)), data: 'freeze-columns', act: () => this.freeze({ frozenColumnCount: area.c1 + 1 }) },
      frozen && { label: say('thaw'), data: 'thaw', act: () => this.freeze({ frozenRowCount: 0, frozenColumnCount: 0 }) },
    ].filter(Boolean);
  }

  noteItems() {
    const { hands } = this;
    const noted = Boolean(hands.cellHere()?.note);
    const { row, column } = hands.active;
    const own = hands.grid.protectionsAt(row, column).filter((one) => one.requestingUserCanEdit);
    return [
      { label: say(noted ? 'editNote' : 'note'), mark: 'Shift+F2', data: 'note', act: () => hands.notes.edit() },
      noted && { label: say('deleteNote'), data: 'delete-note', act: () => hands.notes.remove() },
      { label: say('protect'), data: 'protect', act: () => this.protect() },
      own.length > 0 && { label: say('unprotect'), data: 'unprotect', act: () => this.unprotect(own) },
    ].filter(Boolean);
  }

  chartItems(area) {
    const wide = area.c1 > area.c0 && area.r1 > area.r0;
    return [
      wide && { label: say('addChart'), data: 'chart', act: () => this.addChart(area) },
      { label: say('keys'), mark: 'Ctrl+/', data: 'keys', act: () => this.desk.keys() },
    ].filter(Boolean);
  }

  // ---- lines

  insert(dimension, at, count = 1) {
    const range = { sheetId: this.sheetId, dimension, startIndex: at, endIndex: at + count };
    return this.desk.history.perform(requestsStep(this.desk, this.sheetId, undefined,
      [{ insertDimension: { range, inheritFromBefore: at > 0 } }], [{ deleteDimension: { range } }]));
  }

  remove(dimension, from, to) {
    return this.desk.history.perform(deletionStep(this.desk, this.sheetId, dimension, from, to));
  }

  /** Which lines a key means: whole selected ones, else none is clear and the menu asks. */
  lines() {
    const kind = this.hands.wholeLines();
    if (!kind) this.openAtCell();
    const { area } = this;
    return kind === 'row' ? ['ROWS', area.r0, area.r1] : kind === 'column' ? ['COLUMNS', area.c0, area.c1] : null;
  }

  insertLines() {
    const lines = this.lines();
    if (lines) this.insert(lines[0], lines[1], Math.min(MOST_LINES, lines[2] - lines[1] + 1));
  }

  deleteLines() {
    const lines = this.lines();
    if (lines) this.remove(...lines);
  }

  sizes(dimension, from, to, properties) {
    return this.desk.history.perform(sizesStep(this.desk, this.sheetId, dimension, from, to, properties));
  }

  async askSize(dimension, from, to) {
    const row = dimension === 'ROWS';
    const now = row ? this.hands.grid.height(from) : this.hands.grid.width(from);
    const answer = await ask(say(row ? 'rowHeight' : 'columnWidth'), { value: String(Math.round(now)), type: 'number', hint: say('pixels') });
    const pixelSize = Math.round(Number(answer));
    if (answer && pixelSize > 0) this.sizes(dimension, from, to, { pixelSize });
  }

  /** Makes lines as large as what stands in them. */
  fit(dimension, from, to) {
    const step = sizesStep(this.desk, this.sheetId, dimension, from, to, {});
    step.forward = () => api.change(this.desk.id, [{ autoResizeDimensions: {
      dimensions: { sheetId: this.sheetId, dimension, startIndex: from, endIndex: to + 1 },
    } }]);
    return this.desk.history.perform(step);
  }

  /** Sorts the selected rows; one selected row means all rows below the frozen ones. */
  sort(area, order) {
    const { grid } = this.hands;
    const many = area.r1 > area.r0 && !(area.r0 === 0 && area.r1 === grid.rowCount - 1);
    const whole = many ? area
      : { r0: grid.frozenRows, r1: grid.rowCount - 1, c0: 0, c1: grid.columnCount - 1 };
    return this.desk.history.perform(cellsStep(this.desk, this.sheetId, whole, () => api.change(this.desk.id, [
      { sortRange: {
        range: this.rangeOf(whole), sortSpecs: [{ dimensionIndex: area.c0, sortOrder: order }],
      } },
    ])));
  }

  freeze(gridProperties) {
    const { grid, sheetId } = this.hands;
    const names = Object.keys(gridProperties);
    const before = { frozenRowCount: grid.frozenRows, frozenColumnCount: grid.frozenColumns };
    const set = (values) => [{ updateSheetProperties: {
      properties: { sheetId, gridProperties: Object.fromEntries(names.map((name) => [name, values[name]])) },
      fields: names.map((name) => `gridProperties.${name}`).join(','),
    } }];
    return this.desk.history.perform(
      requestsStep(this.desk, sheetId, undefined, set(gridProperties), set(before)),
    );
  }

  // ---- formats, protection, charts

  /** Bold, italic or underlined, as the active cell is not. */
  toggleStyle(name) {
    const { area, sheetId } = this;
    const on = !formatOf(this.hands.cellHere()).textFormat?.[name];
    return this.desk.history.perform(cellsStep(this.desk, sheetId, area, () => api.change(this.desk.id, [
      { repeatCell: {
        range: this.rangeOf(area), cell: { userEnteredFormat: { textFormat: { [name]: on } } },
        fields: `userEnteredFormat.textFormat.${name}`,
      } },
    ])));
  }

  protect() {
    const { sheetId } = this;
    const protectedRangeId = freshId();
    const protectedRange = {
      protectedRangeId, range: this.rangeOf(this.area), editors: { users: [api.person()] },
    };
    return this.desk.history.perform(requestsStep(this.desk, sheetId, undefined,
      [{ addProtectedRange: { protectedRange } }], [{ deleteProtectedRange: { protectedRangeId } }]));
  }

  unprotect(ranges) {
    const there = ranges.map(({ protectedRangeId }) => ({ deleteProtectedRange: { protectedRangeId } }));
    const back = ranges.map(({ requestingUserCanEdit, ...protectedRange }) => ({ addProtectedRange: { protectedRange } }));
    return this.desk.history.perform(requestsStep(this.desk, this.sheetId, undefined, there, back));
  }

  /** A column chart of the selection: its first row names the series, its first column the points. */
  addChart(area) {
    const { sheetId } = this;
    const chartId = freshId();
    const column = (c) => ({ sourceRange: { sources: [this.rangeOf({ ...area, c0: c, c1: c })] } });
    const series = Array.from({ length: area.c1 - area.c0 }, (_, i) => ({
      series: column(area.c0 + 1 + i), targetAxis: 'LEFT_AXIS',
    }));
    const chart = {
      chartId,
      spec: { basicChart: {
        chartType: 'COLUMN', legendPosition: 'TOP_LEGEND', headerCount: 1,
        axis: [{ position: 'BOTTOM_AXIS' }, { position: 'LEFT_AXIS' }],
        domains: [{ domain: column(area.c0) }], series,
      } },
      position: { overlayPosition: { anchorCell: {
        sheetId, rowIndex: area.r0, columnIndex: Math.min(this.hands.grid.columnCount - 1, area.c1 + 1),
      }, widthPixels: 560, heightPixels: 300 } },
    };
    return this.desk.history.perform(requestsStep(this.desk, sheetId, undefined,
      [{ addChart: { chart } }], [{ deleteEmbeddedObject: { objectId: chartId } }]));
  }

  /** Takes a chart away; undo draws it again. */
  removeChart(chart) {
    return this.desk.history.perform(requestsStep(this.desk, this.sheetId, undefined,
      [{ deleteEmbeddedObject: { objectId: chart.chartId } }], [{ addChart: { chart } }]));
  }
}
