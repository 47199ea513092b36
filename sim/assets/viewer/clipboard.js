// Copy, cut, paste and fill: blocks as tab-separated text outside, as cells with formulas inside.

import * as api from './api.js';
import { parseTsv, separators, tabA1, toTsv } from './base.js';
import { cellsStep, moveStep } from './history.js';

/** Cells that one paste may bring. */
const MOST_CELLS = 1_000_000;

const gridRange = (sheetId, area) => ({
  sheetId, startRowIndex: area.r0, endRowIndex: area.r1 + 1,
  startColumnIndex: area.c0, endColumnIndex: area.c1 + 1,
});
const heightOf = (area) => area.r1 - area.r0 + 1;
const widthOf = (area) => area.c1 - area.c0 + 1;

/** The clipboard of some hands; `held` is the block that was copied or cut here last. */
export class Clipboard {
  constructor(hands) {
    this.hands = hands;
    this.desk = hands.desk;
    this.held = null;
    this.plain = false;
    const { scroller } = hands;
    scroller.addEventListener('copy', (event) => this.onCopy(event));
    scroller.addEventListener('cut', (event) => this.onCopy(event, true));
    scroller.addEventListener('paste', (event) => this.onPaste(event));
  }

  /** The selected block as text, or null while some of its rows are not here. */
  textHere(area) {
    const { grid } = this.hands;
    if (!grid.hasRows(area.r0, area.r1)) return null;
    const rows = [];
    for (let r = area.r0; r <= area.r1; r += 1) {
      const row = [];
      for (let c = area.c0; c <= area.c1; c += 1) row.push(grid.cell(r, c)?.formattedValue ?? '');
      rows.push(row);
    }
    return toTsv(rows);
  }

  /** The same from the file; Google cuts empty ends off, a block keeps its shape. */
  async textFromFile(area) {
    const answer = await api.getValues(this.desk.id, tabA1(this.desk.title, area));
    const rows = Array.from({ length: heightOf(area) }, (_, i) =>
      Array.from({ length: widthOf(area) }, (_, j) => answer.values?.[i]?.[j] ?? ''));
    return toTsv(rows);
  }

  onCopy(event, cut = false) {
    if (this.hands.editor.now) return;
    event.preventDefault();
    const text = this.textHere(this.hands.area);
    if (text === null) {
      this.copyOut(cut);
      return;
    }
    event.clipboardData.setData('text/plain', text);
    this.hold(text, cut);
  }

  /** Copies from a menu, or rows that have to be read first. */
  async copyOut(cut = false) {
    const { area } = this.hands;
    const text = this.textHere(area) ?? this.textFromFile(area);
    this.hold(text, cut);
    try {
      const blob = Promise.resolve(text).then((it) => new Blob([it], { type: 'text/plain' }));
      await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
    } catch {
      // The browser keeps its clipboard to itself; pasting within this page works all the same.
    }
    const held = this.held;
    if (held) held.text = await text;
  }

  hold(text, cut) {
    this.held = { text, cut, sheetId: this.hands.sheetId, area: { ...this.hands.area } };
    this.hands.mark();
  }

  /** Forgets what was copied; the dashed frame goes. */
  drop() {
    const had = this.held !== null;
    this.held = null;
    this.hands.mark();
    return had;
  }

  onPaste(event) {
    if (this.hands.editor.now) return;
    event.preventDefault();
    const plain = this.plain;
    this.plain = false;
    this.paste(event.clipboardData.getData('text/plain'), plain);
  }

  /** Pastes from a menu: asks the browser, else takes what this page holds. */
  async pasteIn(plain = false) {
    let text = this.held?.text ?? '';
    try {
      text = await navigator.clipboard.readText();
    } catch {
      // Not allowed: what was copied on this page is pasted.
    }
    await this.paste(text, plain);
  }

  async paste(text, plain) {
    const { held } = this;
    const own = held && this.desk.book.sheet(held.sheetId)
      && (text === '' || text.replace(/\r/g, '') === await held.text);
    if (own) await this.pasteBlock(held, plain);
    else if (text !== '') await this.pasteText(text);
  }

  /** Where a block of a size goes: the selection if it is a multiple of it, else the block's size. */
  target(height, width) {
    const { area } = this.hands;
    const times = heightOf(area) % height === 0 && widthOf(area) % width === 0;
    if (times) return area;
    return { r0: area.r0, c0: area.c0, r1: area.r0 + height - 1, c1: area.c0 + width - 1 };
  }

  /** Adds the lines that a block needs beyond the grid's end. */
  async makeRoom(area) {
    const { grid, sheetId } = this.hands;
    const rows = area.r1 + 1 - grid.rowCount;
    const columns = area.c1 + 1 - grid.columnCount;
    const requests = [['ROWS', rows], ['COLUMNS', columns]].filter(([, length]) => length > 0)
      .map(([dimension, length]) => ({ appendDimension: { sheetId, dimension, length } }));
    return requests.length === 0 || await this.desk.structure(requests) !== null;
  }

  async pasteBlock(held, plain) {
    const to = held.cut
      ? { r0: this.hands.active.row, c0: this.hands.active.column,
        r1: this.hands.active.row + heightOf(held.area) - 1,
        c1: this.hands.active.column + widthOf(held.area) - 1 }
      : this.target(heightOf(held.area), widthOf(held.area));
    if (!await this.makeRoom(to)) return;
    const { sheetId } = this.hands;
    this.hands.selectArea(to);
    if (held.cut) {
      this.drop();
      await this.desk.history.perform(moveStep(this.desk, held, { sheetId, area: to }));
      return;
    }
    await this.desk.history.perform(cellsStep(this.desk, sheetId, to, () => api.change(this.desk.id, [
      { copyPaste: {
        source: gridRange(held.sheetId, held.area), destination: gridRange(sheetId, to),
        pasteType: plain ? 'PASTE_VALUES' : 'PASTE_NORMAL',
      } },
    ])));
  }

  async pasteText(text) {
    const { group } = separators(this.desk.book.locale);
    const rows = parseTsv(text).map((line) => line.map((part) => (
      /^[-−]?\d[\d\s.,]*%?$/.test(part) ? part.replaceAll(group, '').replace('−', '-') : part)));
    const width = Math.max(...rows.map((row) => row.length));
    if (rows.length * width > MOST_CELLS) return;
    const { row, column } = this.hands.active;
    const single = rows.length === 1 && width === 1 && this.hands.many;
    const area = single ? this.hands.area
      : { r0: row, c0: column, r1: row + rows.length - 1, c1: column + width - 1 };
    const fitted = Array.from({ length: heightOf(area) }, (_, i) =>
      Array.from({ length: widthOf(area) }, (_, j) => (single ? rows[0][0] : rows[i][j] ?? '')));
    if (!await this.makeRoom(area)) return;
    this.hands.selectArea(area);
    await this.hands.write(area, fitted);
  }

  /** Ctrl+D and Ctrl+R: the first row or column of the selection, or the one before a single cell. */
  fill(direction) {
    const area = { ...this.hands.area };
    const down = direction === 'down';
    if (down ? area.r0 === area.r1 : area.c0 === area.c1) {
      if (down && area.r0 > 0) area.r0 -= 1;
      else if (!down && area.c0 > 0) area.c0 -= 1;
      else return;
    }
    const source = down ? { ...area, r1: area.r0 } : { ...area, c1: area.c0 };
    const target = down ? { ...area, r0: area.r0 + 1 } : { ...area, c0: area.c0 + 1 };
    this.copyInto(source, target);
  }

  copyInto(source, target) {
    const { sheetId } = this.hands;
    return this.desk.history.perform(cellsStep(this.desk, sheetId, target, () => api.change(
      this.desk.id, [{ copyPaste: {
        source: gridRange(sheetId, source), destination: gridRange(sheetId, target), pasteType: 'PASTE_NORMAL',
      } }])));
  }

  /** Continues the series of a block over a larger area that begins or ends with it. */
  series(source, whole) {
    const { sheetId } = this.hands;
    this.hands.selectArea(whole);
    return this.desk.history.perform(cellsStep(this.desk, sheetId, whole, () => api.change(
      this.desk.id, [{ autoFill: {
        useAlternateSeries: false, sourceAndDestination: seriesOf(gridRange(sheetId, source), source, whole),
      } }])));
  }

  /** Types a text into the active cell and gives it to all others of the selection. */
  typeEverywhere(area, text) {
    const { sheetId, active } = this.hands;
    const first = { r0: active.row, r1: active.row, c0: active.column, c1: active.column };
    const title = this.desk.title;
    return this.desk.history.perform(cellsStep(this.desk, sheetId, area, async () => {
      await api.typeValues(this.desk.id, tabA1(title, first), [[text]]);
      return api.change(this.desk.id, [{ copyPaste: {
        source: gridRange(sheetId, first), destination: gridRange(sheetId, area), pasteType: 'PASTE_FORMULA',
      } }]);
    }));
  }
}

function seriesOf(source, from, whole) {
  const down = whole.r1 - from.r1;
  const up = from.r0 - whole.r0;
  const right = whole.c1 - from.c1;
  const left = from.c0 - whole.c0;
  if (down || up) return { source, dimension: 'ROWS', fillLength: down || -up };
  return { source, dimension: 'COLUMNS', fillLength: right || -left };
}
