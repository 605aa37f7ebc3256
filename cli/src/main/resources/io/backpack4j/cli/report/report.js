'use strict';

(() => {
  const report = JSON.parse(document.getElementById('data').textContent);
  const place = (id) => document.getElementById(id);
  const charts = [];

  /** A chart with its title, drawn by Chart.js. */
  const chart = (parent, title, type, data, options, attributes = {}) => {
    const canvas = element('canvas', { role: 'img', 'aria-label': title });
    const frame = element('div', { class: 'chart' }, canvas);
    if (attributes.height) {
      frame.style.height = attributes.height;
    }
    parent.append(element('div', { class: attributes.class || '' }, element('h3', {}, title), frame));
    const axis = (text, more) => ({
      title: { display: Boolean(text), text },
      grid: { color: variable('--line') },
      ...more,
    });
    const common = { responsive: true, maintainAspectRatio: false, animation: false };
    const plugins = { legend: { display: false }, ...options.plugins };
    const scales = { x: axis(options.x, options.xMore), y: axis(options.y, options.yMore) };
    charts.push(new Chart(canvas, { type, data, options: { ...common, ...options.more, plugins, scales } }));
  };

  const drawImages = () => {
    const images = report.images;
    place('images-note').textContent = report.imagesNote;
    if (!images) {
      return;
    }
    const { width, height } = images;
    const signed = (limit) => (value) => diverging()(limit > 0 ? value / limit / 2 + 0.5 : 0.5);
    const positive = (limit) => (value) => SEQUENTIAL(limit > 0 ? value / limit : 0);
    const kinds = [
      ['value', images.valueLimit, signed, diverging()],
      ['gradient', images.gradientLimit, signed, diverging()],
      ['variance', images.varianceLimit, positive, SEQUENTIAL],
    ].filter(([, limit]) => limit !== null);
    const places = kinds.length > 2 ? ['left', 'middle', 'right'] : ['left', 'right'];
    const legends = element('div', { class: 'legends' });
    kinds.forEach(([kind, limit, , colours], i) =>
      legends.append(legend(`${kind} (${places[i]})`, colours, kind === 'variance' ? [0, limit / 2, limit] : [-limit, 0, limit])));
    const units = element('div', { class: kinds.length > 2 ? 'units wide' : 'units' });
    for (const unit of images.units) {
      const pair = element('div', { class: 'pair' });
      for (const [kind, limit, scaled] of kinds) {
        pair.append(picture(unit[kind], width, height, scaled(limit), `${kind}, ${unit.label}`));
      }
      units.append(element('figure', {}, pair, element('figcaption', {}, element('b', {}, unit.label))));
    }
    place('images-body').replaceChildren(legends, units);
  };

  const samplesOf = (norms, samples, title) => {
    const grid = element('div', { class: 'samples' });
    for (const sample of samples) {
      const where = sample.label === null ? `no. ${sample.index}` : `a ${sample.label}, no. ${sample.index}`;
      const figure = element('figure');
      const grey = (value) => GREY(value / 255);
      figure.append(picture(sample.pixels, norms.width, norms.height, grey, `sample ${where}`));
      figure.append(element('figcaption', {}, element('b', {}, format(sample.norm)), element('br'), where));
      grid.append(figure);
    }
    return [element('h3', { class: 'after' }, title), grid];
  };

  const drawNorms = () => {
    const norms = report.norms;
    place('norms-note').textContent = report.normsNote;
    if (!norms) {
      return;
    }
    const body = place('norms-body');
    const grid = element('div', { class: 'charts' });
    body.replaceChildren(grid);
    const bins = norms.counts.length;
    const edge = (i) => norms.least + ((norms.greatest - norms.least) * i) / bins;
    chart(
      grid,
      `Distribution of norms (median ${format(norms.median)})`,
      'bar',
      {
        labels: norms.counts.map((_, i) => format(Number(((edge(i) + edge(i + 1)) / 2).toPrecision(3)))),
        datasets: [{ data: norms.counts, backgroundColor: variable('--accent'), barPercentage: 1, categoryPercentage: 0.94 }],
      },
      {
        x: 'norm of the individual gradient',
        y: 'samples',
        xMore: { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 18 } },
        yMore: { ticks: { precision: 0 }, beginAtZero: true },
        plugins: {
          tooltip: { callbacks: { title: ([item]) => `${format(edge(item.dataIndex))} to ${format(edge(item.dataIndex + 1))}` } },
        },
      },
      { class: norms.classes.length ? 'wide' : '' });
    chart(
      grid,
      'Loss and norm, one point per sample',
      'scatter',
      { datasets: [{ data: norms.points.map(([x, y]) => ({ x, y })), backgroundColor: variable('--warm') + '80', radius: 2.5 }] },
      { x: 'loss of the sample', y: 'norm' });
    if (norms.classes.length) {
      chart(
        grid,
        'Mean norm per class',
        'bar',
        {
          labels: norms.classes.map((one) => one.label),
          datasets: [{ data: norms.classes.map((one) => one.mean), backgroundColor: variable('--accent') }],
        },
        {
          x: 'class',
          y: 'mean norm',
          xMore: { grid: { display: false } },
          plugins: { tooltip: { callbacks: { afterLabel: (item) => `${norms.classes[item.dataIndex].samples} samples` } } },
        });
    }
    if (norms.height > 0) {
      body.append(...samplesOf(norms, norms.unusual, 'The most unusual: the greatest norms'));
      body.append(...samplesOf(norms, norms.ordinary, 'The most ordinary: the least norms'));
    } else {
      const columns = [['sample', 'index', true], ['norm', 'norm', true], ['loss', 'loss', true]];
      if (norms.unusual.some((one) => one.text !== null)) {
        columns.push(['text', 'text']);
      }
      body.append(element('h3', { class: 'after' }, 'The greatest norms'), table('The greatest norms', columns, norms.unusual.map((one) => ({ ...one, text: visible(one.text || '') }))));
    }
  };

  const drawTimings = () => {
    const body = place('timings-body');
    body.replaceChildren();
    const timings = report.timings;
    chart(
      body,
      'Milliseconds per pass',
      'bar',
      {
        labels: timings.map((timing) => timing.pass),
        datasets: [{ data: timings.map((timing) => timing.median), backgroundColor: variable('--accent'), maxBarThickness: 22 }],
      },
      { x: 'ms', more: { indexAxis: 'y' }, xMore: { beginAtZero: true }, yMore: { grid: { display: false } } },
      { height: `${70 + 34 * timings.length}px` });
    const columns = [['pass', 'pass'], ['median ms', 'median', true], ['least ms', 'min', true], ['greatest ms', 'max', true]];
    body.append(element('div', { class: 'after' }), table('Timings', columns, timings));
  };

  const draw = () => {
    charts.splice(0).forEach((old) => old.destroy());
    Chart.defaults.color = variable('--soft');
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawImages();
    drawNorms();
    drawCurvature(report.curvature, chart);
    drawTimings();
  };

  place('summary').textContent = report.summary;
  place('facts').append(
    ...report.facts.map((fact) => element('div', {}, element('dt', {}, fact.name), element('dd', {}, fact.value))));
  place('quantities-body').append(
    table(
      'All results',
      [['parameter', 'parameter'], ['quantity', 'quantity'], ['shape', 'shape'], ['min', 'min', true],
        ['mean', 'mean', true], ['max', 'max', true], ['L2 norm', 'norm', true]],
      report.quantities));
  if (report.notes.length) {
    place('left-out').hidden = false;
    place('notes').append(...report.notes.map((note) => element('li', {}, note)));
  }
  drawSurprises(report.surprises);
  draw();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
})();
