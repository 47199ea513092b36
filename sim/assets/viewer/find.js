// Looking for a text in the open tab, rows that are not drawn included.

import { ask } from './dialogs.js';
import { toast } from './menus.js';
import { say } from './words.js';

let last = '';

/** Asks for a text and goes to the next cell, after the active one, that shows it. */
export async function findNext(hands, desk) {
  const wanted = await ask(say('find'), { value: last, action: say('findNext') });
  if (!wanted) return;
  last = wanted;
  const { grid } = hands;
  const values = await desk.run(() => desk.book.shownValues(grid));
  if (!values || hands.grid !== grid) return;
  const found = [];
  values.forEach((row, r) => row.forEach((text, c) => {
    if (String(text).toLocaleLowerCase().includes(wanted.toLocaleLowerCase())) found.push({ row: r, column: c });
  }));
  const { active } = hands;
  const next = found.find(({ row, column }) => row > active.row || (row === active.row && column > active.column));
  const to = next ?? found[0];
  if (!to) toast(say('notFound', wanted));
  else {
    hands.select(to);
    toast(say('foundAt', String(found.indexOf(to) + 1), String(found.length)));
  }
}
