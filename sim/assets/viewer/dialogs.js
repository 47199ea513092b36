// Windows over the page: a question with one answer, the list of keys, sharing, earlier versions.

import * as api from './api.js';
import { make } from './paint.js';
import { MOVES, SHORTCUTS } from './shortcuts.js';
import { say, when } from './words.js';

/** Opens a window with a heading; the keyboard stays in it until it closes. */
function openDialog(title, className = '') {
  const before = document.activeElement;
  const node = make('dialog', `dialog ${className}`);
  const head = make('div', 'dialog-head');
  const heading = make('h2', '', title);
  heading.id = 'dialog-title';
  node.setAttribute('aria-labelledby', heading.id);
  const close = make('button', 'round close');
  close.type = 'button';
  close.setAttribute('aria-label', say('close'));
  close.addEventListener('click', () => node.close());
  head.append(heading, close);
  node.append(head);
  node.addEventListener('keydown', (event) => event.stopPropagation());
  node.addEventListener('close', () => {
    node.remove();
    before?.focus?.({ preventScroll: true });
  });
  document.body.append(node);
  return node;
}

function buttons(node, label) {
  const line = make('div', 'dialog-buttons');
  const no = make('button', 'plain', say('cancel'));
  no.type = 'button';
  no.addEventListener('click', () => node.close());
  const yes = make('button', 'plain main-action', label);
  yes.type = 'submit';
  line.append(no, yes);
  return line;
}

/** Asks for one text or number; null when the person thinks better of it. */
export function ask(title, { value = '', type = 'text', label = title, action = say('ok'), hint = '' } = {}) {
  return new Promise((done) => {
    const node = openDialog(title, 'ask');
    const form = make('form');
    form.method = 'dialog';
    const input = make('input', 'field');
    input.type = type;
    input.value = value;
    input.required = true;
    if (type === 'number') input.min = '1';
    input.setAttribute('aria-label', label);
    form.append(input);
    if (hint) form.append(make('p', 'hint', hint));
    form.append(buttons(node, action));
    let answer = null;
    form.addEventListener('submit', () => { answer = input.value.trim(); });
    node.addEventListener('close', () => done(answer || null));
    node.append(form);
    node.showModal();
    input.focus();
    input.select();
  });
}

/** Asks whether to do something that is not done lightly. */
export function confirmed(title, text, action) {
  return new Promise((done) => {
    const node = openDialog(title, 'ask');
    const form = make('form');
    form.method = 'dialog';
    form.append(make('p', '', text), buttons(node, action));
    let yes = false;
    form.addEventListener('submit', () => { yes = true; });
    node.addEventListener('close', () => done(yes));
    node.append(form);
    node.showModal();
    form.querySelector('.main-action').focus();
  });
}

/** Lists every key that the page obeys. */
export function showKeys() {
  const node = openDialog(say('keys'), 'keys');
  const list = make('div', 'key-list');
  for (const { keys, label } of [...MOVES, ...SHORTCUTS]) {
    if (!label) continue;
    const line = make('div', 'key-line');
    const names = make('span', 'key-names');
    names.append(...keys.map((key) => make('kbd', '', key)));
    line.append(make('span', '', say(label)), names);
    list.append(line);
  }
  node.append(list);
  node.showModal();
}

/** Lists who changed the file and when, newest first. */
export async function showVersions(id) {
  const node = openDialog(say('versions'), 'versions');
  const list = make('ol', 'version-list');
  list.append(make('li', 'hint', say('loading')));
  node.append(list);
  node.showModal();
  const all = (await api.listRevisions(id)).reverse();
  list.replaceChildren(...all.map((one) => {
    const line = make('li', 'version');
    const who = one.lastModifyingUser?.emailAddress ?? '';
    const time = make('time', '', when(one.modifiedTime));
    time.dateTime = one.modifiedTime;
    time.title = new Date(one.modifiedTime).toLocaleString();
    line.append(make('span', 'version-who', who === api.person() ? `${who} (${say('me')})` : who), time);
    return line;
  }));
}

const ROLES = { writer: 'roleWriter', commenter: 'roleCommenter', reader: 'roleReader' };
const NAMES = { ...ROLES, owner: 'roleOwner', organizer: 'roleOrganizer', fileOrganizer: 'roleOrganizer' };

function permissionLine(id, one, again) {
  const line = make('li', 'share-line');
  const who = one.emailAddress ?? say('anybody');
  line.append(make('span', 'share-who', who));
  line.append(make('span', 'share-role', say(NAMES[one.role] ?? one.role)));
  if (ROLES[one.role]) {
    const remove = make('button', 'plain', say('withdraw'));
    remove.type = 'button';
    remove.setAttribute('aria-label', `${say('withdraw')}: ${who}`);
    remove.addEventListener('click', () => again(() => api.withdraw(id, one.id)));
    line.append(remove);
  }
  return line;
}

/** Shows who has access; adds and removes people. */
export function showSharing(id) {
  const node = openDialog(say('share'), 'share');
  const form = make('form', 'share-form');
  const email = make('input', 'field');
  email.type = 'email';
  email.required = true;
  email.placeholder = say('otherPrompt');
  email.setAttribute('aria-label', say('otherPrompt'));
  const role = make('select', 'field');
  role.setAttribute('aria-label', say('role'));
  for (const [value, key] of Object.entries(ROLES)) {
    const option = make('option', '', say(key));
    option.value = value;
    role.append(option);
  }
  const add = make('button', 'plain main-action', say('addPerson'));
  add.type = 'submit';
  form.append(email, role, add);
  const list = make('ul', 'share-list');
  const trouble = make('p', 'trouble');
  trouble.setAttribute('role', 'alert');
  const again = async (task) => {
    try {
      await task?.();
      const all = await api.listPermissions(id);
      list.replaceChildren(...all.map((one) => permissionLine(id, one, again)));
      trouble.textContent = '';
    } catch (error) {
      trouble.textContent = error.message;
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const address = email.value.trim();
    email.value = '';
    email.focus();
    again(() => api.shareWith(id, address, role.value));
  });
  node.append(form, trouble, list);
  node.showModal();
  email.focus();
  return again();
}
