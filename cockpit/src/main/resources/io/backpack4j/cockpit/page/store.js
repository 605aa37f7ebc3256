// What was logged, merged by step and label, in bounded memory.
'use strict';

const MOST_POINTS = 3000;

/** A row of numbers by step. Beyond its bound, every second point of its older half goes. */
class Series {
  constructor() {
    this.steps = [];
    this.values = [];
  }

  put(step, value) {
    let at = this.steps.length;
    while (at > 0 && this.steps[at - 1] >= step) at--;
    if (this.steps[at] === step) {
      this.values[at] = value;
      return;
    }
    this.steps.splice(at, 0, step);
    this.values.splice(at, 0, value);
    if (this.steps.length > MOST_POINTS) {
      const half = MOST_POINTS / 2;
      const kept = (x, i) => i >= half || i % 2 === 0;
      this.steps = this.steps.filter(kept);
      this.values = this.values.filter(kept);
    }
  }

  cutFrom(step) {
    const kept = this.steps.filter(each => each < step).length;
    this.steps.length = kept;
    this.values.length = kept;
  }

  /** Where the last point at or before a step is. */
  at(step) {
    let low = -1;
    let high = this.steps.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.steps[middle] <= step) low = middle; else high = middle;
    }
    return low;
  }
}

/** A run: rows of numbers by label, and of everything else the newest. */
class Run {
  constructor(name) {
    this.name = name;
    this.header = {parameters: [], quantities: {}};
    this.series = new Map();
    this.epochs = new Map();
    this.newest = new Map();
    this.details = new Map();
    this.missing = new Map();
    this.lastStep = -1;
    this.lines = 0;
  }

  add(line) {
    this.lines++;
    if (line.schema) {
      this.header = Object.assign({parameters: [], quantities: {}}, line);
      if (line.resume_at !== undefined) this.series.forEach(series => series.cutFrom(line.resume_at));
    } else if (line.step !== undefined) {
      this.lastStep = Math.max(this.lastStep, line.step);
      for (const [label, value] of Object.entries(line.values || {})) this.addValue(label, line.step, value);
      for (const [label, value] of Object.entries(line.details || {})) this.details.set(label, {step: line.step, value});
    } else if (line.epoch !== undefined) {
      for (const [name, value] of Object.entries(line.values || {})) {
        if (!this.epochs.has(name)) this.epochs.set(name, new Series());
        const number = typeof value === 'number' ? value : Array.isArray(value) ? value[0] : null;
        if (typeof number === 'number') this.epochs.get(name).put(line.epoch, number);
      }
    }
  }

  addValue(label, step, value) {
    if (value && value.missing !== undefined) {
      this.missing.set(label, {step, reason: value.missing});
      return;
    }
    this.missing.delete(label);
    if (typeof value === 'number' || (Array.isArray(value) && !value.some(each => each && each.counts))) {
      if (!this.series.has(label)) this.series.set(label, new Series());
      this.series.get(label).put(step, value);
    } else if (!this.newest.has(label) || this.newest.get(label).step <= step) {
      this.newest.set(label, {step, value});
    }
  }

  /** The type of a label's quantity. */
  type(label) {
    const expression = this.header.quantities[label] || label;
    return expression.replace(/\(.*/s, '').replace(/\..*/, '');
  }

  /** Names of a list's values: those of layers or parameters, else numbers from 1. */
  names(label, length) {
    const details = this.details.get(label);
    const own = (details && (details.value.layers || details.value.parameters)) || this.header.parameters;
    return own.length === length ? own : Array.from({length}, (_, i) => String(i + 1));
  }

  labels(type) {
    const labels = new Set([...this.series.keys(), ...this.newest.keys(), ...this.missing.keys()]);
    return [...labels].filter(label => this.type(label) === type);
  }
}

/** One number of a value: a list's is the root of its squares' sum, or its sum. */
function total(value, how) {
  if (!Array.isArray(value)) return value;
  const numbers = value.filter(each => typeof each === 'number');
  if (numbers.length < value.length) return NaN;
  return how === 'norm' ? Math.sqrt(numbers.reduce((sum, each) => sum + each * each, 0))
    : how === 'first' ? numbers[0]
    : numbers.reduce((sum, each) => sum + each, 0);
}

/** The moving average with factor 0.2 that Cockpit draws. */
function averaged(values) {
  let average = null;
  return values.map(value => {
    if (Number.isFinite(value)) average = average === null ? value : 0.8 * average + 0.2 * value;
    return average === null ? NaN : average;
  });
}

function shown(number) {
  if (typeof number !== 'number' || !Number.isFinite(number)) return '–';
  const size = Math.abs(number);
  if (size === 0) return '0';
  if (Number.isInteger(number) && size < 1e7) return String(number);
  return size >= 1e5 || size < 1e-3 ? number.toExponential(2) : number.toPrecision(4).replace(/\.?0+$/, '');
}
