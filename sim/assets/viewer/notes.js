// Cards beside cells: notes, what a rule asks, what an error means; and the editor of notes.

import * as api from './api.js';
import { a1 } from './base.js';
import { cellsStep } from './history.js';
import { make } from './paint.js';
import { say } from './words.js';

/** What an error value means, by the type that the API names. */
const ERRORS = {
  DIVIDE_BY_ZERO: 'errorDivide', N_A: 'errorNa', NAME: 'errorName', REF: 'errorRef',
  VALUE: 'errorValue', NUM: 'errorNum', NULL_VALUE: 'errorNull', ERROR: 'errorParse',
};

/** Why a cell shows an error, in words; null when it shows none. */
export function errorText(cell) {
  const error = cell?.effectiveValue?.errorValue;
  if (!error) return null;
  const own = ERRORS[error.type];
  return [own && say(own), error.message].filter(Boolean).join('\n');
}

/** Shows cards for the pointer and the keyboard, edits notes. */
export class Notes {
  constructor(hands) {
    this.hands = hands;
    this.card = null;
    this.box = null;
    const { scroller } = hands;
    scroller.addEventListener('pointerover', (event) => {
      const node = event.target.closest?.('[data-a1]');
      this.hide();
      if (node && !hands.editor.now) this.show(node);
    });
    scroller.addEventListener('pointerleave', () => this.hide());
    scroller.addEventListener('scroll', () => this.hide(), { passive: true });
  }

  hide() {
    this.card?.remove();
    this.card = null;
    this.hands.scroller.removeAttribute('aria-describedby');
  }

  /** Shows what there is to say about the active cell, for people without a pointer. */
  showActive() {
    this.hide();
    const node = document.getElementById(`cell-${a1(this.hands.active.row, this.hands.active.column)}`);
    if (!node || !this.show(node)) return;
    this.card.id = 'card';
    this.hands.scroller.setAttribute('aria-describedby', 'card');
  }

  show(node) {
    const { note, rule, error } = node.dataset;
    const parts = [[error, 'card-error'], [rule, 'card-rule'], [note, '']].filter(([text]) => text);
    if (!parts.length || this.box) return false;
    this.card = make('div', 'note');
    this.card.setAttribute('role', 'tooltip');
    for (const [text, className] of parts) this.card.append(make('p', className, text));
    if (!note) this.card.classList.add('rule');
    document.body.append(this.card);
    beside(this.card, node.getBoundingClientRect());
    return true;
  }

  /** Opens the editor of the active cell's note. */
  edit() {
    this.hide();
    if (this.box) return;
    const { hands } = this;
    const { row, column } = hands.active;
    hands.painter.reveal(row, column);
    const before = hands.cellHere()?.note ?? '';
    const sheetId = hands.sheetId;
    const box = make('div', 'note note-editor');
    const area = make('textarea', 'note-text');
    area.value = before;
    area.setAttribute('aria-label', `${say('note')} ${a1(row, column)}`);
    box.append(area, make('p', 'hint', say('noteHint')));
    document.body.append(box);
    this.box = box;
    const place = document.getElementById(`cell-${a1(row, column)}`);
    beside(box, place?.getBoundingClientRect() ?? { left: 100, right: 200, top: 100 });
    const end = (keep) => {
      if (this.box !== box) return;
      this.box = null;
      const text = area.value.trim();
      box.remove();
      hands.scroller.focus({ preventScroll: true });
      if (keep && text !== before) this.write(sheetId, row, column, text);
    };
    area.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if (event.key === 'Escape') end(false);
      else if (event.key === 'Tab' || (event.key === 'Enter' && (event.ctrlKey || event.metaKey))) end(true);
      else return;
      event.preventDefault();
    });
    area.addEventListener('blur', () => end(true));
    area.focus();
  }

  write(sheetId, row, column, note) {
    const { desk } = this.hands;
    const area = { r0: row, r1: row, c0: column, c1: column };
    return desk.history.perform(cellsStep(desk, sheetId, area, () => api.change(desk.id, [{ updateCells: {
      start: { sheetId, rowIndex: row, columnIndex: column }, fields: 'note',
      rows: [{ values: [note ? { note } : {}] }],
    } }])));
  }

  /** Takes the notes of the whole selection away. */
  remove() {
    const { desk, sheetId, area } = this.hands;
    return desk.history.perform(cellsStep(desk, sheetId, area, () => api.change(desk.id, [{ repeatCell: {
      range: { sheetId, startRowIndex: area.r0, endRowIndex: area.r1 + 1,
        startColumnIndex: area.c0, endColumnIndex: area.c1 + 1 },
      cell: {}, fields: 'note',
    } }])));
  }
}

/** Puts a card to the right of a box, or to its left where there is no room. */
function beside(card, box) {
  const left = box.right + 6 + card.offsetWidth > innerWidth ? box.left - card.offsetWidth - 6 : box.right + 6;
  card.style.left = `${Math.max(4, left)}px`;
  card.style.top = `${Math.max(4, Math.min(box.top, innerHeight - card.offsetHeight - 4))}px`;
}
