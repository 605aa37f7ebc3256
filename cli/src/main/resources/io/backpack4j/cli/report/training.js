'use strict';

(() => {
  const run = JSON.parse(document.getElementById('data').textContent);
  const place = (id) => document.getElementById(id);
  const drawn = [];

  const curve = (label, points, colour, more = {}) => ({
    label,
    data: points,
    borderColor: colour,
    backgroundColor: colour,
    borderWidth: 1.5,
    pointRadius: points.length > 60 ? 0 : 2.5,
    ...more,
  });

  const chart = (title, x, datasets) => {
    const canvas = element('canvas', { role: 'img', 'aria-label': title });
    place('curves').append(element('div', {}, element('h3', {}, title), element('div', { class: 'chart' }, canvas)));
    const axis = (text) => ({ type: 'linear', title: { display: Boolean(text), text }, grid: { color: variable('--line') } });
    drawn.push(new Chart(canvas, {
      type: 'line',
      data: { datasets },
      options: {
        responsive: true,
        maintainAspectRatio: false,
        animation: false,
        plugins: { legend: { display: datasets.length > 1 } },
        scales: { x: axis(x), y: axis('') },
      },
    }));
  };

  const draw = () => {
    drawn.splice(0).forEach((old) => old.destroy());
    place('curves').replaceChildren();
    const epochs = run.epochs;
    const points = (key) => epochs.filter((one) => key in one).map((one) => ({ x: one.epoch, y: one[key] }));
    const keys = epochs.length ? Object.keys(Object.assign({}, ...epochs)) : [];
    const metrics = [...new Set(keys.map((key) => key.replace(/^(train|valid)_/, '')))];
    for (const metric of metrics.filter((one) => one !== 'epoch' && one !== 'learning_rate')) {
      const sets = [];
      if (keys.includes(`train_${metric}`)) {
        sets.push(curve('training', points(`train_${metric}`), variable('--accent')));
      }
      if (keys.includes(`valid_${metric}`)) {
        sets.push(curve('held out', points(`valid_${metric}`), variable('--warm')));
      }
      chart(metric.replaceAll('_', ' '), 'epoch', sets);
    }
    if (run.losses.length) {
      const losses = run.losses.map(([x, y]) => ({ x, y }));
      chart('loss of each step', 'step', [curve('loss', losses, variable('--accent'), { pointRadius: 0, borderWidth: 1 })]);
    }
    if (keys.includes('learning_rate')) {
      chart('learning rate', 'epoch', [curve('learning rate', points('learning_rate'), variable('--accent'), { stepped: 'before' })]);
    }
    place('epochs').replaceChildren(table('epochs', keys.map((key) => [key.replaceAll('_', ' '), key, true]), epochs));
  };

  place('summary').textContent = run.summary;
  place('facts').replaceChildren(
    ...run.facts.map(({ name, value }) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));
  drawSurprises(run.surprises);
  draw();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  document.body.dataset.epochs = String(run.epochs.length);
})();
