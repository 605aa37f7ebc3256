// Drawings as SVG, and heat maps as canvas. Sizes are those of the element.

const SVG = 'http://www.w3.org/2000/svg';
const MARGIN = {left: 52, right: 10, top: 8, bottom: 20};

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  if (parent) parent.appendChild(made);
  return made;
}

function text(parent, content, x, y, anchor) {
  element('text', {class: 'tick', x, y, 'text-anchor': anchor || 'start'}, parent).textContent = content;
}

/** An axis from numbers to pixels: linear, or logarithmic where the numbers span decades and are positive. */
function scale(numbers, from, to, kind) {
  const finite = numbers.filter(Number.isFinite);
  let low = Math.min(...finite);
  let high = Math.max(...finite);
  if (!finite.length) {
    low = 0;
    high = 1;
  }
  const wide = low > 0 && high / low > 500;
  const logarithmic = kind === 'log' || (kind === 'auto' && wide);
  const forward = logarithmic ? x => Math.log10(Math.max(x, 1e-300)) : x => x;
  if (low === high) {
    const around = low === 0 ? 1 : Math.abs(low) * 0.5;
    if (logarithmic) { low /= 3; high *= 3; } else { low -= around; high += around; }
  }
  const a = forward(low);
  const b = forward(high);
  const place = x => from + (forward(x) - a) / (b - a) * (to - from);
  place.low = low;
  place.high = high;
  place.ticks = logarithmic ? decades(low, high) : steps(low, high, 4);
  return place;
}

function steps(low, high, count) {
  const raw = (high - low) / count;
  const unit = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 5, 10].map(x => x * unit).find(x => x >= raw);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

function decades(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / 5));
  const ticks = [];
  for (let i = first; i <= last; i += every) ticks.push(Math.pow(10, i));
  return ticks.length ? ticks : [low, high];
}

function frame(svg, x, y, width, height) {
  element('line', {class: 'axis', x1: MARGIN.left, x2: width - MARGIN.right, y1: height - MARGIN.bottom, y2: height - MARGIN.bottom}, svg);
  for (const tick of y.ticks) {
    const at = y(tick);
    element('line', {class: 'axis', x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at}, svg);
    text(svg, shown(tick), MARGIN.left - 6, at + 3.5, 'end');
  }
  const ticks = x.ticks.filter((tick, i) => x.ticks.length < 7 || i % 2 === 0);
  ticks.forEach((tick, i) => text(svg, shown(tick), x(tick), height - 6, i === ticks.length - 1 && x(tick) > width - 40 ? 'end' : 'middle'));
}

function path(xs, ys) {
  let d = '';
  let pen = 'M';
  for (let i = 0; i < xs.length; i++) {
    if (!Number.isFinite(ys[i])) {
      pen = 'M';
      continue;
    }
    d += pen + xs[i].toFixed(1) + ' ' + ys[i].toFixed(1);
    pen = 'L';
  }
  return d;
}

/**
 * Lines over steps.
 * rows: {name, run, steps, values, smooth, dashed}
 */
function lines(svg, rows, options) {
  svg.replaceChildren();
  const width = svg.clientWidth || 340;
  const height = svg.clientHeight || 200;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const logSteps = options.logSteps;
  const moved = step => logSteps ? step + 1 : step;
  const x = scale(rows.flatMap(row => row.steps.map(moved)), MARGIN.left, width - MARGIN.right, logSteps ? 'log' : 'linear');
  const zero = options.share ? [0, 1] : options.zero ? [0] : [];
  const y = scale(zero.concat(rows.flatMap(row => row.values)), height - MARGIN.bottom, MARGIN.top, options.zero || options.share ? 'linear' : 'auto');
  frame(svg, x, y, width, height);
  if (options.zero) element('line', {class: 'zero', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(0), y2: y(0)}, svg);
  for (const row of rows) {
    const own = element('g', {class: 'ofrun-' + row.run % 6}, svg);
    const xs = row.steps.map(step => x(moved(step)));
    const extra = row.dashed ? ' dashed' : '';
    if (row.smooth === false) {
      element('path', {class: 'smooth' + extra, d: path(xs, row.values.map(y))}, own);
    } else {
      element('path', {class: 'raw', d: path(xs, row.values.map(y))}, own);
      element('path', {class: 'smooth' + extra, d: path(xs, averaged(row.values).map(y))}, own);
    }
    if (xs.length === 1) element('circle', {class: 'dot', cx: xs[0], cy: y(row.values[0]), r: 3}, own);
  }
  if (options.cursor !== null && options.cursor !== undefined) {
    const at = x(moved(options.cursor));
    element('line', {class: 'cursor', x1: at, x2: at, y1: MARGIN.top, y2: height - MARGIN.bottom}, svg);
  }
}

/** A histogram with equal bins. */
function bars(svg, counts, edges, run) {
  svg.replaceChildren();
  const width = svg.clientWidth || 340;
  const height = svg.clientHeight || 200;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const x = scale([edges[0], edges[edges.length - 1]], MARGIN.left, width - MARGIN.right, 'linear');
  const y = scale([0, ...counts.map(count => Math.log10(count + 1))], height - MARGIN.bottom, MARGIN.top, 'linear');
  const most = Math.ceil(y.high);
  y.ticks = Array.from({length: most + 1}, (_, i) => i).filter(i => i % Math.max(1, Math.ceil(most / 4)) === 0 && i <= y.high);
  const own = element('g', {class: 'ofrun-' + run % 6}, svg);
  element('line', {class: 'axis', x1: MARGIN.left, x2: width - MARGIN.right, y1: height - MARGIN.bottom, y2: height - MARGIN.bottom}, svg);
  for (const tick of y.ticks) text(svg, tick === 0 ? '0' : '1e' + tick, MARGIN.left - 6, y(tick) + 3.5, 'end');
  for (const tick of x.ticks) text(svg, shown(tick), x(tick), height - 6, 'middle');
  counts.forEach((count, i) => {
    const top = y(Math.log10(count + 1));
    element('rect', {class: 'bar', x: x(edges[i]), y: top, width: Math.max(0.5, x(edges[i + 1]) - x(edges[i]) - 0.5), height: Math.max(0, height - MARGIN.bottom - top)}, own);
  });
}

/** The parabola of normalised steps, a histogram of all of them and of the last tenth, with densities. */
function parabola(svg, values, run) {
  svg.replaceChildren();
  const width = svg.clientWidth || 340;
  const height = svg.clientHeight || 200;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const bound = 1.5;
  const x = scale([-bound, bound], MARGIN.left, width - MARGIN.right, 'linear');
  x.ticks = [-1, 0, 1];
  const y = scale([0, bound * bound], height - MARGIN.bottom, MARGIN.top, 'linear');
  element('line', {class: 'axis', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(0), y2: y(0)}, svg);
  x.ticks.forEach((tick, i) => text(svg, ['start', 'minimum', 'other side'][i], x(tick), height - 6, 'middle'));
  const grid = Array.from({length: 61}, (_, i) => -bound + i * bound / 30);
  element('path', {class: 'faint-line', d: path(grid.map(x), grid.map(each => y(each * each)))}, svg);
  const recent = values.slice(-Math.max(1, Math.ceil(values.length / 10)));
  const own = element('g', {class: 'ofrun-' + run % 6}, svg);
  const inside = each => Math.max(-bound, Math.min(bound, each));
  for (const [numbers, bar, line] of [[values, 'faint', 'faint-line'], [recent, 'bar', 'smooth']]) {
    const counts = new Array(24).fill(0);
    numbers.forEach(each => counts[Math.min(23, Math.floor((inside(each) + bound) / (2 * bound) * 24))]++);
    const most = Math.max(1, ...counts);
    counts.forEach((count, i) => {
      const left = -bound + i * bound / 12;
      const top = y(1.1 * count / most);
      element('rect', {class: bar, x: x(left), y: top, width: Math.max(0, x(left + bound / 12) - x(left) - 1), height: Math.max(0, y(0) - top)}, own);
    });
    const densities = density(numbers.map(inside), grid);
    const highest = Math.max(1e-12, ...densities);
    element('path', {class: line, d: path(grid.map(x), densities.map(each => y(1.1 * each / highest)))}, own);
  }
}

/** A sum of bells with Silverman's width. */
function density(numbers, grid) {
  const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
  const deviation = Math.sqrt(numbers.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(1, numbers.length - 1));
  const width = Math.max(0.05, 1.06 * deviation * Math.pow(numbers.length, -0.2));
  return grid.map(at => numbers.reduce((sum, each) => sum + Math.exp(-0.5 * ((at - each) / width) ** 2), 0));
}

/** Counts of pairs as colours: parameters' values to the right, gradients upwards. */
function heat(canvas, counts) {
  const rows = counts.length;
  const columns = counts[0].length;
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext('2d');
  const colour = getComputedStyle(document.documentElement).getPropertyValue('--heat').split(',').map(Number);
  const image = context.createImageData(columns, rows);
  let most = 0;
  counts.forEach(row => row.forEach(count => { most = Math.max(most, Math.log10(count + 1)); }));
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = 4 * ((rows - 1 - i) * columns + j);
      image.data[at] = colour[0];
      image.data[at + 1] = colour[1];
      image.data[at + 2] = colour[2];
      image.data[at + 3] = most ? 255 * Math.log10(counts[i][j] + 1) / most : 0;
    }
  }
  context.putImageData(image, 0, 0);
}
