// What the pages say, in English and Russian.

const EN = {
  sim: 'Google simulator',
  simLine: 'A Google simulator on this machine. Nothing here leaves it.',
  files: 'Files', name: 'Name', modified: 'Modified', owner: 'Owner', kind: 'Kind',
  spreadsheet: 'Spreadsheet', folder: 'Folder', file: 'File', sharedDrive: 'Shared drive',
  noFiles: 'No files yet. They appear here as soon as a program creates or copies one.',
  requests: 'Requests seen so far', actingAs: 'You are', otherPerson: 'Another address…',
  otherPrompt: 'E-mail address of the person', me: 'me',
  saved: 'Saved', saving: 'Saving…', loading: 'Loading…', offline: 'The simulator does not answer',
  readingOn: 'Hide grid headings (reading view)', readingOff: 'Show grid headings',
  undo: 'Undo', redo: 'Redo', nameBox: 'Cell address', formula: 'Formula or value',
  allTabs: 'All tabs', hidden: 'hidden', protected: 'Protected', tabs: 'Tabs', home: 'All files',
  protectedHint: 'This cell is protected',
  cut: 'Cut', copy: 'Copy', paste: 'Paste', clear: 'Clear',
  rowAbove: 'Insert 1 row above', rowBelow: 'Insert 1 row below',
  columnLeft: 'Insert 1 column left', columnRight: 'Insert 1 column right',
  deleteRows: 'Delete rows {0}', deleteRow: 'Delete row {0}',
  deleteColumns: 'Delete columns {0}', deleteColumn: 'Delete column {0}',
  hideRow: 'Hide row', hideColumn: 'Hide column',
  showRows: 'Show hidden rows', showColumns: 'Show hidden columns',
  sortAZ: 'Sort A → Z by column {0}', sortZA: 'Sort Z → A by column {0}',
  rename: 'Rename', duplicate: 'Duplicate', hideTab: 'Hide tab', showTab: 'Show tab to everyone',
  deleteTab: 'Delete', sum: 'Sum', average: 'Average', count: 'Count',
  gone: 'This file does not exist, or {0} has no access to it.',
  notDrawn: 'This kind of chart is not drawn here: {0}', noData: 'No data yet',
  signedInAs: 'Acting as {0}', updated: 'Updated', retry: 'Try again', note: 'Note',
  justNow: 'just now', open: 'Open', refused: 'Not changed', close: 'Close', grid: 'Grid',
  skipped: 'Data in hidden rows or columns is not charted', newTab: 'Add tab',
  manyRequests: 'Too many requests in a minute; the page goes on by itself',
};

const RU = {
  sim: 'Симулятор Google',
  simLine: 'Симулятор Google на этой машине. Ничто отсюда не уходит в сеть.',
  files: 'Файлы', name: 'Название', modified: 'Изменён', owner: 'Владелец', kind: 'Вид',
  spreadsheet: 'Таблица', folder: 'Папка', file: 'Файл', sharedDrive: 'Общий диск',
  noFiles: 'Файлов пока нет. Они появятся здесь, как только программа создаст или скопирует их.',
  requests: 'Принятые запросы', actingAs: 'Вы', otherPerson: 'Другой адрес…',
  otherPrompt: 'Адрес почты человека', me: 'я',
  saved: 'Сохранено', saving: 'Сохраняется…', loading: 'Загрузка…',
  offline: 'Симулятор не отвечает',
  readingOn: 'Скрыть заголовки сетки (для чтения)', readingOff: 'Показать заголовки сетки',
  undo: 'Отменить', redo: 'Повторить', nameBox: 'Адрес ячейки', formula: 'Формула или значение',
  allTabs: 'Все листы', hidden: 'скрыт', protected: 'Защищён', tabs: 'Листы', home: 'Все файлы',
  protectedHint: 'Эта ячейка защищена',
  cut: 'Вырезать', copy: 'Копировать', paste: 'Вставить', clear: 'Очистить',
  rowAbove: 'Вставить строку выше', rowBelow: 'Вставить строку ниже',
  columnLeft: 'Вставить столбец слева', columnRight: 'Вставить столбец справа',
  deleteRows: 'Удалить строки {0}', deleteRow: 'Удалить строку {0}',
  deleteColumns: 'Удалить столбцы {0}', deleteColumn: 'Удалить столбец {0}',
  hideRow: 'Скрыть строку', hideColumn: 'Скрыть столбец',
  showRows: 'Показать скрытые строки', showColumns: 'Показать скрытые столбцы',
  sortAZ: 'Сортировать А → Я по столбцу {0}', sortZA: 'Сортировать Я → А по столбцу {0}',
  rename: 'Переименовать', duplicate: 'Создать копию', hideTab: 'Скрыть лист',
  showTab: 'Показать лист всем', deleteTab: 'Удалить', sum: 'Сумма', average: 'Среднее',
  count: 'Количество',
  gone: 'Такого файла нет, или у {0} нет к нему доступа.',
  notDrawn: 'Диаграммы этого вида здесь не рисуются: {0}', noData: 'Данных пока нет',
  signedInAs: 'Вы вошли как {0}', updated: 'Обновлено', retry: 'Повторить', note: 'Примечание',
  justNow: 'только что', open: 'Открыть', refused: 'Не изменено', close: 'Закрыть', grid: 'Сетка',
  skipped: 'Данные скрытых строк и столбцов на диаграмму не попадают', newTab: 'Добавить лист',
  manyRequests: 'Слишком много запросов за минуту; страница продолжит сама',
};

let words = EN;
let tag = 'en';

/** Chooses the language: `?hl=` wins, then the locale given, then the browser's. */
export function chooseLanguage(locale) {
  const asked = new URLSearchParams(location.search).get('hl') || locale || navigator.language || 'en';
  tag = /^(ru|be|kk|uk)/i.test(asked) ? 'ru' : 'en';
  words = tag === 'ru' ? RU : EN;
  document.documentElement.lang = tag;
}

/** The language chosen, `ru` or `en`. */
export const language = () => tag;

/** A sentence by its key, with `{0}` filled. */
export const say = (key, ...args) =>
  (words[key] ?? EN[key] ?? key).replace(/\{(\d)\}/g, (_, at) => args[at] ?? '');

/** An instant as a person says it: today's time, else the day. */
export function when(instant) {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return '';
  const seconds = (Date.now() - date.getTime()) / 1000;
  if (Math.abs(seconds) < 45) return say('justNow');
  const ago = new Intl.RelativeTimeFormat(tag, { numeric: 'auto' });
  if (seconds >= 0 && seconds < 3600) return ago.format(-Math.round(seconds / 60), 'minute');
  const sameDay = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString(tag, { hour: '2-digit', minute: '2-digit' });
  if (sameDay) return time;
  return `${date.toLocaleDateString(tag, { day: 'numeric', month: 'short', year: 'numeric' })}, ${time}`;
}
