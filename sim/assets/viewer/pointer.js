// The pointer in the grid: selecting, dragging, sizes of lines, boxes and lists, the fill handle.

import { parseA1 } from './base.js';

/** How near the edge a drag begins to scroll, and how far it scrolls a frame, pixels. */
const EDGE = 24;
const SCROLL_STEP = 18;
const LEAST_SIZE = 8;

/** Follows moves until the button is released. */
function follow(move, up) {
  const end = (event) => {
    document.removeEventListener('pointermove', move);
    document.removeEventListener('pointerup', end);
    document.removeEventListener('pointercancel', end);
    up?.(event);
  };
  document.addEventListener('pointermove', move);
  document.addEventListener('pointerup', end);
  document.addEventListener('pointercancel', end);
}

/** What the pointer does for some hands. */
export class Pointer {
  constructor(hands) {
    this.hands = hands;
    const { scroller } = hands;
    scroller.addEventListener('pointerdown', (event) => this.onDown(event));
    scroller.addEventListener('dblclick', (event) => this.onDouble(event));
    scroller.addEventListener('click', (event) => this.onClick(event));
  }

  get grid() {
    return this.hands.grid;
  }

  cellAt(x, y) {
    const node = document.elementFromPoint(x, y)?.closest?.('[data-a1]');
    const area = node && this.hands.scroller.contains(node) ? parseA1(node.dataset.a1) : null;
    return area && { row: area.r0, column: area.c0 };
  }

  onDown(event) {
    if (event.target.closest('.editor, .chart, .checkbox, .dropdown, a.link')) return;
    const { hands } = this;
    const head = event.target.closest('.head');
    if (event.target.closest('.resize')) {
      this.resize(event, head.dataset.head, Number(head.dataset.at));
      return;
    }
    if (event.target.closest('.fill-handle')) {
      this.dragFill(event);
      return;
    }
    const cell = head ? null : this.cellAt(event.clientX, event.clientY);
    if (cell && event.button === 0 && hands.editor.canPoint()) {
      event.preventDefault();
      hands.editor.pointAt(cell, cell);
      this.drag((to) => hands.editor.pointAt(cell, to));
      return;
    }
    hands.editor.commit();
    if (head) this.selectHead(event, head);
    else {
      if (!cell) return;
      const held = event.button === 2 && hands.holds(cell);
      if (!held) hands.select(event.shiftKey ? hands.anchor : cell, cell, { reveal: false });
      if (event.button === 0 && event.pointerType !== 'touch') {
        this.drag((to) => hands.select(hands.anchor, to, { reveal: false }));
      }
    }
    hands.scroller.focus({ preventScroll: true });
    if (event.pointerType !== 'touch') event.preventDefault();
  }

  /** Calls `reach` with each cell that a drag comes to; at the edge the grid scrolls on. */
  drag(reach, done) {
    let last = '';
    let place = null;
    let frame = 0;
    const look = () => {
      const cell = place && this.cellAt(place.x, place.y);
      if (!cell || `${cell.row}:${cell.column}` === last) return;
      last = `${cell.row}:${cell.column}`;
      reach(cell);
    };
    const scroll = () => {
      const box = this.hands.scroller.getBoundingClientRect();
      const along = (at, from, to) => (at < from + EDGE ? -SCROLL_STEP : at > to - EDGE ? SCROLL_STEP : 0);
      const outside = place.y > box.bottom - EDGE || place.x > box.right - EDGE
        || place.y < box.top || place.x < box.left;
      if (outside) {
        this.hands.scroller.scrollBy(along(place.x, box.left - EDGE, box.right), along(place.y, box.top - EDGE, box.bottom));
        place = {
          x: Math.max(box.left + EDGE * 2, Math.min(place.x, box.right - EDGE - 1)),
          y: Math.max(box.top + EDGE * 2, Math.min(place.y, box.bottom - EDGE - 1)), held: place,
        };
        look();
        place = place.held;
      }
      frame = requestAnimationFrame(scroll);
    };
    follow((event) => {
      place = { x: event.clientX, y: event.clientY };
      if (!frame) frame = requestAnimationFrame(scroll);
      look();
    }, () => {
      cancelAnimationFrame(frame);
      done?.();
    });
  }

  selectHead(event, head) {
    const { hands } = this;
    const at = Number(head.dataset.at);
    const { rowCount, columnCount } = this.grid;
    if (head.dataset.head === 'all') {
      hands.selectAll();
      return;
    }
    const row = head.dataset.head === 'row';
    const { area } = hands;
    const whole = row ? area.c0 === 0 && area.c1 === columnCount - 1 : area.r0 === 0 && area.r1 === rowCount - 1;
    const held = whole && (row ? at >= area.r0 && at <= area.r1 : at >= area.c0 && at <= area.c1);
    if (event.button === 2 && held) return;
    const from = event.shiftKey && whole ? (row ? hands.anchor.row : hands.anchor.column) : at;
    const reach = (to) => {
      hands.select(row ? { row: from, column: 0 } : { row: 0, column: from },
        row ? { row: to, column: columnCount - 1 } : { row: rowCount - 1, column: to }, { reveal: false });
    };
    reach(at);
    if (event.button !== 0) return;
    follow((moved) => {
      const other = document.elementFromPoint(moved.clientX, moved.clientY)?.closest?.(`.head[data-head="${head.dataset.head}"]`);
      if (other) reach(Number(other.dataset.at));
    });
  }

  /** Drags the edge of a heading; every selected line takes the size. */
  resize(event, kind, at) {
    event.preventDefault();
    const row = kind === 'row';
    const metas = row ? this.grid.rowMeta : this.grid.columnMeta;
    const from = row ? event.clientY : event.clientX;
    const before = row ? this.grid.height(at) : this.grid.width(at);
    const own = metas[at];
    let size = before;
    follow((moved) => {
      size = Math.max(LEAST_SIZE, Math.round(before + (row ? moved.clientY : moved.clientX) - from));
      metas[at] = { ...own, pixelSize: size };
      this.grid.layOut();
      this.hands.painter.show(this.grid);
    }, () => {
      metas[at] = own;
      if (size === before) return;
      const [first, last] = this.linesOf(kind, at);
      this.hands.commands.sizes(row ? 'ROWS' : 'COLUMNS', first, last, { pixelSize: size });
    });
  }

  /** The whole selected lines that hold one, or that one alone. */
  linesOf(kind, at) {
    const { area } = this.hands;
    const [first, last] = kind === 'row' ? [area.r0, area.r1] : [area.c0, area.c1];
    return this.hands.wholeLines() === kind && at >= first && at <= last ? [first, last] : [at, at];
  }

  /** Drags the small square of the selection: the series goes on over the cells passed. */
  dragFill(event) {
    event.preventDefault();
    const { hands } = this;
    const source = { ...hands.area };
    let whole = source;
    this.drag((cell) => {
      const below = Math.max(0, cell.row - source.r1, source.r0 - cell.row);
      const beside = Math.max(0, cell.column - source.c1, source.c0 - cell.column);
      whole = below >= beside
        ? { ...source, r0: Math.min(source.r0, cell.row), r1: Math.max(source.r1, cell.row) }
        : { ...source, c0: Math.min(source.c0, cell.column), c1: Math.max(source.c1, cell.column) };
      hands.selectArea(whole);
    }, () => {
      const grown = whole.r0 !== source.r0 || whole.r1 !== source.r1 || whole.c0 !== source.c0 || whole.c1 !== source.c1;
      if (grown) hands.clipboard.series(source, whole);
    });
  }

  onDouble(event) {
    if (event.target.closest('.chart, .editor, .checkbox')) return;
    const head = event.target.closest('.head');
    if (event.target.closest('.resize')) {
      const [first, last] = this.linesOf(head.dataset.head, Number(head.dataset.at));
      this.hands.commands.fit(head.dataset.head === 'row' ? 'ROWS' : 'COLUMNS', first, last);
    } else if (!head && event.target.closest('[data-a1]')) this.hands.editor.edit();
  }

  onClick(event) {
    const { hands } = this;
    const box = event.target.closest('.checkbox');
    const drop = event.target.closest('.dropdown');
    const link = event.target.closest('a.link');
    const area = parseA1(event.target.closest('[data-a1]')?.dataset.a1 ?? '');
    const cell = area && { row: area.r0, column: area.c0 };
    if (box && cell) {
      hands.editor.commit();
      hands.select(cell, cell, { reveal: false });
      hands.tick();
    } else if (drop && cell) {
      hands.editor.commit();
      hands.select(cell, cell, { reveal: false });
      hands.openDropdown(cell);
      return;
    } else if (link) {
      const tab = /[#&?]gid=(\d+)/.exec(link.getAttribute('href'))?.[1];
      if (tab !== undefined && link.getAttribute('href').startsWith('#')) {
        event.preventDefault();
        hands.desk.showTab(Number(tab));
      }
      return;
    } else return;
    hands.scroller.focus({ preventScroll: true });
  }
}
