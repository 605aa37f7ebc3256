/** Diagonals, spectra and factors. */
const drawCurvature = (curvature, chart) => {
  const place = (id) => document.getElementById(id);
  const percent = (share) => `${Number((100 * share).toPrecision(3))} %`;
  const LIGHT = ['#2f5fb3', '#b8432f', '#2e8b57', '#8a5cc2', '#b07d12', '#1f8fa3'];
  const DARK = ['#7ea6ee', '#ee8a72', '#6fcf97', '#c3a1f0', '#e6bd5a', '#66d0e0'];
  const colour = (i) => (isDark() ? DARK : LIGHT)[i % LIGHT.length];
  const short = (value) => (value >= 1e-3 && value < 1e4 ? String(Number(value.toPrecision(3))) : value.toExponential(0));
  /** Marks at 1, 2 and 5 of every decade, or at 1 if there are many decades. */
  const marks = (axis) => {
    const leading = axis.max > 100 * axis.min ? /^1(e|$)/ : /^[125](e|$)/;
    const kept = axis.ticks.filter(({ value }) => leading.test(Number(value.toPrecision(6)).toExponential()));
    axis.ticks = kept.length > 2 ? kept : axis.ticks.filter((_, i) => i % Math.ceil(axis.ticks.length / 6) === 0);
  };
  const logarithmic = (afterBuildTicks = marks) =>
    ({ type: 'logarithmic', afterBuildTicks, ticks: { callback: short, maxRotation: 0, autoSkip: false } });
  const lines = { legend: { display: true, labels: { boxWidth: 14, boxHeight: 2 } } };

  const drawDiagonals = () => {
    const images = curvature.diagonals;
    place('diagonals-note').textContent = curvature.diagonalsNote;
    if (!images) {
      return;
    }
    const { width, height, limit } = images;
    const shade = (value) => SEQUENTIAL(limit > 0 ? value / limit : 0);
    const kinds = [['exact', 'exact diagonal'], ['estimate', 'Monte-Carlo estimate']].filter(([kind]) => images.units[0][kind]);
    const both = kinds.length > 1;
    const title = both ? 'exact (left) and Monte-Carlo estimate (right)' : kinds[0][1];
    const units = element('div', { class: 'units' });
    for (const unit of images.units) {
      const pair = element('div', { class: 'pair' });
      kinds.forEach(([kind, name]) => pair.append(picture(unit[kind], width, height, shade, `${name}, ${unit.label}`)));
      units.append(element('figure', {}, pair, element('figcaption', {}, element('b', {}, unit.label))));
    }
    const legends = element('div', { class: 'legends' }, legend(title, SEQUENTIAL, [0, limit / 2, limit]));
    place('diagonals-body').replaceChildren(legends, units);
  };

  const drawSpectra = () => {
    const body = place('spectra-body');
    place('spectra-note').textContent = curvature.spectraNote;
    body.replaceChildren();
    if (!curvature.spectra.length) {
      return;
    }
    const grid = element('div', { class: 'charts' });
    body.append(grid);
    const parameters = [...new Set(curvature.spectra.map((one) => one.parameter))];
    for (const [side, title] of [['A', 'A: the side of the layer\u2019s inputs'], ['G', 'G: the side of its outputs']]) {
      const shown = curvature.spectra.filter((one) => one.side === side && one.points.length);
      const most = Math.max(0, ...shown.map((one) => one.size));
      chart(
        grid,
        title,
        'line',
        {
          datasets: shown.map((one) => ({
            label: one.parameter,
            data: one.points.map(([x, y]) => ({ x, y })),
            borderColor: colour(parameters.indexOf(one.parameter)),
            backgroundColor: colour(parameters.indexOf(one.parameter)),
            borderWidth: 1.5,
            pointRadius: 2,
          })),
        },
        {
          x: most > 50 ? 'rank, log scale' : 'rank',
          y: 'eigenvalue, log scale',
          xMore: most > 50 ? logarithmic() : { type: 'linear', min: 1, ticks: { precision: 0 } },
          yMore: logarithmic(),
          plugins: lines,
        });
    }
    const rows = curvature.spectra.map((one) => ({ ...one, share: `${one.most} of ${one.size}` }));
    const columns = [['parameter', 'parameter'], ['factor', 'side'], ['rows', 'size', true],
      ['greatest eigenvalue', 'greatest', true], ['trace', 'trace', true], ['90 % of the trace in', 'share']];
    body.append(element('div', { class: 'after' }), table('Eigenvalues of Kronecker factors', columns, rows));
  };

  const drawDirections = () => {
    const body = place('directions-body');
    place('directions-note').textContent = curvature.directionsNote;
    body.replaceChildren();
    if (!curvature.directions) {
      return;
    }
    const { trace, rows } = curvature.directions;
    const ratio = (value) => (value === null ? '\u2013' : value);
    const columns = [['direction', 'rank', true], ['eigenvalue', 'eigenvalue', true], ['of the trace', 'part', true],
      ['slope to noise', 'slope', true], ['curvature to noise', 'curvature', true]];
    const shown = rows.map((one) => ({
      ...one, part: percent(one.eigenvalue / trace), slope: ratio(one.slopeToNoise), curvature: ratio(one.curvatureToNoise),
    }));
    body.append(table('Leading eigenvectors of the Gauss-Newton matrix', columns, shown));
  };

  const drawFactors = () => {
    const body = place('factors-body');
    place('factors-note').textContent = curvature.factorsNote;
    body.replaceChildren();
    const grid = element('div', { class: 'factors' });
    for (const pair of curvature.factors) {
      const shade = (value) => diverging()(pair.limit > 0 ? value / pair.limit / 2 + 0.5 : 0.5);
      const title = `${pair.parameter}: ${percent(pair.distance)} apart`;
      const figure = element('figure', {}, element('figcaption', {}, element('b', {}, title)));
      if (pair.exact.length) {
        const pictures = element('div', { class: 'pair' });
        pictures.append(
          picture(pair.estimate, pair.size, pair.size, shade, `G of KFAC, ${pair.parameter}`),
          picture(pair.exact, pair.size, pair.size, shade, `G of KFLR, ${pair.parameter}`));
        figure.append(pictures, legend('KFAC (left), KFLR (right)', diverging(), [-pair.limit, 0, pair.limit]));
      } else {
        figure.append(element('figcaption', {}, `G has ${pair.size} rows, too many for a picture.`));
      }
      grid.append(figure);
    }
    const shown = curvature.convergence.filter((one) => one.points.length > 1);
    if (shown.length) {
      const slot = element('figure');
      const draws = shown[0].points.map(([x]) => x);
      const start = Math.max(...shown.map((one) => one.points[0][1]));
      const datasets = shown.map((one, i) => ({
        label: one.parameter,
        data: one.points.map(([x, y]) => ({ x, y: 100 * y })),
        borderColor: colour(i),
        backgroundColor: colour(i),
        borderWidth: 1.5,
        pointRadius: 3,
      }));
      datasets.push({
        label: '1 / \u221Adraws',
        data: draws.map((x) => ({ x, y: (100 * start) / Math.sqrt(x) })),
        borderColor: variable('--soft'),
        borderDash: [5, 5],
        borderWidth: 1,
        pointRadius: 0,
      });
      chart(
        slot,
        'Distance of KFAC\u2019s G from KFLR\u2019s, mean of 3 seeds',
        'line',
        { datasets },
        {
          x: 'draws per sample (mc_samples), log scale',
          y: 'distance in %, log scale',
          xMore: logarithmic((axis) => { axis.ticks = draws.map((value) => ({ value })); }),
          yMore: logarithmic(),
          plugins: lines,
        });
      grid.append(slot);
    }
    body.append(grid);
  };

  drawDiagonals();
  drawSpectra();
  drawDirections();
  drawFactors();
};
