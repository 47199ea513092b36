// Small things that open and close: menus, lists, toasts, the choice of a person.

import { becomePerson, person } from './api.js';
import { ask } from './dialogs.js';
import { make } from './paint.js';
import { say } from './words.js';

let open = null;

/** Closes the open menu, if any. */
export function closeMenu() {
  open?.();
  open = null;
}

/** Whether a menu is open. */
export const menuIsOpen = () => open !== null;

/**
 * Opens a menu at a place of the window. Items: {label, act, mark, dim, chosen} or null for a line.
 */
export function openMenu(items, { x, y, above = false, width = 0, role = 'menu', back, label }) {
  closeMenu();
  const node = make('div', 'menu');
  node.setAttribute('role', role);
  if (label) node.setAttribute('aria-label', label);
  const itemRole = role === 'listbox' ? 'option' : 'menuitem';
  for (const item of items) {
    if (!item) {
      const line = make('hr');
      line.setAttribute('role', 'separator');
      node.append(line);
      continue;
    }
    const row = make('button', 'menu-item');
    const choice = role === 'menu' && item.chosen !== undefined;
    row.setAttribute('role', choice ? 'menuitemradio' : itemRole);
    row.tabIndex = -1;
    if (item.chosen !== undefined) row.setAttribute(choice ? 'aria-checked' : 'aria-selected', String(item.chosen));
    if (item.chosen) row.classList.add('chosen');
    if (item.dim) row.classList.add('dim');
    if (item.data) row.dataset.item = item.data;
    row.append(make('span', 'menu-label', item.label));
    if (item.mark) row.append(make('span', 'menu-mark', item.mark));
    row.addEventListener('click', () => {
      closeMenu();
      back?.focus();
      item.act?.();
    });
    node.append(row);
  }
  document.body.append(node);
  if (width) node.style.minWidth = `${width}px`;
  const box = node.getBoundingClientRect();
  const left = Math.max(4, Math.min(x, innerWidth - box.width - 4));
  const top = above || y + box.height > innerHeight - 4 ? Math.max(4, y - box.height) : y;
  node.style.left = `${left}px`;
  node.style.top = `${above ? Math.max(4, y - box.height) : top}px`;
  const rows = [...node.querySelectorAll('.menu-item')];
  const chosen = rows.findIndex((row) => row.classList.contains('chosen'));
  (rows[chosen] ?? rows[0])?.focus({ preventScroll: false });
  const keys = (event) => menuKey(event, rows, back);
  const away = (event) => {
    if (!node.contains(event.target)) closeMenu();
  };
  node.addEventListener('keydown', keys);
  document.addEventListener('pointerdown', away, true);
  open = () => {
    document.removeEventListener('pointerdown', away, true);
    node.remove();
  };
}

function menuKey(event, rows, back) {
  const at = rows.indexOf(document.activeElement);
  const go = (index) => rows[(index + rows.length) % rows.length]?.focus();
  if (event.key === 'ArrowDown') go(at + 1);
  else if (event.key === 'ArrowUp') go(at - 1);
  else if (event.key === 'Home') go(0);
  else if (event.key === 'End') go(rows.length - 1);
  else if (event.key === 'Escape' || event.key === 'Tab') {
    closeMenu();
    back?.focus();
  } else if (event.key.length === 1) {
    const letter = event.key.toLowerCase();
    const order = [...rows.slice(at + 1), ...rows.slice(0, at + 1)];
    order.find((row) => row.textContent.trim().toLowerCase().startsWith(letter))?.focus();
    return;
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Tells something at the foot of the page for a while; errors stay longer. */
export function toast(text, { error = false, title = '' } = {}) {
  const holder = document.getElementById('toasts');
  for (const old of holder.children) if (old.dataset.text === text) old.remove();
  const node = make('div', `toast${error ? ' bad' : ''}`);
  node.dataset.text = text;
  if (title) node.append(make('b', '', title));
  node.append(make('span', '', text));
  const close = make('button', 'toast-close', '×');
  close.setAttribute('aria-label', say('close'));
  close.addEventListener('click', () => node.remove());
  node.append(close);
  holder.append(node);
  setTimeout(() => node.remove(), error ? 9000 : 4000);
}

const PEOPLE_KEY = 'simulator.people';
const PEOPLE = ['owner@example.com', 'anna@example.com', 'boris@example.com', 'viewer@example.com'];

function people() {
  let own = [];
  try {
    own = JSON.parse(localStorage.getItem(PEOPLE_KEY) || '[]');
  } catch {
    // Unreadable or absent: the usual names are enough.
  }
  return [...new Set([...PEOPLE, ...own, person()])];
}

function become(email) {
  becomePerson(email);
  const url = new URL(location.href);
  url.searchParams.delete('as');
  location.replace(url);
  if (url.hash) location.reload();
}

async function askPerson() {
  const email = await ask(say('otherPerson').replace('…', ''), { type: 'email', label: say('otherPrompt'), hint: say('otherPrompt') });
  if (!email || !/^[\x21-\x7e]+@[\x21-\x7e]+$/.test(email)) return;
  try {
    localStorage.setItem(PEOPLE_KEY, JSON.stringify([...new Set([...people(), email])]));
  } catch {
    // The address is used all the same, only not remembered.
  }
  become(email);
}

/** Makes the button that shows and changes who the page acts as. */
export function personButton(button) {
  const name = person();
  const avatar = make('span', 'avatar', name[0]?.toUpperCase() ?? '?');
  const tones = ['#5b7fc7', '#9a6bb0', '#3f8f6b', '#b0703a', '#a8536a'];
  let sum = 0;
  for (const sign of name) sum += sign.charCodeAt(0);
  avatar.style.background = tones[sum % tones.length];
  button.replaceChildren(avatar, make('span', 'person-name', name.replace(/@example\.com$/, '')));
  button.title = say('signedInAs', name);
  button.setAttribute('aria-label', say('signedInAs', name));
  button.addEventListener('click', () => {
    const box = button.getBoundingClientRect();
    openMenu([
      ...people().map((email) => ({
        label: email, chosen: email === name, act: () => become(email),
      })),
      null,
      { label: say('otherPerson'), act: askPerson },
    ], { x: box.right - 220, y: box.bottom + 4, width: 220, back: button, label: say('actingAs') });
  });
}
