// Undo and redo: steps that know how to go forward and back, cells and structure alike.

import * as api from './api.js';
import { idOf } from './book.js';
import { tabA1 } from './base.js';
import { difference, survey } from './survey.js';

/** Steps that are kept. */
const DEPTH = 100;

/** What of a cell a person put there, and what an undone edit therefore brings back. */
const FACETS = 'userEnteredValue,userEnteredFormat,note,dataValidation,textFormatRuns';
const FACET_NAMES = FACETS.split(',');

const facetsOf = (cell) => Object.fromEntries(FACET_NAMES
  .filter((name) => cell?.[name] !== undefined).map((name) => [name, cell[name]]));

/** What was done and what was taken back, in order. */
export class History {
  /** `desk` gives run(task, {write}) and arrive(step); `changed` hears that a step came or went. */
  constructor(desk, changed) {
    this.desk = desk;
    this.changed = changed;
    this.done = [];
    this.undone = [];
  }

  /** Does a step {sheetId, area, forward, backward}; only one that succeeded can be undone. */
  perform(step) {
    return this.desk.run(async () => {
      const answer = await step.forward();
      this.done.push(step);
      if (this.done.length > DEPTH) this.done.shift();
      this.undone = [];
      this.changed();
      return answer ?? {};
    }, { write: true });
  }

  undo() {
    return this.travel('done', 'undone', 'backward');
  }

  redo() {
    return this.travel('undone', 'done', 'forward');
  }

  async travel(from, to, way) {
    if (!this[from].length) return;
    const step = await this.desk.run(async () => {
      const last = this[from].pop();
      this.changed();
      if (!last) return null;
      await last[way]();
      this[to].push(last);
      this.changed();
      return last;
    }, { write: true });
    if (step) await this.desk.arrive(step);
  }

  /** Drops everything: somebody else moved rows or tabs, so the addresses mean something else. */
  forget() {
    this.done = [];
    this.undone = [];
    this.changed();
  }
}

const titleOf = (desk, sheetId) => desk.book.sheet(sheetId)?.properties.title ?? '';

/** What people put into an area: from the page when all of it is here, else from the file. */
export async function enteredIn(desk, sheetId, area) {
  const grid = desk.book.grids.get(sheetId);
  const rows = [];
  let at = (r, c) => grid.cell(r, c);
  if (!grid || grid !== desk.grid || !grid.hasRows(area.r0, area.r1)) {
    const answer = await api.getFacets(desk.id, tabA1(titleOf(desk, sheetId), area), FACETS);
    const data = answer.sheets?.[0]?.data?.[0] ?? {};
    at = (r, c) => data.rowData?.[r - area.r0]?.values?.[c - area.c0];
  }
  for (let r = area.r0; r <= area.r1; r += 1) {
    const row = [];
    for (let c = area.c0; c <= area.c1; c += 1) row.push(facetsOf(at(r, c)));
    rows.push(row);
  }
  return rows;
}

const putBack = (sheetId, area, cells) => ({ updateCells: {
  start: { sheetId, rowIndex: area.r0, columnIndex: area.c0 },
  rows: cells.map((values) => ({ values })), fields: FACETS,
} });

/** A change of the cells of an area that `write` makes; whole cells can be brought back. */
export function cellsStep(desk, sheetId, area, write) {
  let before;
  let after;
  return {
    sheetId, area,
    forward: async () => {
      if (after) return api.change(desk.id, [putBack(sheetId, area, after)]);
      before = await enteredIn(desk, sheetId, area);
      return write();
    },
    backward: async () => {
      after = await enteredIn(desk, sheetId, area);
      return api.change(desk.id, [putBack(sheetId, area, before)]);
    },
  };
}

/** Requests and the requests that take them back. */
export const requestsStep = (desk, sheetId, area, there, back) => ({
  sheetId, area,
  forward: () => api.change(desk.id, there),
  backward: () => api.change(desk.id, back),
});

/** A block moved elsewhere: formulas follow it there and back again. */
export function moveStep(desk, from, to) {
  const rangeOf = ({ sheetId, area }) => ({ sheetId, startRowIndex: area.r0, endRowIndex: area.r1 + 1,
    startColumnIndex: area.c0, endColumnIndex: area.c1 + 1 });
  const cut = (source, target) => ({ cutPaste: {
    source: rangeOf(source), pasteType: 'PASTE_NORMAL',
    destination: { sheetId: target.sheetId, rowIndex: target.area.r0, columnIndex: target.area.c0 },
  } });
  let covered;
  return {
    sheetId: to.sheetId, area: to.area,
    forward: async () => {
      covered = await enteredIn(desk, to.sheetId, to.area);
      return api.change(desk.id, [cut(from, to)]);
    },
    backward: () => {
      const back = [cut(to, from)];
      const same = from.sheetId === to.sheetId;
      // Where both blocks overlap the moved cells are back in their places already.
      covered.forEach((row, i) => row.forEach((cell, j) => {
        const r = to.area.r0 + i;
        const c = to.area.c0 + j;
        const own = from.area;
        if (same && r >= own.r0 && r <= own.r1 && c >= own.c0 && c <= own.c1) return;
        if (Object.keys(cell).length) back.push(putBack(to.sheetId, { r0: r, c0: c }, [[cell]]));
      }));
      return api.change(desk.id, back);
    },
  };
}

/** The sizes of lines as requests, equal neighbours together. */
function sizeRequests(sheetId, dimension, first, metas) {
  const out = [];
  let from = 0;
  const print = (meta) => JSON.stringify([meta?.pixelSize, Boolean(meta?.hiddenByUser)]);
  for (let i = 1; i <= metas.length; i += 1) {
    if (i < metas.length && print(metas[i]) === print(metas[from])) continue;
    const { pixelSize, hiddenByUser = false } = metas[from] ?? {};
    if (pixelSize !== undefined) {
      out.push({ updateDimensionProperties: {
        range: { sheetId, dimension, startIndex: first + from, endIndex: first + i },
        properties: { pixelSize, hiddenByUser }, fields: 'pixelSize,hiddenByUser',
      } });
    }
    from = i;
  }
  return out;
}

/** Sets sizes or hides lines; back come those they had. */
export function sizesStep(desk, sheetId, dimension, from, to, properties) {
  const { grid } = desk;
  const metas = dimension === 'ROWS' ? grid.rowMeta : grid.columnMeta;
  const before = Array.from({ length: to - from + 1 }, (_, i) => ({ ...metas[from + i] }));
  return requestsStep(desk, sheetId, undefined, [{ updateDimensionProperties: {
    range: { sheetId, dimension, startIndex: from, endIndex: to + 1 }, properties,
    fields: Object.keys(properties).join(','),
  } }], sizeRequests(sheetId, dimension, from, before));
}

/** Sizes of the lines that an area lies in: only of those that go are they asked. */
async function metasOf(desk, sheetId, dimension, area) {
  const asked = { ...area };
  if (dimension === 'ROWS') asked.c1 = asked.c0;
  if (dimension === 'COLUMNS') asked.r1 = asked.r0;
  const answer = await api.getSizes(desk.id, [tabA1(titleOf(desk, sheetId), asked)]);
  const data = answer.sheets?.[0]?.data?.[0] ?? {};
  return { ROWS: data.rowMetadata ?? [], COLUMNS: data.columnMetadata ?? [] };
}

/** Deletes lines or (without `dimension`) the whole tab; back comes all that went with them. */
export function deletionStep(desk, sheetId, dimension, from, to) {
  let kept;
  const gone = () => (dimension
    ? { deleteDimension: { range: { sheetId, dimension, startIndex: from, endIndex: to + 1 } } }
    : { deleteSheet: { sheetId } });
  return {
    sheetId, area: undefined,
    forward: async () => {
      const before = await survey(desk.id);
      const { properties } = before.meta.sheets.find((sheet) => idOf(sheet) === sheetId);
      const grid = properties.gridProperties ?? {};
      const area = { r0: 0, c0: 0, r1: (grid.rowCount ?? 1) - 1, c1: (grid.columnCount ?? 1) - 1 };
      if (dimension === 'ROWS') [area.r0, area.r1] = [from, to];
      if (dimension === 'COLUMNS') [area.c0, area.c1] = [from, to];
      const [cells, metas] = await Promise.all([
        enteredIn(desk, sheetId, area), metasOf(desk, sheetId, dimension, area),
      ]);
      kept = { before, properties, area, cells, metas };
      return api.change(desk.id, [gone()]);
    },
    backward: async () => {
      const { before, properties, area, cells, metas } = kept;
      const first = [dimension
        ? { insertDimension: {
          range: { sheetId, dimension, startIndex: from, endIndex: to + 1 }, inheritFromBefore: false,
        } }
        : { addSheet: { properties } }];
      if (dimension !== 'COLUMNS') first.push(...sizeRequests(sheetId, 'ROWS', area.r0, metas.ROWS));
      if (dimension !== 'ROWS') first.push(...sizeRequests(sheetId, 'COLUMNS', area.c0, metas.COLUMNS));
      first.push(putBack(sheetId, area, cells));
      await api.change(desk.id, first);
      const rest = difference(before, await survey(desk.id, before));
      if (rest.length) await api.change(desk.id, rest);
      return {};
    },
  };
}
