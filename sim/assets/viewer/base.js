// Pure helpers: cell addresses, colours, number patterns, what an editor shows. No DOM, no network.

/** Column letters of a zero-based column: 0 → A, 26 → AA. */
export function columnName(index) {
  let name = '';
  for (let n = index + 1; n > 0; n = Math.floor((n - 1) / 26)) {
    name = String.fromCharCode(65 + ((n - 1) % 26)) + name;
  }
  return name;
}

/** A1 address of a zero-based cell. */
export const a1 = (row, column) => `${columnName(column)}${row + 1}`;

/** A tab's title as A1 notation wants it. */
export const quoteTitle = (title) => `'${title.replaceAll("'", "''")}'`;

/** A1 text of an area {r0, c0, r1, c1}, ends inclusive. */
export function areaA1(area) {
  const from = a1(area.r0, area.c0);
  return area.r0 === area.r1 && area.c0 === area.c1 ? from : `${from}:${a1(area.r1, area.c1)}`;
}

/** A1 text of an area with its tab. */
export const tabA1 = (title, area) => `${quoteTitle(title)}!${areaA1(area)}`;

/** Reads `B7` or `B7:D9` (no tab); null when it is neither. */
export function parseA1(text) {
  const found = /^\$?([A-Z]{1,3})\$?(\d+)(?::\$?([A-Z]{1,3})\$?(\d+))?$/i.exec(text.trim());
  if (!found) return null;
  const column = (letters) =>
    [...letters.toUpperCase()].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
  const c0 = column(found[1]);
  const r0 = Number(found[2]) - 1;
  const c1 = found[3] ? column(found[3]) : c0;
  const r1 = found[4] ? Number(found[4]) - 1 : r0;
  if (r0 < 0 || r1 < 0) return null;
  return {
    r0: Math.min(r0, r1), c0: Math.min(c0, c1), r1: Math.max(r0, r1), c1: Math.max(c0, c1),
  };
}

/** A GridRange (half-open, ends optional) as an inclusive area inside a grid. */
export function areaOfGridRange(range, rowCount, columnCount) {
  return {
    r0: range.startRowIndex ?? 0,
    c0: range.startColumnIndex ?? 0,
    r1: Math.min(range.endRowIndex ?? rowCount, rowCount) - 1,
    c1: Math.min(range.endColumnIndex ?? columnCount, columnCount) - 1,
  };
}

/** Whether an area holds a cell. */
export const inside = (area, row, column) =>
  row >= area.r0 && row <= area.r1 && column >= area.c0 && column <= area.c1;

/** A block as tab-separated text; a part with tabs, line ends or quotes is quoted. */
export const toTsv = (rows) => rows.map((row) => row.map((part) =>
  (/[\t\n"]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part)).join('\t')).join('\n');

/** Reads tab-separated text, quoted parts too; one line end at the very end counts for nothing. */
export function parseTsv(text) {
  const rows = [['']];
  const given = text.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  let quoted = false;
  for (let i = 0; i < given.length; i += 1) {
    const row = rows.at(-1);
    const sign = given[i];
    if (quoted && sign === '"' && given[i + 1] === '"') {
      row[row.length - 1] += '"';
      i += 1;
    } else if (quoted && sign === '"') quoted = false;
    else if (quoted) row[row.length - 1] += sign;
    else if (sign === '"' && row.at(-1) === '' && closes(given, i)) quoted = true;
    else if (sign === '\t') row.push('');
    else if (sign === '\n') rows.push(['']);
    else row[row.length - 1] += sign;
  }
  return rows;
}

/** Whether a quote at the beginning of a part has a partner that ends the part. */
const closes = (text, at) => /^"(?:[^"]|"")*"(?:[\t\n]|$)/.test(text.slice(at));

/** Colours of the cells that a formula names, in their order. */
const REFERENCE_COLORS = ['#f7981d', '#7e3794', '#11a9cc', '#a61d4c', '#4285d3', '#8fb03e'];
const REFERENCE = new RegExp([
  '"(?:[^"]|"")*"',
  "(?:('(?:[^']|'')+'|[\\p{L}_][\\p{L}\\p{N}_.]*)!)?(\\$?[A-Z]{1,3}\\$?\\d+(?::\\$?[A-Z]{1,3}\\$?\\d+)?)(?![\\p{L}\\p{N}_(.])",
  '[\\p{L}_][\\p{L}\\p{N}_.]*',
].join('|'), 'giu');

/** The areas of the shown tab that a formula on the tab `own` names, each with its outline's colour. */
export function references(formula, shown, own = shown) {
  const out = [];
  let seen = 0;
  for (const [, tab, address] of formula.matchAll(REFERENCE)) {
    const area = address && parseA1(address);
    if (!area) continue;
    const color = REFERENCE_COLORS[seen % REFERENCE_COLORS.length];
    seen += 1;
    const named = tab?.replace(/^'|'$/g, '').replaceAll("''", "'");
    if ((named ?? own) === shown) out.push({ area, color });
  }
  return out;
}

const THEME = {
  TEXT: '#000000', BACKGROUND: '#ffffff', ACCENT1: '#4285f4', ACCENT2: '#ea4335',
  ACCENT3: '#fbbc04', ACCENT4: '#34a853', ACCENT5: '#ff6d01', ACCENT6: '#46bdc6', LINK: '#1155cc',
};

/** Colours of series that name none, in Google's order. */
export const PALETTE = ['#4285f4', '#ea4335', '#fbbc04', '#34a853', '#ff6d01', '#46bdc6'];

/** A Color or ColorStyle of the API as CSS; absent components are zero; undefined when absent. */
export function cssColor(style, color) {
  if (style?.themeColor) return THEME[style.themeColor] ?? '#000000';
  const rgb = style?.rgbColor ?? color;
  if (!rgb) return undefined;
  const byte = (part) => Math.round(Math.max(0, Math.min(1, part ?? 0)) * 255);
  const hex = (part) => byte(part).toString(16).padStart(2, '0');
  return `#${hex(rgb.red)}${hex(rgb.green)}${hex(rgb.blue)}`;
}

/** The tag that Intl understands for a spreadsheet locale such as ru_RU; English if unknown. */
export function intlTag(locale) {
  const tag = (locale || 'en_US').replaceAll('_', '-');
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? 'en-US';
  } catch {
    return 'en-US';
  }
}

/** Thousands and decimal separators of a spreadsheet locale. */
export function separators(locale) {
  const parts = new Intl.NumberFormat(intlTag(locale)).formatToParts(-1234567.8);
  const of = (type, other) => parts.find((part) => part.type === type)?.value ?? other;
  return { group: of('group', ','), decimal: of('decimal', '.') };
}

/** Splits a number pattern at `;` outside quotes. */
function sections(pattern) {
  const out = [''];
  let quoted = false;
  for (const sign of pattern) {
    if (sign === '"') quoted = !quoted;
    if (sign === ';' && !quoted) out.push('');
    else out[out.length - 1] += sign;
  }
  return out;
}

/** Reads one section of a number pattern. */
function readSection(section) {
  const read = {
    prefix: '', suffix: '', digits: false, minInteger: 0, minFraction: 0, maxFraction: 0,
    grouping: false, scale: 1, percent: false, color: undefined,
  };
  let point = false;
  let commas = 0;
  const literal = (text) => {
    if (read.digits) read.suffix += text;
    else read.prefix += text;
  };
  for (let i = 0; i < section.length; i += 1) {
    const sign = section[i];
    if (sign === '"') {
      const end = section.indexOf('"', i + 1);
      literal(section.slice(i + 1, end < 0 ? section.length : end));
      i = end < 0 ? section.length : end;
    } else if (sign === '[') {
      const end = section.indexOf(']', i);
      const inner = section.slice(i + 1, end < 0 ? section.length : end);
      if (inner.startsWith('$')) literal(inner.slice(1).split('-')[0]);
      else read.color = inner;
      i = end < 0 ? section.length : end;
    } else if (sign === '\\') {
      i += 1;
      literal(section[i] ?? '');
    } else if (sign === '_') {
      i += 1;
      literal(' ');
    } else if (sign === '*') {
      i += 1;
    } else if (sign === '0' || sign === '#' || sign === '?') {
      if (commas > 0 && !point) read.grouping = true;
      commas = 0;
      read.digits = true;
      if (point) {
        read.maxFraction += 1;
        if (sign === '0') read.minFraction += 1;
      } else if (sign === '0') read.minInteger += 1;
    } else if (sign === '.' && !point) {
      point = true;
    } else if (sign === ',' && read.digits) {
      commas += 1;
    } else if (sign === '%') {
      read.percent = true;
      literal('%');
    } else literal(sign);
  }
  read.scale = 1000 ** commas;
  return read;
}

/** The section of a pattern that a number falls into, and whether it prints the sign itself. */
function sectionFor(value, pattern) {
  const all = sections(pattern);
  if (value < 0 && all.length > 1) return { section: all[1], bare: true };
  if (value === 0 && all.length > 2) return { section: all[2], bare: false };
  return { section: all[0], bare: false };
}

const NAMED = {
  black: '#000000', blue: '#0000ff', cyan: '#00ffff', green: '#00ff00', magenta: '#ff00ff',
  red: '#ff0000', white: '#ffffff', yellow: '#ffff00',
};

/** The colour that a pattern such as `[Red]-0` gives a number. */
export function patternColor(value, pattern) {
  if (!pattern || !pattern.includes('[')) return undefined;
  return NAMED[readSection(sectionFor(value, pattern).section).color?.toLowerCase()];
}

/** A number by a pattern such as `#,##0.0,,"млн"` with the separators of a locale. */
export function formatNumber(value, pattern, locale) {
  const { section, bare } = sectionFor(value, pattern);
  const read = readSection(section);
  if (!read.digits) return read.prefix;
  const scaled = (Math.abs(value) / read.scale) * (read.percent ? 100 : 1);
  const { group, decimal } = separators(locale);
  let [whole, fraction = ''] = scaled.toFixed(Math.min(20, read.maxFraction)).split('.');
  while (fraction.length > read.minFraction && fraction.endsWith('0')) {
    fraction = fraction.slice(0, -1);
  }
  whole = whole.padStart(read.minInteger, '0');
  if (read.grouping) whole = whole.replace(/\B(?=(\d{3})+(?!\d))/g, group);
  const minus = value < 0 && !bare && /[1-9]/.test(whole + fraction) ? '-' : '';
  return minus + read.prefix + whole + (fraction ? decimal + fraction : '') + read.suffix;
}

/** Decimals that a step needs, so that neighbouring marks do not read the same. */
function decimalsOf(step, most) {
  let digits = 0;
  while (digits < most && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) {
    digits += 1;
  }
  return digits;
}

/** How the value axis writes its figures: the source's pattern, else short forms for millions. */
export function axisFormatter(format, locale, step, largest) {
  const pattern = format?.pattern ?? '';
  if (format?.type === 'PERCENT' || pattern.includes('%')) {
    const digits = decimalsOf(step * 100, 2);
    const { decimal } = separators(locale);
    const space = intlTag(locale).startsWith('ru') ? '\u00a0' : '';
    return (value) => `${(value * 100).toFixed(digits).replace('.', decimal)}${space}%`;
  }
  if (/[0#?],+(?:\.[0#?]+)?(?![0#?.])/.test(pattern) || /\.[0#?]+,/.test(pattern)) {
    return (value) => (value === 0 ? '0' : formatNumber(value, pattern, locale).trim());
  }
  const russian = intlTag(locale).startsWith('ru');
  const units = russian
    ? [[1e9, '\u00a0млрд'], [1e6, '\u00a0млн']]
    : [[1e9, 'B'], [1e6, 'M']];
  const unit = units.find(([size]) => largest >= size);
  if (unit) {
    const digits = decimalsOf(step / unit[0], 3);
    const { decimal } = separators(locale);
    return (value) =>
      value === 0 ? '0' : (value / unit[0]).toFixed(digits).replace('.', decimal) + unit[1];
  }
  const digits = decimalsOf(step, 4);
  const shape = digits ? `#,##0.${'0'.repeat(digits)}` : '#,##0';
  return (value) => formatNumber(value, shape, locale);
}

/** A cell's effective format: what the API computed, over what was entered. */
export const formatOf = (cell) => cell?.effectiveFormat ?? cell?.userEnteredFormat ?? {};

/** Whether a cell shows anything. */
export const isBlank = (cell) =>
  !cell || ((cell.formattedValue ?? '') === '' && cell.effectiveValue === undefined);

/** The text an editor starts with: formula, or the value as a person would type it. */
export function inputText(cell, locale) {
  const value = cell?.userEnteredValue;
  if (!value) return '';
  if (value.formulaValue !== undefined) return value.formulaValue;
  if (value.boolValue !== undefined) return cell.formattedValue ?? (value.boolValue ? 'TRUE' : 'FALSE');
  if (value.numberValue !== undefined) return numberInput(value.numberValue, cell, locale);
  const text = value.stringValue ?? '';
  return /^[=+']/.test(text) || looksLikeNumber(text) ? `'${text}` : text;
}

const looksLikeNumber = (text) => text.trim() !== '' && /^[-+]?[\d\s.,]+%?$/.test(text.trim());

function numberInput(number, cell, locale) {
  const { type, pattern } = formatOf(cell).numberFormat ?? cell.userEnteredFormat?.numberFormat ?? {};
  if (['DATE', 'TIME', 'DATE_TIME'].includes(type)) return cell.formattedValue ?? String(number);
  const { decimal } = separators(locale);
  const plain = (n) => String(Number(n.toPrecision(15))).replace('.', decimal);
  if (type === 'PERCENT' || pattern?.includes('%')) return `${plain(number * 100)}%`;
  return plain(number);
}

/** Whether a value breaks the rule of its own cell (rules a page can judge by itself). */
export function breaksRule(cell) {
  const rule = cell?.dataValidation?.condition;
  const value = cell?.effectiveValue;
  if (!rule || value === undefined) return false;
  const limit = Number(rule.values?.[0]?.userEnteredValue);
  const number = value.numberValue;
  switch (rule.type) {
    case 'ONE_OF_LIST':
      return !(rule.values ?? []).some((one) => one.userEnteredValue === (cell.formattedValue ?? ''));
    case 'NUMBER_GREATER_THAN_EQ':
      return number === undefined || number < limit;
    case 'NUMBER_GREATER':
      return number === undefined || number <= limit;
    case 'NUMBER_LESS_THAN_EQ':
      return number === undefined || number > limit;
    default:
      return false;
  }
}

/** Where a hyperlink may lead; null for anything that is not a web page, a mail or a tab. */
export function safeLink(link) {
  if (!link) return null;
  return /^(https?:|mailto:|#)/i.test(link) ? link : null;
}
