// What a person does with charts: choosing, moving by pointer or arrows, taking away.

import { Grid } from './book.js';
import { requestsStep } from './history.js';
import { openMenu } from './menus.js';
import { say } from './words.js';

/** How far an arrow key moves a chart, pixels. */
const STEP = 8;
/** A press that moves less than this is a click, pixels. */
const CLICK = 4;
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** Charts of the open tab, for some hands. */
export class Drawings {
  constructor(hands) {
    this.hands = hands;
    this.painter = hands.painter;
    const { scroller } = hands;
    scroller.addEventListener('contextmenu', (event) => {
      const chart = this.of(event);
      if (!chart) return;
      event.preventDefault();
      this.menu(chart, event.clientX, event.clientY);
    });
    scroller.addEventListener('pointerdown', (event) => this.onDown(event));
    scroller.addEventListener('keydown', (event) => this.onKey(event));
  }

  of(event) {
    const key = event.target.closest?.('.chart')?.dataset.chartId;
    return (this.painter.grid?.sheet.charts ?? []).find((one) => String(one.chartId) === key);
  }

  menu(chart, x, y) {
    openMenu([
      { label: say('deleteChart'), mark: 'Delete', data: 'delete-chart', act: () => this.remove(chart) },
    ], { x, y, back: this.hands.scroller, label: say('chart') });
  }

  remove(chart) {
    this.hands.scroller.focus({ preventScroll: true });
    return this.hands.commands.removeChart(chart);
  }

  onKey(event) {
    const chart = this.of(event);
    if (!chart) return;
    const node = event.target.closest('.chart');
    const all = [...this.hands.scroller.querySelectorAll('.chart')];
    const by = ARROWS[event.key];
    if (by) this.move(chart, by[0] * STEP, by[1] * STEP);
    else if (event.key === 'Tab') all[(all.indexOf(node) + (event.shiftKey ? -1 : 1) + all.length) % all.length].focus();
    else if (event.key === 'Delete' || event.key === 'Backspace') this.remove(chart);
    else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      const box = node.getBoundingClientRect();
      this.menu(chart, box.left + 20, box.top + 20);
    } else if (event.key === 'Escape') this.hands.scroller.focus({ preventScroll: true });
    else return;
    event.preventDefault();
  }

  onDown(event) {
    const chart = this.of(event);
    if (!chart || event.button !== 0 || event.pointerType === 'touch') return;
    event.preventDefault();
    const node = event.target.closest('.chart');
    this.hands.editor.commit();
    node.focus({ preventScroll: true });
    const from = { x: event.clientX, y: event.clientY };
    let [dx, dy] = [0, 0];
    const move = (moved) => {
      [dx, dy] = [moved.clientX - from.x, moved.clientY - from.y];
      if (Math.hypot(dx, dy) >= CLICK) node.style.translate = `${dx}px ${dy}px`;
    };
    const up = () => {
      document.removeEventListener('pointermove', move);
      document.removeEventListener('pointerup', up);
      if (Math.hypot(dx, dy) >= CLICK) this.move(chart, dx, dy);
    };
    document.addEventListener('pointermove', move);
    document.addEventListener('pointerup', up);
  }

  /** Moves a chart by pixels: it is anchored at the cell under its corner then. */
  async move(chart, dx, dy) {
    const { grid } = this.painter;
    const at = chart.position?.overlayPosition;
    if (!at) return;
    const { sheetId = 0, rowIndex = 0, columnIndex = 0 } = at.anchorCell ?? {};
    const x = Math.max(0, grid.x[columnIndex] + (at.offsetXPixels ?? 0) + dx);
    const y = Math.max(0, grid.y[rowIndex] + (at.offsetYPixels ?? 0) + dy);
    const [column, row] = [Grid.find(grid.x, x), Grid.find(grid.y, y)];
    const to = {
      anchorCell: { sheetId, rowIndex: row, columnIndex: column },
      offsetXPixels: Math.round(x - grid.x[column]), offsetYPixels: Math.round(y - grid.y[row]),
    };
    const place = (overlayPosition) => [{ updateEmbeddedObjectPosition: {
      objectId: chart.chartId, newPosition: { overlayPosition },
      fields: 'anchorCell,offsetXPixels,offsetYPixels',
    } }];
    const { desk } = this.hands;
    await desk.history.perform(requestsStep(desk, this.hands.sheetId, undefined, place(to), place({
      anchorCell: { sheetId, rowIndex, columnIndex },
      offsetXPixels: at.offsetXPixels ?? 0, offsetYPixels: at.offsetYPixels ?? 0,
    })));
    // Drawn anew it is another node: the keyboard stays with the chart.
    if (document.activeElement === document.body) {
      this.hands.scroller.querySelector(`.chart[data-chart-id="${chart.chartId}"]`)?.focus({ preventScroll: true });
    }
  }
}
