'use strict';

/** Elements, pictures and tables. All text goes in as text, never as markup. */
const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children);
  return made;
};

/** Four significant digits, as people write them. */
const format = (given) => {
  const value = Number(given);
  if (!Number.isFinite(value) || value === 0) {
    return String(value);
  }
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e4 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
};

const isDark = () => matchMedia('(prefers-color-scheme: dark)').matches;
const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Colours for 0 to 1, between given ones. */
const scale = (colours) => (position) => {
  const place = Math.min(Math.max(Number.isFinite(position) ? position : 0, 0), 1) * (colours.length - 1);
  const low = Math.min(Math.floor(place), colours.length - 2);
  return colours[low].map((from, i) => Math.round(from + (colours[low + 1][i] - from) * (place - low)));
};
const DIVERGING_LIGHT = scale([[18, 58, 138], [92, 148, 214], [250, 250, 248], [224, 122, 92], [138, 26, 26]]);
const DIVERGING_DARK = scale([[150, 200, 255], [48, 104, 190], [22, 24, 29], [190, 70, 44], [255, 184, 150]]);
const SEQUENTIAL = scale([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]);
const GREY = scale([[0, 0, 0], [255, 255, 255]]);
const diverging = () => (isDark() ? DIVERGING_DARK : DIVERGING_LIGHT);

/** Draws numbers as an image, one pixel each. */
const picture = (values, width, height, colour, label) => {
  const canvas = element('canvas', { class: 'pixels', width, height, role: 'img', 'aria-label': label });
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  values.forEach((value, i) => image.data.set([...colour(Number(value)), 255], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
};

/** A scale of colours with its numbers. */
const legend = (title, colour, marks) => {
  const steps = 256;
  const canvas = picture(Array.from({ length: steps }, (_, i) => i / (steps - 1)), steps, 1, colour, title);
  const numbers = element('div', {}, ...marks.map((mark) => element('span', {}, format(mark))));
  return element('div', { class: 'legend' }, title, canvas, numbers);
};

/** Compares numbers as numbers and everything else as text. */
const compare = (a, b) =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });

/** A table whose titles sort it. Columns are [title, key, whether it holds numbers]. */
const table = (caption, columns, rows) => {
  const body = element('tbody');
  const show = (sorted) =>
    body.replaceChildren(
      ...sorted.map((row) =>
        element('tr', {}, ...columns.map(([, key, number]) =>
          element('td', number ? { class: 'number' } : {}, number ? format(row[key]) : String(row[key]))))));
  const heads = columns.map(([title, key, number]) => {
    const button = element('button', { type: 'button' }, title);
    const head = element('th', { scope: 'col', ...(number ? { class: 'number' } : {}) }, button);
    button.addEventListener('click', () => {
      const order = head.getAttribute('aria-sort') === 'ascending' ? 'descending' : 'ascending';
      heads.forEach((other) => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', order);
      const sign = order === 'ascending' ? 1 : -1;
      show([...rows].sort((a, b) => sign * compare(a[key], b[key])));
    });
    return head;
  });
  show(rows);
  const whole = element('table', { 'aria-label': caption }, element('thead', {}, element('tr', {}, ...heads)), body);
  return element('div', { class: 'scroll' }, whole);
};
