// The first page: what this is, and the files that the chosen person can see.

import { createBook, listFiles, person } from './api.js';
import { ask } from './dialogs.js';
import { make } from './paint.js';
import { personButton, toast } from './menus.js';
import { chooseLanguage, language, say, when } from './words.js';

const REFRESH_MS = 3000;
const element = (name) => document.getElementById(name);
const SHEET = 'application/vnd.google-apps.spreadsheet';
const FOLDER = 'application/vnd.google-apps.folder';
let shown = '';

function kindOf(file) {
  if (file.mimeType === SHEET) return say('spreadsheet');
  if (file.mimeType === FOLDER) return say('folder');
  return say('file');
}

function row(file, names) {
  const line = make('tr');
  line.dataset.file = file.id;
  const name = make('td', 'name');
  const icon = make('i', file.mimeType === SHEET ? 'kind sheet' : 'kind folder');
  const text = make('span', 'label');
  if (file.mimeType === SHEET) {
    const link = make('a', '', file.name);
    link.href = `/spreadsheets/d/${encodeURIComponent(file.id)}/edit`;
    text.append(link);
  } else text.append(make('span', '', file.name));
  const parent = names.get(file.parents?.[0]);
  if (parent) text.append(make('small', '', parent));
  name.append(icon, text);
  const owner = file.driveId ? say('sharedDrive') : file.owners?.[0]?.emailAddress ?? '';
  line.append(name, make('td', '', kindOf(file)),
    make('td', '', owner === person() ? say('me') : owner),
    make('td', 'time', when(file.modifiedTime)));
  return line;
}

async function refresh() {
  if (document.hidden && shown) return;
  let files;
  try {
    files = await listFiles();
  } catch (error) {
    if (shown !== error.message) toast(error.status === 0 ? say('offline') : error.message, { error: true });
    shown = error.message;
    return;
  }
  const names = new Map(files.map((file) => [file.id, file.name]));
  const order = (file) => (file.mimeType === SHEET ? 0 : 1);
  files.sort((a, b) => order(a) - order(b)
    || String(b.modifiedTime ?? '').localeCompare(String(a.modifiedTime ?? '')));
  const print = JSON.stringify([files, Math.floor(Date.now() / 60000)]);
  if (print === shown) return;
  shown = print;
  element('files').replaceChildren(...files.map((file) => row(file, names)));
  element('empty').hidden = files.length > 0;
  document.querySelector('.files').hidden = files.length === 0;
  document.body.dataset.state = 'ready';
}

async function createFile() {
  const title = await ask(say('newFile'), { value: say('untitled'), action: say('create') });
  if (!title) return;
  try {
    const made = await createBook(title, language() === 'ru' ? 'ru_RU' : 'en_US');
    location.assign(`/spreadsheets/d/${encodeURIComponent(made.spreadsheetId)}/edit`);
  } catch (error) {
    toast(error.message, { error: true, title: say('refused') });
  }
}

chooseLanguage();
document.title = say('sim');
element('heading').textContent = say('sim');
element('line').textContent = say('simLine');
element('empty').textContent = say('noFiles');
element('requests').textContent = say('requests');
for (const [name, key] of [['h-name', 'name'], ['h-kind', 'kind'], ['h-owner', 'owner'], ['h-modified', 'modified']]) {
  element(name).textContent = say(key);
}
element('new').textContent = say('newFile');
element('new').addEventListener('click', createFile);
personButton(element('person'));
refresh();
setInterval(refresh, REFRESH_MS);
document.addEventListener('visibilitychange', refresh);
