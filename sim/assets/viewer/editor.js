// The editor of one cell, in the cell or in the formula bar, and pointing at cells from a formula.

import { a1, areaA1, formatOf, quoteTitle, references } from './base.js';
import { isCheckbox, isDropdown, make } from './paint.js';
import { fontOf, lineHeight, textWidth } from './text.js';

const WIDEST = 620;
/** After these signs a formula waits for an operand, so that a cell may be pointed at. */
const OPERAND_FOLLOWS = /[=(;,+\-*/^&<>:{]\s*$/;
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Opens over the active cell of some hands; `now` is the edit under way or null. */
export class Editor {
  constructor(hands) {
    this.hands = hands;
    this.desk = hands.desk;
    this.painter = hands.painter;
    this.bar = document.getElementById('formula');
    this.now = null;
    this.bar.addEventListener('focus', () => this.editInBar());
    this.bar.addEventListener('keydown', (event) => this.onBarKey(event));
    this.bar.addEventListener('blur', () => this.leaveBar());
    this.bar.addEventListener('input', () => this.typed(this.bar));
  }

  /** Opens the editor in the active cell; `text` replaces what is there. */
  edit(text) {
    const cell = this.hands.cellHere();
    if (isCheckbox(cell)) return;
    if (isDropdown(cell) && text === undefined) {
      this.hands.openDropdown(this.hands.active);
      return;
    }
    const given = text ?? this.hands.textOf(this.hands.active);
    this.open(given, { focus: true, typing: text !== undefined });
  }

  /** `typing`: arrows leave the cell, as after typing over it; otherwise they move the caret. */
  open(text, { focus, typing }) {
    if (this.now) return;
    const { hands } = this;
    const { row, column } = hands.active;
    this.painter.reveal(row, column);
    const node = make('textarea', 'editor');
    node.rows = 1;
    node.spellcheck = false;
    node.dataset.keep = '1';
    node.dataset.editing = a1(row, column);
    node.setAttribute('aria-label', a1(row, column));
    node.value = text;
    node.style.font = fontOf(formatOf(hands.cellHere()).textFormat);
    this.now = {
      node, row, column, before: hands.textOf(hands.active), sheetId: hands.sheetId,
      title: this.desk.title, inBar: !focus, typing, pointer: null,
    };
    this.place();
    node.addEventListener('keydown', (event) => this.onKey(event));
    node.addEventListener('input', () => this.typed(node));
    node.addEventListener('blur', () => {
      const own = this.now?.node === node && !this.now.inBar;
      if (own && document.activeElement !== this.bar) this.commit();
    });
    this.bar.value = text;
    if (focus) {
      node.focus({ preventScroll: true });
      node.setSelectionRange(text.length, text.length);
    }
    this.showReferences();
  }

  /** The field that has the caret. */
  get field() {
    return this.now.inBar ? this.bar : this.now.node;
  }

  typed(field) {
    if (!this.now) return;
    this.now.pointer = null;
    this.bar.value = field.value;
    this.now.node.value = field.value;
    this.size();
    this.showReferences();
  }

  /** Outlines the cells that the formula names, in the colours of their order. */
  showReferences() {
    const text = this.now?.node.value ?? '';
    this.painter.references = text.startsWith('=')
      ? references(text, this.desk.title, this.now.title) : [];
    this.hands.mark();
  }

  /** Puts the editor over its cell again, after a tab was drawn anew. */
  place() {
    if (!this.now || this.now.sheetId !== this.hands.sheetId) return;
    const { node, row, column } = this.now;
    node.hidden = false;
    const box = this.painter.box(row, column);
    node.style.left = `${box.left}px`;
    node.style.top = `${box.top}px`;
    node.style.minWidth = `${box.width + 1}px`;
    node.style.minHeight = `${box.height + 1}px`;
    if (node.parentElement !== box.pane.marks) box.pane.marks.append(node);
    this.size();
  }

  size() {
    const { node, row, column } = this.now;
    if (node.hidden) return;
    const box = this.painter.box(row, column);
    const lines = node.value.split('\n');
    const width = Math.max(...lines.map((line) => textWidth(line, node.style.font))) + 22;
    node.style.width = `${Math.max(box.width + 1, Math.min(width, WIDEST))}px`;
    const cell = this.painter.grid.cell(row, column);
    const line = lineHeight(formatOf(cell).textFormat?.fontSize ?? 10);
    node.style.lineHeight = `${line}px`;
    const pad = lines.length > 1 ? 1 : Math.max(0, Math.floor((box.height - 4 - line) / 2));
    node.style.paddingTop = `${pad}px`;
    node.style.height = 'auto';
    node.style.height = `${Math.max(box.height + 1, node.scrollHeight + 2)}px`;
  }

  onKey(event) {
    event.stopPropagation();
    if (event.isComposing) return;
    const command = event.ctrlKey || event.metaKey;
    if (event.key === 'Enter' && command && this.hands.many) this.fillSelection();
    else if (event.key === 'Enter' && (event.altKey || command)) this.breakLine();
    else if (!this.onEndKey(event) && !this.onArrow(event)) return;
    event.preventDefault();
  }

  onBarKey(event) {
    if (event.isComposing) return;
    if (this.onEndKey(event)) event.preventDefault();
  }

  /** Keys that end an edit, in the cell and in the bar alike. */
  onEndKey(event) {
    if (event.key === 'Enter') this.finish(event.shiftKey ? -1 : 1, 0);
    else if (event.key === 'Tab') this.finish(0, event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') this.cancel();
    else return false;
    return true;
  }

  breakLine() {
    const { node } = this.now;
    node.setRangeText('\n', node.selectionStart, node.selectionEnd, 'end');
    node.dispatchEvent(new Event('input'));
  }

  /** F2 changes what arrows do: they leave the cell or point while typing, else move the caret. */
  onArrow(event) {
    if (event.key === 'F2') {
      this.now.typing = !this.now.typing;
      return true;
    }
    const by = ARROWS[event.key];
    if (!by || event.ctrlKey || event.altKey || event.metaKey) return false;
    if (this.now.typing && this.canPoint()) {
      this.pointBy(by, event.shiftKey);
      return true;
    }
    if (!this.now.typing || event.shiftKey || this.now.node.value.startsWith('=')) return false;
    this.finish(...by);
    return true;
  }

  /** Whether a cell pointed at would become an operand of the formula. */
  canPoint() {
    if (!this.now?.node.value.startsWith('=')) return false;
    if (this.now.pointer) return true;
    const { field } = this;
    return OPERAND_FOLLOWS.test(field.value.slice(0, field.selectionStart));
  }

  pointBy([dr, dc], extend) {
    const { pointer, row, column } = this.now;
    const from = pointer ? (extend ? pointer.focus : pointer.anchor) : { row, column };
    const to = this.hands.next(from, dr, dc);
    this.pointAt(extend && pointer ? pointer.anchor : to, to);
    this.painter.reveal(to.row, to.column);
  }

  /** Writes the address of cells pointed at where the caret is; pointing again replaces it. */
  pointAt(anchor, focus) {
    const { field } = this;
    const area = {
      r0: Math.min(anchor.row, focus.row), r1: Math.max(anchor.row, focus.row),
      c0: Math.min(anchor.column, focus.column), c1: Math.max(anchor.column, focus.column),
    };
    const foreign = this.now.sheetId !== this.hands.sheetId;
    const text = (foreign ? `${quoteTitle(this.desk.title)}!` : '') + areaA1(area);
    const start = this.now.pointer?.start ?? field.selectionStart;
    const end = this.now.pointer?.end ?? field.selectionEnd;
    field.setRangeText(text, start, end, 'end');
    this.typed(field);
    this.now.pointer = { anchor, focus, start, end: start + text.length };
  }

  /** Goes on in the formula bar while another tab is shown. */
  goElsewhere() {
    const { field } = this;
    const [start, end] = [field.selectionStart, field.selectionEnd];
    this.now.inBar = true;
    this.now.node.hidden = true;
    this.now.pointer = null;
    this.bar.focus();
    this.bar.setSelectionRange(start, end);
  }

  finish(dr, dc) {
    const back = this.now && this.now.sheetId !== this.hands.sheetId ? this.now : null;
    this.commit();
    this.hands.scroller.focus({ preventScroll: true });
    if (back) this.desk.showTab(back.sheetId).then(() => this.hands.step(dr, dc));
    else this.hands.step(dr, dc);
  }

  cancel() {
    const { now } = this;
    this.close();
    this.hands.scroller.focus({ preventScroll: true });
    if (now && now.sheetId !== this.hands.sheetId) this.desk.showTab(now.sheetId);
    else this.hands.show();
  }

  close() {
    const { now } = this;
    this.now = null;
    this.painter.references = [];
    now?.node.remove();
    return now;
  }

  /** Writes what the editor holds, if it changed. */
  commit() {
    const now = this.close();
    if (!now) return;
    const text = now.node.value;
    if (text !== now.before) {
      const { row, column } = now;
      this.hands.write({ r0: row, c0: column, r1: row, c1: column }, [[text]], now.sheetId);
    }
    this.hands.show();
    if (text !== now.before && now.sheetId === this.hands.sheetId) this.bar.value = text;
  }

  /** Types the same into every selected cell; a formula's addresses follow, as when copied. */
  fillSelection() {
    const now = this.close();
    const { area } = this.hands;
    this.hands.scroller.focus({ preventScroll: true });
    this.hands.clipboard.typeEverywhere(area, now.node.value);
    this.hands.show();
  }

  editInBar() {
    if (this.now) {
      this.now.inBar = true;
      return;
    }
    if (isCheckbox(this.hands.cellHere())) {
      this.hands.scroller.focus();
      return;
    }
    this.open(this.hands.textOf(this.hands.active), { focus: false, typing: false });
  }

  leaveBar() {
    if (!this.now?.inBar) return;
    if (document.activeElement === this.now.node) this.now.inBar = false;
    else this.commit();
  }
}
