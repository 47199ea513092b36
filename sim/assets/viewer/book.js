// The spreadsheet as the page knows it: tabs, cells loaded in blocks of rows, sizes, chart sources.

import * as api from './api.js';
import { a1, areaOfGridRange, formatOf, inside, isBlank, quoteTitle, tabA1 } from './base.js';
import { fontOf, lineHeight, wrapLines } from './text.js';

/** Rows that one read brings. */
export const BLOCK = 100;
/** From so many rows on, formats in force are read only where something paints over the cells' own. */
const MANY_ROWS = 1000;
const DEFAULT_HEIGHT = 21;
const DEFAULT_WIDTH = 100;

/** One tab's cells and sizes. */
export class Grid {
  constructor(sheet) {
    this.sheet = sheet;
    const grid = sheet.properties.gridProperties ?? {};
    this.rowCount = grid.rowCount ?? 0;
    this.columnCount = grid.columnCount ?? 0;
    this.frozenRows = Math.min(grid.frozenRowCount ?? 0, this.rowCount);
    this.frozenColumns = Math.min(grid.frozenColumnCount ?? 0, this.columnCount);
    /** Whether the person may only look at the file. */
    this.readOnly = false;
    this.gridlines = !grid.hideGridlines;
    this.rows = new Map();
    this.blocks = new Set();
    this.rowMeta = [];
    this.columnMeta = [];
    this.indexMerges();
  }

  indexMerges() {
    this.mergeAt = new Map();
    for (const range of this.sheet.merges ?? []) {
      const area = areaOfGridRange(range, this.rowCount, this.columnCount);
      for (let r = area.r0; r <= area.r1; r += 1) {
        for (let c = area.c0; c <= area.c1; c += 1) this.mergeAt.set(r * 20000 + c, area);
      }
    }
  }

  /** Takes what the API answered for a part of this tab. */
  take(part) {
    const r0 = part.startRow ?? 0;
    const c0 = part.startColumn ?? 0;
    (part.rowMetadata ?? []).forEach((meta, i) => { this.rowMeta[r0 + i] = meta; });
    (part.columnMetadata ?? []).forEach((meta, i) => { this.columnMeta[c0 + i] = meta; });
    (part.rowData ?? []).forEach((row, i) => {
      const cells = this.rows.get(r0 + i) ?? [];
      (row.values ?? []).forEach((cell, j) => { cells[c0 + j] = cell; });
      this.rows.set(r0 + i, cells);
    });
  }

  cell(row, column) {
    return this.rows.get(row)?.[column];
  }

  /** The merged area that holds a cell, or the cell alone. */
  areaAt(row, column) {
    return this.mergeAt.get(row * 20000 + column) ?? { r0: row, c0: column, r1: row, c1: column };
  }

  merged(row, column) {
    return this.mergeAt.get(row * 20000 + column);
  }

  /** Whether a whole block of rows is here. */
  has(block) {
    return this.blocks.has(block);
  }

  /** Whether all cells of some rows are here. */
  hasRows(first, last) {
    for (let block = Math.floor(first / BLOCK); block * BLOCK <= last; block += 1) {
      if (!this.blocks.has(block)) return false;
    }
    return true;
  }

  hiddenRow(row) {
    const meta = this.rowMeta[row];
    return Boolean(meta?.hiddenByUser || meta?.hiddenByFilter);
  }

  hiddenColumn(column) {
    const meta = this.columnMeta[column];
    return Boolean(meta?.hiddenByUser || meta?.hiddenByFilter);
  }

  /** Computes where every row and column begins, pixels; wrapped and large text grows rows. */
  layOut() {
    this.x = new Float64Array(this.columnCount + 1);
    for (let c = 0; c < this.columnCount; c += 1) {
      const width = this.hiddenColumn(c) ? 0 : this.columnMeta[c]?.pixelSize ?? DEFAULT_WIDTH;
      this.x[c + 1] = this.x[c] + width;
    }
    this.y = new Float64Array(this.rowCount + 1);
    for (let r = 0; r < this.rowCount; r += 1) {
      const given = this.rowMeta[r]?.pixelSize ?? DEFAULT_HEIGHT;
      const height = this.hiddenRow(r) ? 0 : given === DEFAULT_HEIGHT ? this.fitRow(r) : given;
      this.y[r + 1] = this.y[r] + height;
    }
  }

  /** The height of a row that nobody sized: its tallest text. */
  fitRow(row) {
    let height = DEFAULT_HEIGHT;
    const cells = this.rows.get(row);
    if (!cells) return height;
    cells.forEach((cell, column) => {
      if (!cell || isBlank(cell) || this.merged(row, column)) return;
      const format = formatOf(cell);
      const size = format.textFormat?.fontSize ?? 10;
      const wrap = format.wrapStrategy === 'WRAP';
      const text = cell.formattedValue ?? '';
      if (size <= 11 && !wrap && !text.includes('\n')) return;
      const font = fontOf(format.textFormat);
      const pad = format.padding ?? {};
      const room = this.x[column + 1] - this.x[column] - (pad.left ?? 3) - (pad.right ?? 3);
      const lines = wrap ? wrapLines(text, font, room).length : text.split('\n').length;
      const needed = Math.ceil(lines * lineHeight(size)) + (pad.top ?? 2) + (pad.bottom ?? 2);
      height = Math.max(height, needed);
    });
    return height;
  }

  width(column) {
    return this.x[column + 1] - this.x[column];
  }

  height(row) {
    return this.y[row + 1] - this.y[row];
  }

  /** The row or column whose span holds a position. */
  static find(edges, position) {
    let low = 0;
    let high = edges.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (edges[middle] <= position) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }

  /** Protected ranges over a cell. */
  protectionsAt(row, column) {
    return (this.sheet.protectedRanges ?? []).filter((one) => {
      if (!one.range) return false;
      const covers = (range) =>
        inside(areaOfGridRange(range, this.rowCount, this.columnCount), row, column);
      return covers(one.range) && !(one.unprotectedRanges ?? []).some(covers);
    });
  }

  /** Whether a protected range that the person may not edit covers a cell. */
  isProtected(row, column) {
    if (this.readOnly) return true;
    if (!this.sheet.protectedRanges?.length) return false;
    return this.protectionsAt(row, column)
      .some((one) => !one.requestingUserCanEdit && !one.warningOnly);
  }
}

/** Ranges that the charts of a tab draw. */
export function chartRanges(sheet) {
  const found = [];
  const take = (data) => found.push(...(data?.sourceRange?.sources ?? []));
  for (const chart of sheet.charts ?? []) {
    const { basicChart, pieChart, scorecardChart } = chart.spec ?? {};
    for (const one of basicChart?.domains ?? []) take(one.domain);
    for (const one of basicChart?.series ?? []) take(one.series);
    take(pieChart?.domain);
    take(pieChart?.series);
    take(scorecardChart?.keyValueData);
    take(scorecardChart?.baselineValueData);
  }
  return found;
}

/** The whole file. */
export class Book {
  constructor(id) {
    this.id = id;
    this.meta = null;
    this.grids = new Map();
    this.sources = new Map();
  }

  get locale() {
    return this.meta?.properties?.locale ?? 'en_US';
  }

  get sheets() {
    return [...(this.meta?.sheets ?? [])]
      .sort((a, b) => (a.properties.index ?? 0) - (b.properties.index ?? 0));
  }

  sheet(sheetId) {
    return this.sheets.find((sheet) => idOf(sheet) === sheetId);
  }

  /** Reads title, tabs, merges, charts, protections. */
  async loadMeta() {
    this.meta = await api.getMeta(this.id);
  }

  /** Reads a tab anew: blocks around what is visible, sizes, and what its charts draw. */
  async loadTab(sheetId, firstRow, lastRow) {
    const sheet = this.sheet(sheetId);
    const grid = new Grid(sheet);
    const blocks = blocksOf(grid, firstRow, lastRow);
    const ranges = blocks.map((block) => blockRange(grid, block));
    const foreign = this.foreignRanges(sheet);
    const wantSizes = grid.rowCount > BLOCK;
    const [cells, sizes] = await Promise.all([
      api.getCells(this.id, [...ranges, ...foreign], foreign.length > 0 || isPainted(sheet)),
      wantSizes ? api.getSizes(this.id, [quoteTitle(sheet.properties.title)]) : null,
    ]);
    const sources = new Map();
    const take = (answer, onlySizes) => {
      for (const part of answer?.sheets ?? []) {
        const id = part.properties?.sheetId ?? 0;
        if (id === sheetId) for (const data of part.data ?? []) grid.take(data);
        else if (!onlySizes) sources.set(id, sourceGrid(this.sheet(id), part));
      }
    };
    take(sizes, true);
    take(cells, false);
    blocks.forEach((block) => grid.blocks.add(block));
    grid.layOut();
    await this.loadOwnSources(grid);
    this.grids.set(sheetId, grid);
    this.sources = sources;
    return grid;
  }

  /** Blocks of the same tab that its charts draw but the window did not bring. */
  async loadOwnSources(grid) {
    const own = chartRanges(grid.sheet)
      .filter((range) => (range.sheetId ?? 0) === idOf(grid.sheet));
    for (const range of own) {
      const area = areaOfGridRange(range, grid.rowCount, grid.columnCount);
      await this.loadRows(grid, area.r0, Math.min(area.r1, area.r0 + 2000));
    }
  }

  /** A1 ranges on other tabs that a tab's charts draw, each once. */
  foreignRanges(sheet) {
    const out = new Set();
    for (const range of chartRanges(sheet)) {
      const from = this.sheet(range.sheetId ?? 0);
      if (!from || idOf(from) === idOf(sheet)) continue;
      const grid = from.properties.gridProperties ?? {};
      const area = areaOfGridRange(range, grid.rowCount ?? 0, grid.columnCount ?? 0);
      if (area.r1 >= area.r0 && area.c1 >= area.c0) {
        out.add(tabA1(from.properties.title, area));
      }
    }
    return [...out];
  }

  /** Reads the blocks that rows lie in and that are not here yet; true when something came. */
  async loadRows(grid, firstRow, lastRow) {
    const missing = blocksOf(grid, firstRow, lastRow).filter((block) => !grid.has(block));
    if (!missing.length) return false;
    missing.forEach((block) => grid.blocks.add(block));
    try {
      const answer = await api.getCells(
        this.id, missing.map((block) => blockRange(grid, block)), isPainted(grid.sheet),
      );
      for (const part of answer.sheets ?? []) for (const data of part.data ?? []) grid.take(data);
    } catch (error) {
      missing.forEach((block) => grid.blocks.delete(block));
      throw error;
    }
    grid.layOut();
    return true;
  }

  /** Rows of a column that show something, read from the file once for this drawing of the tab. */
  async filledRows(grid, column) {
    grid.filled ??= new Map();
    if (!grid.filled.has(column)) {
      const area = { r0: 0, c0: column, r1: grid.rowCount - 1, c1: column };
      const answer = await api.getValues(this.id, tabA1(grid.sheet.properties.title, area));
      const rows = new Set();
      (answer.values ?? []).forEach((row, r) => {
        if ((row[0] ?? '') !== '') rows.add(r);
      });
      grid.filled.set(column, rows);
    }
    return grid.filled.get(column);
  }

  /** The last row and column that show something, for a tab too long to be here whole. */
  async extent(grid) {
    if (!grid.extent) {
      const values = await this.shownValues(grid);
      let column = 0;
      for (const row of values) column = Math.max(column, row.length - 1);
      grid.extent = { row: Math.max(0, values.length - 1), column };
    }
    return grid.extent;
  }

  /** What every cell of a tab shows; ends without anything are cut off. */
  async shownValues(grid) {
    const area = { r0: 0, c0: 0, r1: grid.rowCount - 1, c1: Math.max(0, grid.columnCount - 1) };
    const answer = await api.getValues(this.id, tabA1(grid.sheet.properties.title, area));
    return answer.values ?? [];
  }

  /** The grid that holds the cells of a chart's source. */
  sourceOf(sheetId, current) {
    return idOf(current.sheet) === sheetId ? current : this.sources.get(sheetId);
  }
}

/** A tab's id; the API may leave out a zero. */
export const idOf = (sheet) => sheet.properties.sheetId ?? 0;

/** Whether a tab's cells may look other than their own formats say, or are few enough to ask. */
const isPainted = (sheet) => (sheet.properties.gridProperties?.rowCount ?? 0) < MANY_ROWS
  || [sheet.conditionalFormats, sheet.bandedRanges, sheet.tables].some((list) => list?.length);

function sourceGrid(sheet, part) {
  const grid = new Grid(sheet);
  for (const data of part.data ?? []) grid.take(data);
  return grid;
}

function blocksOf(grid, firstRow, lastRow) {
  const out = new Set([...Array(Math.ceil(grid.frozenRows / BLOCK)).keys()]);
  const last = Math.min(Math.max(lastRow, firstRow), Math.max(0, grid.rowCount - 1));
  for (let block = Math.floor(Math.max(0, firstRow) / BLOCK); block * BLOCK <= last; block += 1) {
    out.add(block);
  }
  return [...out].filter((block) => block * BLOCK < grid.rowCount);
}

function blockRange(grid, block) {
  const last = Math.min((block + 1) * BLOCK, grid.rowCount) - 1;
  const end = a1(last, Math.max(0, grid.columnCount - 1));
  return `${quoteTitle(grid.sheet.properties.title)}!${a1(block * BLOCK, 0)}:${end}`;
}
