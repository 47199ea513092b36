// Measuring text as the page will draw it.

const pen = document.createElement('canvas').getContext('2d');
const widths = new Map();

/** Families of Arial's measures, and one that the style sheet brings to them. */
const SANS = 'Arial, "Liberation Sans", Arimo, Helvetica, "planfact stand-in", sans-serif';

/** Has the stand-in ready before the first text is measured: a canvas waits for no font. */
export async function loadFonts() {
  const faces = ['400 13px', '700 13px'].map((style) => `${style} "planfact stand-in"`);
  // A machine without it has others.
  await Promise.all(faces.map((face) => document.fonts.load(face))).catch(() => {});
}

/** Families that stand in for a family that the machine may lack. */
export function familyOf(name) {
  const family = (name || 'Arial').split(',')[0].trim().replace(/^arial$/i, 'Arial');
  const serif = /times|georgia|serif|merriweather|garamond/i.test(family) && !/sans/i.test(family);
  const mono = /mono|courier|consol/i.test(family);
  const stand = mono ? 'monospace' : serif ? 'serif' : SANS;
  return family === 'Arial' ? stand : `"${family.replaceAll('"', '')}", ${stand}`;
}

/** Points to CSS pixels. */
export const pixels = (points) => (points * 4) / 3;

/** A line's height in pixels for a size in points. */
export const lineHeight = (points) => Math.round(pixels(points) * 1.22);

/** The CSS font shorthand of a TextFormat. */
export function fontOf(format) {
  const style = format?.italic ? 'italic ' : '';
  const weight = format?.bold ? '700 ' : '';
  return `${style}${weight}${pixels(format?.fontSize ?? 10)}px ${familyOf(format?.fontFamily)}`;
}

/** The width of one line of text, pixels. */
export function textWidth(text, font) {
  const key = `${font}|${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    pen.font = font;
    width = pen.measureText(text).width;
    if (widths.size > 20000) widths.clear();
    widths.set(key, width);
  }
  return width;
}

/** Breaks text into the lines that fit a width. */
export function wrapLines(text, font, room) {
  const lines = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(/(?<=[ \-–—])/)) {
      if (line !== '' && textWidth((line + word).trimEnd(), font) > room) {
        lines.push(line);
        line = '';
      }
      line += word;
    }
    lines.push(line);
  }
  return lines;
}
