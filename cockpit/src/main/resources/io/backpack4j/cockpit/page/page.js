// Puts instruments on the page, fills them, and listens while training goes on.

const data = JSON.parse(document.getElementById('data').textContent);
const runs = data.runs.map(each => {
  const run = new Run(each.name);
  (each.lines || []).forEach(line => run.add(line));
  run.alarms = each.alarms || [];
  return run;
});
const cards = new Map();
let logSteps = false;
let cursor = null;
let waiting = false;

function make(name, className, parent, content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  if (parent) parent.appendChild(made);
  return made;
}

function chosen() {
  return runs[Number(document.getElementById('run').value) || 0];
}

/** Everything that a card may be for: the instruments, and one for each label that none of them knows. */
function wanted() {
  const others = new Set();
  runs.forEach(run => [...run.series.keys()].forEach(label => {
    if (!KNOWN.has(run.type(label)) && run.type(label) !== 'Time') others.add(label);
  }));
  return INSTRUMENTS.concat([...others].map(label => ({
    group: 'Others', id: 'other-' + label, title: label, labels: [label], each: 'numbers',
    why: 'A quantity of a plugin. Its documentation says what it tells.'})));
}

function labelsOf(run, instrument) {
  return instrument.labels || (instrument.types || []).flatMap(type => run.labels(type));
}

function card(instrument) {
  if (cards.has(instrument.id)) return cards.get(instrument.id);
  let group = document.getElementById('group-' + instrument.group);
  if (!group) {
    const section = make('section', '', document.getElementById('groups'));
    make('h2', '', section, instrument.group);
    group = make('div', 'grid', section);
    group.id = 'group-' + instrument.group;
  }
  const made = make('article', 'card', group);
  made.id = 'card-' + instrument.id;
  make('h3', '', made, instrument.title).id = 'title-' + instrument.id;
  const parts = {box: made, now: null, body: null, keys: null};
  parts.body = make('div', '', made);
  parts.keys = make('div', 'now', made);
  parts.now = make('div', 'now', made);
  parts.missing = make('div', 'missing', made);
  make('p', 'why', made, instrument.why);
  cards.set(instrument.id, parts);
  return parts;
}

function plot(parts, instrument, name) {
  let svg = parts.body.querySelector('svg[data-name="' + CSS.escape(name) + '"]');
  if (!svg) {
    svg = element('svg', {class: 'plot', role: 'img', tabindex: '0', 'data-name': name, 'aria-label': instrument.title + (name ? ', ' + name : '')}, parts.body);
    svg.addEventListener('keydown', event => move(event, instrument));
  }
  return svg;
}

/** Moves along the steps that an instrument has points at. */
function move(event, instrument) {
  const steps = [...new Set(runs.flatMap(run => rows(run, instrument).flatMap(row => row.steps)))].sort((a, b) => a - b);
  if (!steps.length) return;
  const now = cursor === null ? steps.length - 1 : Math.max(0, steps.findIndex(step => step >= cursor));
  const next = {ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: steps.length - 1, PageUp: now - 10, PageDown: now + 10}[event.key];
  if (event.key === 'Escape') cursor = null;
  else if (next === undefined) return;
  else cursor = steps[Math.max(0, Math.min(steps.length - 1, next))];
  event.preventDefault();
  draw();
}

function numberAt(value, i) {
  return Array.isArray(value) && typeof value[i] === 'number' ? value[i] : NaN;
}

/** Single values of a label by the names that drawings have: the label's own, or those of layers or parameters. */
function single(run, label, value) {
  if (!Array.isArray(value)) return [{name: label, own: value}];
  const names = run.names(label, value.length);
  return value.map((own, place) => ({name: `${label} ${names[place]}`, own, place})).filter(each => each.own !== null && each.own.missing === undefined);
}

/** The plot of a single value, with its name above where there are several. */
function singlePlot(parts, instrument, {name, place}) {
  if (place !== undefined && !parts.body.querySelector('[data-caption="' + CSS.escape(name) + '"]')) make('div', 'now', parts.body, name).dataset.caption = name;
  return plot(parts, instrument, name);
}

/** The lines of an instrument. */
function rows(run, instrument) {
  const number = runs.indexOf(run);
  const several = runs.length > 1;
  const made = [];
  const add = (name, series, pick) => {
    const values = series.values.map(pick);
    if (values.some(Number.isFinite)) made.push({name, run: several ? number : made.length, steps: series.steps, values, smooth: !instrument.epochs});
  };
  (instrument.epochs || []).forEach(name => { if (run.epochs.has(name)) add(name, run.epochs.get(name), x => x); });
  labelsOf(run, instrument).forEach(label => {
    const series = run.series.get(label);
    if (!series || !series.values.length) return;
    const last = series.values[series.values.length - 1];
    if ((instrument.each || !instrument.how) && Array.isArray(last)) {
      const names = instrument.each === 'ordinal' && !last.some(Array.isArray) ? last.map((_, i) => label + ' ' + (i + 1)) : run.names(label, last.length);
      last.forEach((own, i) => {
        if (Array.isArray(own)) {
          own.forEach((_, j) => add(`${names[i]} ${j + 1}`, series, value => numberAt(value && value[i], j)));
        } else {
          add(names[i], series, value => numberAt(value, i));
        }
      });
    } else {
      add(label, series, value => total(value, instrument.how || 'sum'));
    }
  });
  made.forEach((row, i) => {
    row.dashed = several ? i % 2 === 1 : run.type(row.name) === 'UpdateSize';
    if (several) row.name = run.name + ': ' + row.name;
  });
  return made;
}

function drawLines(parts, instrument) {
  const all = runs.flatMap(run => rows(run, instrument));
  if (!all.length) return false;
  lines(plot(parts, instrument, ''), all, {logSteps: logSteps && !instrument.epochs, zero: instrument.zero, share: instrument.share, cursor: instrument.epochs ? null : cursor});
  parts.keys.replaceChildren();
  if (all.length > 1) all.forEach(row => make('span', 'key ofrun-' + row.run % 6, parts.keys, row.name));
  parts.now.textContent = nowOf(all, instrument);
  if (instrument.details) parts.now.textContent += detailsOf(instrument);
  return true;
}

/** The numbers at the cursor, or the newest ones, with their step: once if it is the same. */
function nowOf(all, instrument) {
  const unit = instrument.epochs ? ' in epoch ' : ' at step ';
  const shownRows = all.slice(0, 6).map(row => {
    let at = row.steps.length - 1;
    if (cursor !== null && !instrument.epochs) while (at > 0 && row.steps[at] > cursor) at--;
    return {text: (all.length > 1 ? row.name + ': ' : '') + shown(row.values[at]), step: row.steps[at]};
  });
  const same = shownRows.every(row => row.step === shownRows[0].step);
  return shownRows.map(row => row.text + (same ? '' : unit + row.step)).join(' · ')
    + (all.length > 6 ? ` · and ${all.length - 6} more` : '') + (same ? unit + shownRows[0].step : '');
}

/** What details say of the newest step, in words. */
function detailsOf(instrument) {
  const run = chosen();
  const own = labelsOf(run, instrument).map(label => run.details.get(label)).find(each => each);
  return own ? ' · ' + instrument.details(own.value) : '';
}

function drawOther(parts, instrument) {
  const run = chosen();
  const number = runs.indexOf(run);
  let drawn = false;
  for (const label of labelsOf(run, instrument)) {
    const newest = run.newest.get(label);
    if (instrument.kind === 'alpha' && run.series.has(label)) {
      const all = run.series.get(label).values;
      single(run, label, all[all.length - 1]).filter(each => each.place !== undefined).forEach(each => {
        parabola(singlePlot(parts, instrument, each), all.map(value => numberAt(value, each.place)).filter(Number.isFinite), number);
        drawn = true;
      });
      const values = all.filter(Number.isFinite);
      if (!values.length) continue;
      parabola(plot(parts, instrument, label), values, number);
      const mean = values.slice(-Math.max(1, Math.ceil(values.length / 10))).reduce((a, b, _, all) => a + b / all.length, 0);
      parts.now.textContent = 'last ' + shown(values[values.length - 1]) + ' · mean of the last tenth ' + shown(mean);
      drawn = true;
    } else if (instrument.kind === 'bars' && newest) {
      single(run, label, newest.value).forEach(each => bars(singlePlot(parts, instrument, each), each.own.counts, each.own.edges, number));
      parts.now.textContent = 'step ' + newest.step;
      drawn = true;
    } else if (instrument.kind === 'heat' && newest) {
      single(run, label, newest.value).forEach(({name, own}) => heatOf(parts, name, own));
      parts.now.textContent = 'step ' + newest.step;
      drawn = true;
    } else if (instrument.kind === 'individual' && newest && newest.value.individual) {
      Object.entries(newest.value.individual).forEach(([parameter, own]) => heatOf(parts, parameter, own));
      parts.now.textContent = 'step ' + newest.step;
      drawn = true;
    } else if (instrument.kind === 'samples' && run.details.has(label)) {
      samples(parts, run.details.get(label));
      drawn = true;
    } else if (instrument.kind === 'directions' && run.details.has(label)) {
      directions(parts, instrument, run.series.get(label), run.details.get(label));
      drawn = true;
    }
  }
  return drawn;
}

function heatOf(parts, name, histogram) {
  let box = parts.body.querySelector('[data-heat="' + CSS.escape(name) + '"]');
  if (!box) {
    box = make('figure', '', parts.body);
    box.dataset.heat = name;
    make('figcaption', 'now', box);
    const canvas = make('canvas', 'heat', box);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', 'Gradient elements against values of ' + name);
  }
  const [gradients, values] = histogram.edges;
  box.firstChild.textContent = `${name}: gradients ${shown(gradients[0])} to ${shown(gradients[gradients.length - 1])} upwards, values ${shown(values[0])} to ${shown(values[values.length - 1])} to the right`;
  heat(box.lastChild, histogram.counts);
}

/** Tables of samples, one pair for every layer if there are several. */
function samples(parts, {step, value}) {
  parts.body.replaceChildren();
  Object.entries(value.groups || {'': value}).forEach(([group, own]) => samplesOf(parts, group, own));
  parts.now.textContent = 'step ' + step;
}

function samplesOf(parts, group, value) {
  for (const [title, list, columns] of [['Longest gradients', value.longest || [], ['id', 'norm', 'loss']], ['Most opposed', value.most_opposed || [], ['id', 'inner_product', 'cosine']]]) {
    const table = make('table', '', parts.body);
    make('caption', 'now', table, group ? `${title}, ${group}` : title);
    const head = make('tr', '', make('thead', '', table));
    columns.forEach(column => make('th', '', head, column.replace('_', ' ')).setAttribute('scope', 'col'));
    const body = make('tbody', '', table);
    list.forEach(sample => {
      const row = make('tr', '', body);
      columns.forEach(column => make('td', '', row, shown(sample[column])));
    });
  }
}

/** Eigenvalues as lines, and what is known along their directions at the newest step as a table. */
function directions(parts, instrument, series, {step, value}) {
  drawLines(parts, instrument);
  parts.body.querySelectorAll('table').forEach(each => each.remove());
  const table = make('table', '', parts.body);
  make('caption', 'now', table, `${shown(100 * value.share)} % of the trace ${shown(value.trace)} · step ${step}`);
  const head = make('tr', '', make('thead', '', table));
  ['direction', 'eigenvalue', 'slope to noise', 'curvature to noise'].forEach(each => make('th', '', head, each).setAttribute('scope', 'col'));
  const body = make('tbody', '', table);
  const newest = series && series.values.length ? series.values[series.values.length - 1] : [];
  (value.slope_to_noise || []).forEach((ratio, k) => {
    const row = make('tr', '', body);
    [k + 1, newest[k], ratio, value.curvature_to_noise[k]].forEach(each => make('td', '', row, typeof each === 'number' ? shown(each) : '–'));
  });
}

function draw() {
  waiting = false;
  for (const instrument of wanted()) {
    const labels = runs.flatMap(run => labelsOf(run, instrument).map(label => [run, label]));
    const epochs = (instrument.epochs || []).some(name => runs.some(run => run.epochs.has(name)));
    const individual = instrument.kind !== 'individual' || runs.some(run => labelsOf(run, instrument).some(label => run.newest.has(label) && run.newest.get(label).value.individual));
    if ((!labels.length && !epochs) || !individual) continue;
    const parts = card(instrument);
    if (!instrument.kind) drawLines(parts, instrument); else drawOther(parts, instrument);
    const reasons = labels.filter(([run, label]) => run.missing.has(label)).map(([run, label]) => `${label} is missing at step ${run.missing.get(label).step}: ${run.missing.get(label).reason}`);
    parts.missing.textContent = [...new Set(reasons)].slice(0, 3).join(' ');
  }
  summary();
}

/** The alarms of a run, those that say the same as one. */
function distinctAlarms(run) {
  const distinct = new Map();
  run.alarms.forEach(alarm => {
    const known = distinct.get(alarm.name + alarm.message);
    if (known) {
      known.last = alarm;
      known.times++;
    } else {
      distinct.set(alarm.name + alarm.message, {own: run, first: alarm, last: alarm, times: 1});
    }
  });
  return [...distinct.values()];
}

function summary() {
  const run = runs[0];
  const steps = run.lastStep < 0 ? 'no step yet' : `${run.lastStep + 1} steps`;
  document.getElementById('summary').textContent = runs.length > 1 ? `${runs.length} runs: ${runs.map(each => each.name).join(', ')}`
    : [run.header.model, run.header.optimizer, 'seed ' + run.header.seed, steps].filter(each => each && !/unknown/.test(each)).join(' · ');
  const list = document.getElementById('alarm-list');
  const alarms = runs.flatMap(distinctAlarms);
  document.getElementById('alarms').hidden = !alarms.length;
  list.replaceChildren();
  alarms.sort((a, b) => b.last.step - a.last.step).slice(0, 12).forEach(({own, first, last, times}) => {
    const since = times > 1 ? `, ${times} times since step ${first.step}` : '';
    const item = make('li', '', list, `${runs.length > 1 ? own.name + ', ' : ''}step ${last.step}${since}: ${last.message} `);
    make('span', 'rule', item, `(${last.name}: ${last.rule})`);
  });
  const missing = runs.flatMap(each => Object.entries(each.header.unavailable || {}));
  document.getElementById('left-out').hidden = !missing.length;
  document.getElementById('left-out-list').replaceChildren(...missing.map(([label, reason]) => make('li', '', null, `${label}: ${reason}`)));
}

/** Draws soon, and not more than a few times a second. */
function soon() {
  if (waiting) return;
  waiting = true;
  setTimeout(() => requestAnimationFrame(draw), 250);
}

function listen() {
  const state = document.getElementById('state');
  const source = new EventSource('events');
  source.onopen = () => { state.textContent = 'Live'; state.className = ''; };
  source.onerror = () => { state.textContent = 'The connection is lost. This page tries again by itself; the run may be over.'; state.className = 'lost'; };
  source.addEventListener('line', event => { runs[0].add(JSON.parse(event.data)); soon(); });
  source.addEventListener('alarm', event => {
    const alarm = JSON.parse(event.data);
    if (!runs[0].alarms.some(each => each.step === alarm.step && each.message === alarm.message)) runs[0].alarms.push(alarm);
    soon();
  });
  source.addEventListener('end', () => { state.textContent = 'The run is over.'; state.className = ''; source.close(); });
}

runs.forEach((run, i) => {
  const option = make('option', '', document.getElementById('run'), run.name);
  option.value = i;
});
document.getElementById('run-choice').hidden = runs.length < 2;
document.getElementById('run').addEventListener('change', () => { cards.forEach(parts => parts.body.querySelectorAll('figure').forEach(each => each.remove())); draw(); });
document.getElementById('log-steps').addEventListener('change', event => { logSteps = event.target.checked; draw(); });
document.getElementById('explain').addEventListener('change', event => document.body.classList.toggle('plain', !event.target.checked));
addEventListener('resize', soon);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', soon);
draw();
if (data.live) listen();
