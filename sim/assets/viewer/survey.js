// What a file holds besides its values, and the requests that bring a lost part of it back.

import * as api from './api.js';
import { quoteTitle, tabA1 } from './base.js';

const idOf = (sheet) => sheet.properties.sheetId ?? 0;
const print = (thing) => JSON.stringify(thing ?? null);

/** Ranges of one request at most: more are taken together, so that the address stays short. */
const MOST_RANGES = 40;

/**
 * Reads structure and formulas of a file: all of them, or only where an earlier survey saw some,
 * which is all that a difference to it asks for.
 */
export async function survey(id, earlier) {
  const meta = await api.getObjects(id);
  const sheets = (meta.sheets ?? []).filter((sheet) => sheet.properties.gridProperties);
  const wanted = earlier ? formulaAreas(earlier.formulas, sheets)
    : sheets.map((sheet) => ({ sheet, range: quoteTitle(sheet.properties.title), r0: 0, c0: 0 }));
  const parts = wanted.length ? await api.getFormulas(id, wanted.map((one) => one.range)) : [];
  const formulas = new Map();
  // A text that only looks like a formula reads alike, but no change of structure changes it.
  parts.forEach((rows, i) => rows.forEach((row, r) => row.forEach((value, c) => {
    if (typeof value === 'string' && value.startsWith('=')) {
      const { sheet, r0, c0 } = wanted[i];
      formulas.set(`${idOf(sheet)}:${r0 + r}:${c0 + c}`, value);
    }
  })));
  return { meta, formulas };
}

/** Where formulas stood, as one area a column of a tab that is still there, or one a tab. */
function formulaAreas(formulas, sheets) {
  const columns = new Map();
  const tabs = new Map();
  const widen = (areas, key, sheetId, r, c) => {
    const area = areas.get(key) ?? { sheetId, r0: r, c0: c, r1: r, c1: c };
    area.r0 = Math.min(area.r0, r);
    area.r1 = Math.max(area.r1, r);
    area.c0 = Math.min(area.c0, c);
    area.c1 = Math.max(area.c1, c);
    areas.set(key, area);
  };
  for (const at of formulas.keys()) {
    const [sheetId, r, c] = at.split(':').map(Number);
    widen(columns, `${sheetId}:${c}`, sheetId, r, c);
    widen(tabs, sheetId, sheetId, r, c);
  }
  const known = new Map(sheets.map((sheet) => [idOf(sheet), sheet]));
  return [...(columns.size > MOST_RANGES ? tabs : columns).values()].flatMap((area) => {
    const sheet = known.get(area.sheetId);
    const { rowCount = 0, columnCount = 0 } = sheet?.properties.gridProperties ?? {};
    const here = { ...area, r1: Math.min(area.r1, rowCount - 1), c1: Math.min(area.c1, columnCount - 1) };
    if (here.r1 < here.r0 || here.c1 < here.c0) return [];
    return [{ sheet, range: tabA1(sheet.properties.title, here), r0: here.r0, c0: here.c0 }];
  });
}

/** Kinds of objects that a tab holds by id: how one is added and how it is made as it was. */
const KINDS = [
  {
    list: 'protectedRanges', id: 'protectedRangeId',
    add: (one) => [{ addProtectedRange: { protectedRange: one } }],
    update: (one) => [{ updateProtectedRange: { protectedRange: one, fields: 'range,unprotectedRanges' } }],
  },
  {
    list: 'charts', id: 'chartId',
    add: (one) => [{ addChart: { chart: one } }],
    update: (one) => [
      { updateChartSpec: { chartId: one.chartId, spec: one.spec } },
      { updateEmbeddedObjectPosition: { objectId: one.chartId, newPosition: one.position, fields: '*' } },
    ],
  },
  {
    list: 'bandedRanges', id: 'bandedRangeId',
    add: (one) => [{ addBanding: { bandedRange: one } }],
    update: (one) => [{ updateBanding: { bandedRange: one, fields: 'range' } }],
  },
  {
    list: 'filterViews', id: 'filterViewId',
    add: (one) => [{ addFilterView: { filter: one } }],
    update: (one) => [{ updateFilterView: { filter: one, fields: '*' } }],
  },
];

/** The requests that make what `now` shows what `before` showed; cells' values are not among them. */
export function difference(before, now) {
  const out = [];
  const left = new Map((now.meta.sheets ?? []).map((sheet) => [idOf(sheet), sheet]));
  for (const was of before.meta.sheets ?? []) {
    const is = left.get(idOf(was));
    if (is) out.push(...mergeRequests(was, is), ...ruleRequests(was, is), ...objectRequests(was, is));
  }
  out.push(...nameRequests(before.meta.namedRanges, now.meta.namedRanges));
  for (const [at, formula] of before.formulas) {
    if (now.formulas.get(at) === formula) continue;
    const [sheetId, rowIndex, columnIndex] = at.split(':').map(Number);
    if (!left.has(sheetId)) continue;
    out.push({ updateCells: {
      start: { sheetId, rowIndex, columnIndex }, fields: 'userEnteredValue',
      rows: [{ values: [{ userEnteredValue: { formulaValue: formula } }] }],
    } });
  }
  return out;
}

function mergeRequests(was, is) {
  const had = new Set((was.merges ?? []).map(print));
  const has = new Set((is.merges ?? []).map(print));
  return [
    ...(is.merges ?? []).filter((one) => !had.has(print(one))).map((range) => ({ unmergeCells: { range } })),
    ...(was.merges ?? []).filter((one) => !has.has(print(one)))
      .map((range) => ({ mergeCells: { range, mergeType: 'MERGE_ALL' } })),
  ];
}

function ruleRequests(was, is) {
  const out = [];
  if (print(was.conditionalFormats) !== print(is.conditionalFormats)) {
    const sheetId = idOf(was);
    (is.conditionalFormats ?? []).forEach(() => out.push({ deleteConditionalFormatRule: { sheetId, index: 0 } }));
    (was.conditionalFormats ?? []).forEach((rule, index) => out.push({ addConditionalFormatRule: { rule, index } }));
  }
  if (was.basicFilter && print(was.basicFilter) !== print(is.basicFilter)) {
    out.push({ setBasicFilter: { filter: was.basicFilter } });
  }
  return out;
}

function objectRequests(was, is) {
  const out = [];
  for (const kind of KINDS) {
    const has = new Map((is[kind.list] ?? []).map((one) => [one[kind.id], one]));
    for (const one of was[kind.list] ?? []) {
      const { requestingUserCanEdit, ...wanted } = one;
      const found = has.get(one[kind.id]);
      if (!found) out.push(...kind.add(wanted));
      else if (print(found) !== print(one)) out.push(...kind.update(wanted));
    }
  }
  return out;
}

function nameRequests(was = [], is = []) {
  const has = new Map(is.map((one) => [one.namedRangeId, one]));
  return was.flatMap((namedRange) => {
    const found = has.get(namedRange.namedRangeId);
    if (!found) return [{ addNamedRange: { namedRange } }];
    return print(found) === print(namedRange) ? []
      : [{ updateNamedRange: { namedRange, fields: 'range' } }];
  });
}
