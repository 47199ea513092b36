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
  undo: 'Undo', nameBox: 'Cell address', formula: 'Formula or value',
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
  signedInAs: 'Acting as {0}', updated: 'Updated', retry: 'Try again', note: 'Insert note',
  justNow: 'just now', open: 'Open', refused: 'Not changed', close: 'Close', grid: 'Grid',
  skipped: 'Data in hidden rows or columns is not charted', newTab: 'Add tab',
  manyRequests: 'Too many requests in a minute; the page goes on by itself',
  redo: 'Redo', keys: 'Keyboard shortcuts', share: 'Share', versions: 'Who changed it and when',
  renameFile: 'Rename the file', newFile: 'New spreadsheet', untitled: 'Untitled spreadsheet', create: 'Create',
  viewOnly: 'View only', ok: 'OK', cancel: 'Cancel', menu: 'Cell menu', pasteValues: 'Paste values only',
  rowsAbove: 'Insert {0} rows above', rowsBelow: 'Insert {0} rows below',
  columnsLeft: 'Insert {0} columns left', columnsRight: 'Insert {0} columns right',
  rowHeight: 'Row height…', columnWidth: 'Column width…', fitSize: 'Fit to content', pixels: 'In pixels',
  freezeRows: 'Freeze up to row {0}', freezeColumns: 'Freeze up to column {0}', thaw: 'Unfreeze',
  editNote: 'Edit note', deleteNote: 'Delete note',
  noteHint: 'Ctrl+Enter saves · Esc discards',
  protect: 'Protect this range', unprotect: 'Remove protection',
  addChart: 'Chart of the selection', deleteChart: 'Delete chart', chart: 'Chart',
  moveLeft: 'Move left', moveRight: 'Move right', tabTitle: 'Sheet{0}',
  lastTab: 'The last visible tab cannot be deleted.',
  deleteTabAsk: 'Delete “{0}”?', deleteTabText: 'Everybody loses this tab. Undo (Ctrl+Z) brings it back.',
  least: 'Min', greatest: 'Max', bold: 'Bold', italic: 'Italic', underline: 'Underline',
  fillDown: 'Fill down', fillRight: 'Fill right',
  find: 'Find in this tab', findNext: 'Find next', notFound: 'Nothing shows “{0}”', foundAt: '{0} of {1}',
  breaksRule: 'The value breaks the rule of this cell.',
  role: 'Role', roleOwner: 'Owner', roleOrganizer: 'Manager', roleWriter: 'Editor',
  roleCommenter: 'Commenter', roleReader: 'Viewer', addPerson: 'Add', withdraw: 'Remove',
  anybody: 'Anyone with the link',
  errorDivide: 'Division by zero: the divisor is 0 or an empty cell.',
  errorNa: 'Nothing was found: the value that is looked up does not exist.',
  errorName: 'A function or a named range of this name does not exist. Check the spelling.',
  errorRef: 'The formula names cells that do not exist (any more), or its result has no room.',
  errorValue: 'A text stands where a number is needed, or the other way round.',
  errorNum: 'The number is not possible here, or it is too large.',
  errorNull: 'The ranges have no cell in common.',
  errorParse: 'The formula cannot be read. Check brackets, quotes and separators.',
  keyMove: 'Move', keyEdge: 'To the end of the block', keyExtend: 'Extend the selection',
  keyRowEnds: 'Start and end of the row', keyGridEnds: 'First and last filled cell',
  keyPage: 'A screen up, down', keyEdit: 'Edit the cell', keyBreak: 'New line in the cell',
  keyFillAll: 'Type into all selected cells', keyClipboard: 'Copy, cut, paste',
  keyAll: 'Select all', keyRow: 'Select the row', keyColumn: 'Select the column',
  keyToday: 'Today’s date', keyMenu: 'Menu of the cell', keyInsert: 'Insert lines',
  keyDelete: 'Delete lines', keyList: 'Open the list of the cell', keyNextTab: 'Next tab',
  keyPreviousTab: 'Previous tab', keyReveal: 'Scroll to the active cell', keyGo: 'Go to an address',
  keyArea: 'Grid, charts, tabs, head, formula bar in turn',
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
  undo: 'Отменить', nameBox: 'Адрес ячейки', formula: 'Формула или значение',
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
  signedInAs: 'Вы вошли как {0}', updated: 'Обновлено', retry: 'Повторить', note: 'Добавить примечание',
  justNow: 'только что', open: 'Открыть', refused: 'Не изменено', close: 'Закрыть', grid: 'Сетка',
  skipped: 'Данные скрытых строк и столбцов на диаграмму не попадают', newTab: 'Добавить лист',
  manyRequests: 'Слишком много запросов за минуту; страница продолжит сама',
  redo: 'Повторить', keys: 'Сочетания клавиш', share: 'Доступ', versions: 'Кто и когда менял',
  renameFile: 'Переименовать файл', newFile: 'Новая таблица', untitled: 'Новая таблица', create: 'Создать',
  viewOnly: 'Только просмотр', ok: 'ОК', cancel: 'Отмена', menu: 'Меню ячейки', pasteValues: 'Вставить только значения',
  rowsAbove: 'Вставить строки выше: {0}', rowsBelow: 'Вставить строки ниже: {0}',
  columnsLeft: 'Вставить столбцы слева: {0}', columnsRight: 'Вставить столбцы справа: {0}',
  rowHeight: 'Высота строки…', columnWidth: 'Ширина столбца…', fitSize: 'По содержимому', pixels: 'В пикселях',
  freezeRows: 'Закрепить до строки {0}', freezeColumns: 'Закрепить до столбца {0}', thaw: 'Снять закрепление',
  editNote: 'Изменить примечание', deleteNote: 'Удалить примечание',
  noteHint: 'Ctrl+Enter — сохранить · Esc — отменить',
  protect: 'Защитить диапазон', unprotect: 'Снять защиту',
  addChart: 'Диаграмма по выделенному', deleteChart: 'Удалить диаграмму', chart: 'Диаграмма',
  moveLeft: 'Переместить влево', moveRight: 'Переместить вправо', tabTitle: 'Лист{0}',
  lastTab: 'Последний видимый лист удалить нельзя.',
  deleteTabAsk: 'Удалить лист «{0}»?', deleteTabText: 'Лист исчезнет у всех. Ctrl+Z вернёт его.',
  least: 'Мин', greatest: 'Макс', bold: 'Полужирный', italic: 'Курсив', underline: 'Подчёркнутый',
  fillDown: 'Заполнить вниз', fillRight: 'Заполнить вправо',
  find: 'Найти на этом листе', findNext: 'Найти далее', notFound: '«{0}» не найдено', foundAt: '{0} из {1}',
  breaksRule: 'Значение нарушает правило этой ячейки.',
  role: 'Роль', roleOwner: 'Владелец', roleOrganizer: 'Организатор', roleWriter: 'Редактор',
  roleCommenter: 'Комментатор', roleReader: 'Читатель', addPerson: 'Добавить', withdraw: 'Убрать',
  anybody: 'Все, у кого есть ссылка',
  errorDivide: 'Деление на ноль: делитель равен 0 или ячейка пуста.',
  errorNa: 'Ничего не найдено: искомого значения нет.',
  errorName: 'Нет функции или именованного диапазона с таким именем. Проверьте написание.',
  errorRef: 'Формула ссылается на ячейки, которых (больше) нет, или результату не хватает места.',
  errorValue: 'На месте числа стоит текст или наоборот.',
  errorNum: 'Такое число здесь невозможно, или оно слишком велико.',
  errorNull: 'У диапазонов нет общих ячеек.',
  errorParse: 'Формулу не удалось прочитать. Проверьте скобки, кавычки и разделители.',
  keyMove: 'Перемещение', keyEdge: 'К краю блока', keyExtend: 'Расширить выделение',
  keyRowEnds: 'Начало и конец строки', keyGridEnds: 'Первая и последняя заполненная ячейка',
  keyPage: 'На экран вверх, вниз', keyEdit: 'Изменить ячейку', keyBreak: 'Новая строка в ячейке',
  keyFillAll: 'Ввести во все выделенные ячейки', keyClipboard: 'Копировать, вырезать, вставить',
  keyAll: 'Выделить всё', keyRow: 'Выделить строку', keyColumn: 'Выделить столбец',
  keyToday: 'Сегодняшняя дата', keyMenu: 'Меню ячейки', keyInsert: 'Вставить строки или столбцы',
  keyDelete: 'Удалить строки или столбцы', keyList: 'Открыть список ячейки', keyNextTab: 'Следующий лист',
  keyPreviousTab: 'Предыдущий лист', keyReveal: 'Прокрутить к активной ячейке', keyGo: 'Перейти по адресу',
  keyArea: 'Сетка, диаграммы, листы, шапка, строка формул по кругу',
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
