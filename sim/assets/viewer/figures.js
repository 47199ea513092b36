// The line at the foot: sum, average, count, least and greatest of what is selected.

import * as api from './api.js';
import { formatOf, intlTag, isBlank, tabA1 } from './base.js';
import { say } from './words.js';

/** Rows that are not on the page are read only when the selection rests this long, milliseconds. */
const REST_MS = 200;

/** Figures of a selection. */
export class Figures {
  constructor(hands) {
    this.hands = hands;
    this.node = document.getElementById('stats');
    this.timer = 0;
    this.shown = '';
  }

  show(area) {
    const { grid } = this.hands;
    clearTimeout(this.timer);
    if (grid.hasRows(area.r0, area.r1)) {
      this.tell(this.countHere(area));
      return;
    }
    this.tell(null);
    this.timer = setTimeout(() => this.countInFile(grid, area), REST_MS);
  }

  countHere(area) {
    const { grid } = this.hands;
    const found = new Sums();
    for (let r = area.r0; r <= area.r1; r += 1) {
      const cells = grid.rows.get(r);
      if (!cells || !grid.height(r)) continue;
      for (let c = area.c0; c <= area.c1; c += 1) {
        const cell = cells[c];
        if (isBlank(cell)) continue;
        found.format ??= cell.effectiveValue?.numberValue === undefined ? undefined : formatOf(cell).numberFormat;
        found.take(cell.effectiveValue?.numberValue);
      }
    }
    return found;
  }

  /** Values of the whole selection, when the page holds only a part of its rows. */
  async countInFile(grid, area) {
    const { desk } = this.hands;
    const found = new Sums();
    const first = grid.rows.get(area.r0 + 1)?.[area.c0] ?? grid.rows.get(area.r0)?.[area.c0];
    found.format = formatOf(first).numberFormat;
    try {
      const answer = await api.getRaw(desk.id, tabA1(desk.title, area));
      for (const row of answer.values ?? []) {
        for (const value of row) if (value !== '') found.take(typeof value === 'number' ? value : undefined);
      }
    } catch {
      return; // The figures are a help; the page tells when the simulator is away.
    }
    if (this.hands.grid === grid && this.hands.isArea(area)) this.tell(found);
  }

  tell(found) {
    let text = '';
    if (found === null) text = '…';
    else if (found.filled > 1) {
      const percent = found.format?.type === 'PERCENT';
      const write = (number) => (percent ? number * 100 : number).toLocaleString(
        intlTag(this.hands.desk.book.locale), { maximumFractionDigits: 2 },
      ) + (percent ? ' %' : '');
      const parts = found.numbers > 1
        ? [['sum', write(found.sum)], ['average', write(found.sum / found.numbers)],
          ['least', write(found.least)], ['greatest', write(found.greatest)]] : [];
      parts.push(['count', found.filled.toLocaleString(intlTag(this.hands.desk.book.locale))]);
      text = parts.map(([key, value]) => `${say(key)}: ${value}`).join('   ');
    }
    if (text === this.shown) return;
    this.shown = text;
    this.node.textContent = text;
  }
}

/** Running figures. */
class Sums {
  sum = 0;
  numbers = 0;
  filled = 0;
  least = Infinity;
  greatest = -Infinity;

  take(number) {
    this.filled += 1;
    if (number === undefined) return;
    this.numbers += 1;
    this.sum += number;
    this.least = Math.min(this.least, number);
    this.greatest = Math.max(this.greatest, number);
  }
}
