// Charts that float over a tab: columns and lines by uPlot, horizontal bars as SVG.

import { areaOfGridRange, axisFormatter, cssColor, formatOf, PALETTE } from './base.js';
import { make } from './paint.js';
import { familyOf, textWidth } from './text.js';
import { say } from './words.js';

const GRID_COLOR = '#e8eaee';
const INK = '#1f2937';
const SOFT = '#6b7280';

/** Reads the cells that chart data names; hidden rows and columns are left out, as Sheets does. */
function readSource(data, context) {
  const cells = [];
  let skipped = 0;
  for (const range of data?.sourceRange?.sources ?? []) {
    const grid = context.book.sourceOf(range.sheetId ?? 0, context.grid);
    if (!grid) continue;
    const area = areaOfGridRange(range, grid.rowCount, grid.columnCount);
    for (let r = area.r0; r <= area.r1; r += 1) {
      for (let c = area.c0; c <= area.c1; c += 1) {
        const hidden = (context.skipRows && grid.hiddenRow(r))
          || (context.skipColumns && grid.hiddenColumn(c));
        if (hidden) skipped += 1;
        else cells.push(grid.cell(r, c) ?? {});
      }
    }
  }
  return { cells, skipped };
}

const numberOf = (cell) => {
  const number = cell.effectiveValue?.numberValue;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
};

/** How many leading cells are headers when the chart does not say. */
function guessHeaders(series) {
  const first = series.find((one) => one.cells.length)?.cells[0];
  return first?.effectiveValue?.stringValue !== undefined ? 1 : 0;
}

/** What a chart draws: labels and series with names, kinds, colours, values. */
export function chartModel(chart, grid, book) {
  const spec = chart.spec ?? {};
  const basic = spec.basicChart;
  const strategy = spec.hiddenDimensionStrategy ?? 'SKIP_HIDDEN_ROWS_AND_COLUMNS';
  const context = {
    book, grid,
    skipRows: /ROWS/.test(strategy), skipColumns: /COLUMNS/.test(strategy),
  };
  const domain = readSource(basic?.domains?.[0]?.domain, context);
  const read = (basic?.series ?? []).map((one) => readSource(one.series, context));
  const headers = basic?.headerCount || guessHeaders(read);
  const labels = domain.cells.slice(headers).map((cell) => cell.formattedValue ?? '');
  const series = [];
  (basic?.series ?? []).forEach((one, i) => {
    const body = read[i].cells.slice(headers);
    if (!read[i].cells.length) return;
    const kind = basic.chartType === 'COMBO' ? one.type ?? 'LINE' : basic.chartType ?? 'COLUMN';
    const values = body.map(numberOf);
    while (values.length < labels.length) values.push(null);
    const overrides = new Map((one.styleOverrides ?? []).map((style) =>
      [style.index ?? 0, cssColor(style.colorStyle, style.color)]));
    series.push({
      name: headers ? read[i].cells[headers - 1]?.formattedValue ?? '' : '',
      kind, values, overrides,
      color: cssColor(one.colorStyle, one.color) ?? PALETTE[i % PALETTE.length],
      dashed: /DASH|DOT/.test(one.lineStyle?.type ?? ''),
      width: one.lineStyle?.width || 2,
      points: one.pointStyle ? one.pointStyle.shape !== 'POINT_SHAPE_UNSPECIFIED' : false,
      pointSize: one.pointStyle?.size || 6,
      right: one.targetAxis === 'RIGHT_AXIS',
      dataLabel: one.dataLabel?.type === 'DATA',
      format: body.map((cell) => formatOf(cell).numberFormat).find((found) => found?.pattern),
      shown: body.map((cell) => cell.formattedValue ?? ''),
    });
  });
  const skipped = domain.skipped + read.reduce((sum, one) => sum + one.skipped, 0);
  return { spec, basic, labels, series, skipped, locale: book.locale };
}

const round = (number) => (number === null ? null : Number(number.toPrecision(12)));

/** Puts all charts of a tab over its panes; charts that did not change stay as they are. */
export function placeCharts(painter, book) {
  const { grid } = painter;
  const wanted = new Set();
  for (const chart of grid.sheet.charts ?? []) {
    const at = chart.position?.overlayPosition;
    if (!at) continue;
    const row = at.anchorCell?.rowIndex ?? 0;
    const column = at.anchorCell?.columnIndex ?? 0;
    const model = chartModel(chart, grid, book);
    const width = at.widthPixels ?? 600;
    const height = at.heightPixels ?? 371;
    const box = {
      left: painter.left(column) + (at.offsetXPixels ?? 0),
      top: painter.top(row) + (at.offsetYPixels ?? 0), width, height,
    };
    const pane = painter.panes[painter.paneName(row, column)];
    const key = `${grid.sheet.properties.sheetId ?? 0}/${chart.chartId ?? 0}`;
    wanted.add(key);
    const print = JSON.stringify([chart.spec, model.labels, model.series, box]);
    const old = pane.charts.querySelector(`[data-chart-key="${CSS.escape(key)}"]`);
    if (old?.print === print) continue;
    const node = chartNode(chart, model, box, { grid, book });
    node.dataset.chartKey = key;
    node.print = print;
    if (old) {
      old.plot?.destroy();
      old.replaceWith(node);
    } else pane.charts.append(node);
    drawChart(node, model);
  }
  for (const pane of Object.values(painter.panes)) {
    for (const node of [...pane.charts.children]) {
      if (wanted.has(node.dataset.chartKey)) continue;
      node.plot?.destroy();
      node.remove();
    }
  }
}

function chartNode(chart, model, box, context) {
  const { spec, series, labels } = model;
  const node = make('figure', 'chart');
  for (const side of ['left', 'top', 'width', 'height']) node.style[side] = `${box[side]}px`;
  const background = cssColor(spec.backgroundColorStyle, spec.backgroundColor);
  if (background) node.style.background = background;
  const border = cssColor(chart.border?.colorStyle, chart.border?.color);
  if (border) node.style.borderColor = border;
  node.style.fontFamily = familyOf(spec.fontName || 'Roboto');
  node.dataset.chartTitle = spec.title ?? '';
  node.dataset.chartId = String(chart.chartId ?? '');
  node.dataset.chartLabels = JSON.stringify(labels);
  node.dataset.chartValues = JSON.stringify(series.map((one) => ({
    name: one.name, type: one.kind, color: one.color, dashed: one.dashed,
    values: one.values.map(round),
  })));
  node.tabIndex = -1;
  node.setAttribute('role', 'img');
  node.setAttribute('aria-label', spec.altText || [spec.title, spec.subtitle,
    ...series.map((one) => one.name)].filter(Boolean).join('. '));
  const head = make('div', 'chart-head');
  const title = make('div', 'chart-title', spec.title ?? '');
  textStyle(title, spec.titleTextFormat);
  const line = make('div', 'chart-line');
  const subtitle = make('div', 'chart-subtitle', spec.subtitle ?? '');
  textStyle(subtitle, spec.subtitleTextFormat);
  line.append(subtitle);
  if (model.basic && model.basic.legendPosition !== 'NO_LEGEND') line.append(legend(series));
  if (spec.title) head.append(title);
  if (line.textContent) head.append(line);
  const body = make('div', 'chart-body');
  node.append(head, body);
  if (!model.basic) otherChart(node, body, spec, context);
  return node;
}

function textStyle(node, format) {
  if (!format) return;
  const color = cssColor(format.foregroundColorStyle, format.foregroundColor);
  if (color) node.style.color = color;
  if (format.fontSize) node.style.fontSize = `${(format.fontSize * 4) / 3}px`;
  if (format.bold !== undefined) node.style.fontWeight = format.bold ? '600' : '400';
}

function legend(series) {
  const list = make('div', 'legend');
  for (const one of series) {
    if (!one.name) continue;
    const item = make('span', 'legend-item');
    const key = make('i', `key ${one.kind === 'LINE' ? 'line' : 'column'}`);
    if (one.kind === 'LINE') {
      key.style.borderTop = `2px ${one.dashed ? 'dashed' : 'solid'} ${one.color}`;
    } else key.style.background = one.color;
    item.append(key, one.name);
    list.append(item);
  }
  return list;
}

/** Figures without a grid of values: a scorecard; others say that they are not drawn. */
function otherChart(node, body, spec, context) {
  const card = spec.scorecardChart;
  if (!card) {
    const kind = Object.keys(spec).find((key) => key.endsWith('Chart')) ?? '?';
    body.append(make('div', 'chart-empty', say('notDrawn', kind)));
    return;
  }
  const wide = { ...context, skipRows: false, skipColumns: false };
  const cell = readSource(card.keyValueData, wide).cells[0] ?? {};
  const value = make('div', 'scorecard', cell.formattedValue ?? '—');
  textStyle(value, card.keyValueFormat?.textFormat);
  body.append(value);
  node.dataset.chartValues = JSON.stringify([{
    name: spec.title ?? '', type: 'SCORECARD', values: [numberOf(cell)],
  }]);
  node.dataset.chartDrawn = '1';
}

function drawChart(node, model) {
  if (!model.basic) return;
  const body = node.querySelector('.chart-body');
  const any = model.series.some((one) => one.values.some((value) => value !== null));
  if (!any) {
    body.append(make('div', 'chart-empty', say(model.skipped ? 'skipped' : 'noData')));
    return;
  }
  if (model.basic.chartType === 'BAR') drawBars(body, model);
  else node.plot = drawPlot(node, body, model);
  node.dataset.chartDrawn = '1';
}

/** A round step that gives about `count` lines up to `span`. */
function niceStep(span, count) {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999) ?? 10);
}

/** Lowest and highest value of an axis and the lines between. */
function axisRange(series, stacked, height, window) {
  let low = 0;
  let high = 0;
  const length = Math.max(...series.map((one) => one.values.length));
  for (let i = 0; i < length; i += 1) {
    let up = 0;
    let down = 0;
    for (const one of series) {
      const value = one.values[i] ?? null;
      if (value === null) continue;
      if (stacked && one.kind === 'COLUMN') {
        up += Math.max(0, value);
        down += Math.min(0, value);
      } else {
        high = Math.max(high, value);
        low = Math.min(low, value);
      }
    }
    high = Math.max(high, up);
    low = Math.min(low, down);
  }
  if (window?.viewWindowMin !== undefined) low = window.viewWindowMin;
  if (window?.viewWindowMax !== undefined) high = window.viewWindowMax;
  if (high <= low) high = low + 1;
  const step = niceStep(high - low, Math.max(2, height / 52));
  const top = window?.viewWindowMax ?? Math.ceil((high * 1.01) / step) * step;
  const bottom = window?.viewWindowMin ?? Math.floor(low / step) * step;
  const splits = [];
  for (let k = Math.ceil(bottom / step - 1e-9); k * step <= top + step * 1e-6; k += 1) {
    splits.push(Number((k * step).toPrecision(12)));
  }
  return { low: bottom, high: Math.max(top, bottom + step), splits, step };
}

function drawPlot(node, body, model) {
  const width = node.clientWidth - 28;
  const height = Math.max(60, node.clientHeight - node.querySelector('.chart-head').offsetHeight - 22);
  const { labels, series, basic, locale } = model;
  const stacked = basic.stackedType === 'STACKED';
  const fonts = `11px ${familyOf(model.spec.fontName || 'Roboto')}`;
  const sides = [false, true].map((right) => series.filter((one) => one.right === right));
  const scales = { x: { time: false, range: [-0.5, Math.max(0.5, labels.length - 0.5)] } };
  const axes = [categoryAxis(labels, width, fonts)];
  sides.forEach((members, right) => {
    if (!members.length) return;
    const place = right ? 'RIGHT_AXIS' : 'LEFT_AXIS';
    const asked = (basic.axis ?? []).find((axis) => axis.position === place);
    const range = axisRange(members, stacked, height - 30, asked?.viewWindowOptions);
    const scale = right ? 'right' : 'y';
    scales[scale] = { range: [range.low, range.high] };
    axes.push(valueAxis(members, range, { scale, right: Boolean(right), locale, fonts }));
  });
  const columns = series.filter((one) => one.kind === 'COLUMN');
  const plot = new globalThis.uPlot({
    width, height, scales, axes,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    padding: [8, sides[1].length ? 0 : 6, 0, 0],
    series: [{}, ...series.map((one) => plotSeries(one))],
    hooks: {
      drawAxes: [(u) => drawColumns(u, columns, labels.length, stacked)],
      setCursor: [(u) => showTip(node, u, model)],
    },
  }, [labels.map((_, i) => i), ...series.map((one) => one.values)], body);
  return plot;
}

function plotSeries(one) {
  const scale = one.right ? 'right' : 'y';
  if (one.kind === 'COLUMN') {
    return { scale, paths: () => null, points: { show: false } };
  }
  return {
    scale, stroke: one.color, width: one.width,
    dash: one.dashed ? [6, 4] : undefined,
    fill: one.kind === 'AREA' ? `${one.color}33` : undefined,
    points: one.points
      ? { show: true, size: one.pointSize + 1, width: 1.5, fill: '#ffffff', stroke: one.color }
      : { show: one.values.filter((value) => value !== null).length === 1 },
  };
}

function categoryAxis(labels, width, font) {
  const widest = Math.max(1, ...labels.map((label) => textWidth(label, font))) + 8;
  const every = Math.max(1, Math.ceil((labels.length * widest) / Math.max(1, width - 60)));
  return {
    scale: 'x', font, stroke: SOFT, size: 26, gap: 6,
    grid: { show: false }, ticks: { show: false },
    border: { show: true, stroke: '#d5d9e0', width: 1 },
    splits: () => labels.map((_, i) => i),
    values: (_, splits) => splits.map((i) => (i % every === 0 ? labels[i] ?? '' : '')),
  };
}

function valueAxis(members, range, { scale, right, locale, fonts }) {
  const format = members.map((one) => one.format).find(Boolean);
  const largest = Math.max(Math.abs(range.high), Math.abs(range.low));
  const write = axisFormatter(format, locale, range.step, largest);
  const texts = range.splits.map(write);
  return {
    scale, side: right ? 1 : 3, font: fonts, stroke: SOFT, gap: 8,
    size: Math.ceil(Math.max(...texts.map((text) => textWidth(text, fonts)))) + 14,
    grid: { show: !right, stroke: GRID_COLOR, width: 1 }, ticks: { show: false },
    splits: () => range.splits,
    values: (_, splits) => splits.map(write),
  };
}

/** Columns side by side (or stacked), drawn under the lines. */
function drawColumns(u, columns, count, stacked) {
  if (!columns.length) return;
  const { ctx, bbox } = u;
  const ratio = globalThis.devicePixelRatio || 1;
  const slot = bbox.width / Math.max(1, count);
  const lanes = stacked ? 1 : columns.length;
  const gap = lanes > 1 ? Math.min(2 * ratio, slot * 0.04) : 0;
  const lane = Math.min((slot * (lanes > 1 ? 0.7 : 0.6)) / lanes, 64 * ratio);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (let i = 0; i < count; i += 1) {
    const middle = u.valToPos(i, 'x', true);
    let up = 0;
    let down = 0;
    columns.forEach((one, k) => {
      const value = one.values[i] ?? null;
      if (value === null || value === 0) return;
      const scale = one.right ? 'right' : 'y';
      const base = stacked ? (value > 0 ? up : down) : 0;
      if (value > 0) up = base + value;
      else down = base + value;
      const y0 = u.valToPos(base, scale, true);
      const y1 = u.valToPos(base + value, scale, true);
      const left = middle - (lane * lanes) / 2 + (stacked ? 0 : k * lane) + gap / 2;
      ctx.fillStyle = one.overrides.get(i) ?? one.color;
      const radius = Math.min(2 * ratio, lane / 4, Math.abs(y1 - y0));
      ctx.beginPath();
      ctx.roundRect(left, Math.min(y0, y1), lane - gap, Math.abs(y1 - y0),
        value > 0 ? [radius, radius, 0, 0] : [0, 0, radius, radius]);
      ctx.fill();
    });
  }
  ctx.restore();
}

function showTip(node, u, model) {
  let tip = node.querySelector('.tip');
  const at = u.cursor.idx;
  if (at === null || at === undefined || u.cursor.left < 0) {
    tip?.remove();
    return;
  }
  if (!tip) {
    tip = make('div', 'tip');
    node.append(tip);
  }
  tip.replaceChildren(make('b', '', model.labels[at] ?? ''));
  for (const one of model.series) {
    if ((one.values[at] ?? null) === null) continue;
    const line = make('div', 'tip-line');
    const key = make('i', 'key column');
    key.style.background = one.color;
    line.append(key, make('span', '', one.name), make('em', '', one.shown[at]));
    tip.append(line);
  }
  const x = u.over.getBoundingClientRect().left - node.getBoundingClientRect().left + u.cursor.left;
  const left = x + 14 + tip.offsetWidth > node.clientWidth ? x - tip.offsetWidth - 14 : x + 14;
  tip.style.left = `${Math.max(4, left)}px`;
}

const SVG = 'http://www.w3.org/2000/svg';

function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Horizontal bars, the first category on top. */
function drawBars(body, model) {
  const chart = body.parentElement;
  const head = chart.querySelector('.chart-head').offsetHeight;
  const width = chart.clientWidth - 28;
  const height = Math.max(60, chart.clientHeight - head - 26);
  const { labels, series, locale } = model;
  const stacked = model.basic.stackedType === 'STACKED';
  const bars = series.map((one) => ({ ...one, kind: 'COLUMN' }));
  const family = familyOf(model.spec.fontName || 'Roboto');
  const font = `11px ${family}`;
  const side = Math.min(width * 0.36, Math.max(...labels.map((one) => textWidth(one, font))) + 12);
  const ends = Math.max(...bars.flatMap((one) => one.shown.map((text) => textWidth(text, font)))) + 10;
  const room = Math.max(40, width - side - (stacked ? 12 : ends));
  const range = axisRange(bars, stacked, room * 0.75, undefined);
  const write = axisFormatter(bars.map((one) => one.format).find(Boolean), locale, range.step,
    Math.max(Math.abs(range.high), Math.abs(range.low)));
  const root = svg('svg', { width, height, 'font-family': family, 'font-size': 11 });
  const x = (value) => side + ((value - range.low) / (range.high - range.low)) * room;
  const floor = height - 20;
  for (const split of range.splits) {
    root.append(svg('line', { x1: x(split), x2: x(split), y1: 4, y2: floor, stroke: GRID_COLOR }));
    root.append(svg('text', {
      x: x(split), y: height - 5, 'text-anchor': 'middle', fill: SOFT,
    }, write(split)));
  }
  const slot = (floor - 4) / Math.max(1, labels.length);
  const lanes = stacked ? 1 : Math.max(1, bars.length);
  const lane = Math.min((slot * 0.72) / lanes, 26);
  labels.forEach((label, i) => {
    const middle = 4 + slot * (i + 0.5);
    root.append(svg('text', {
      x: side - 8, y: middle + 4, 'text-anchor': 'end', fill: INK,
    }, fitted(label, font, side - 12)));
    let base = 0;
    bars.forEach((one, k) => {
      const value = one.values[i] ?? null;
      if (value === null) return;
      const from = stacked ? base : 0;
      base += value;
      const y = middle - (lane * lanes) / 2 + (stacked ? 0 : k * lane);
      const bar = svg('rect', {
        x: Math.min(x(from), x(from + value)), y, rx: 2, height: Math.max(2, lane - 1),
        width: Math.abs(x(from + value) - x(from)), fill: one.overrides.get(i) ?? one.color,
      });
      bar.append(svg('title', {}, `${label} · ${one.name}: ${one.shown[i]}`));
      root.append(bar);
      if (!stacked && lane >= 11) {
        root.append(svg('text', {
          x: Math.max(x(from + value), x(0)) + 5, y: y + lane / 2 + 4, fill: SOFT,
        }, one.shown[i]));
      }
    });
  });
  body.append(root);
}

function fitted(text, font, room) {
  if (textWidth(text, font) <= room) return text;
  let cut = text;
  while (cut.length > 1 && textWidth(`${cut}…`, font) > room) cut = cut.slice(0, -1);
  return `${cut.trimEnd()}…`;
}

