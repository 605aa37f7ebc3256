'use strict';

(() => {
  const audit = JSON.parse(document.getElementById('data').textContent);
  const place = (id) => document.getElementById(id);
  const words = (name) => name.replaceAll('_', ' ');
  const percent = (probability) => `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)} %`;

  const image = ({ picture: given, id, label, predicted }) => {
    const { width, height, channels, levels } = given;
    const pixels = Array.from({ length: width * height }, (_, i) => i);
    const colour = (i) => Array.from({ length: 3 }, (_, c) => levels[i * channels + (channels === 3 ? c : 0)]);
    return picture(pixels, width, height, colour, `sample ${id}, labelled ${label}, predicted ${predicted}`);
  };

  const drawPictures = () => {
    const seen = audit.suspects.filter((one) => one.picture);
    place('pictures').hidden = !seen.length;
    place('pictures-note').textContent =
      `The ${seen.length} most suspicious by ${words(audit.score)}, the most suspicious first: the label given, then what the network predicts and how sure it is.`;
    place('pictures-body').replaceChildren(...seen.map((one) =>
      element('figure', {}, image(one), element('figcaption', {},
        element('b', {}, `${one.label} → ${one.predicted}`), element('br'), percent(one.predictedProbability), element('br'), `no. ${one.id}`))));
  };

  const drawRanks = () => {
    place('ranks-note').textContent =
      'p is the probability that the network gives to a class. The last columns are ranks among all samples, 1 for the most suspicious. A click on a title sorts.';
    const columns = [
      ['sample', 'id', true], ['label', 'label', true], ['its p', 'labelProbability', true],
      ['predicted', 'predicted', true], ['its p', 'predictedProbability', true],
      [words(audit.score), 'value', true],
      ...audit.scores.map((name) => [`by ${words(name)}`, `rank ${name}`, true]),
    ];
    const rows = audit.suspects.map((one) => Object.assign(
      { value: one.values[audit.score] },
      one,
      ...audit.scores.map((name) => ({ [`rank ${name}`]: one.ranks[name] }))));
    place('ranks-body').replaceChildren(table('suspicious labels', columns, rows));
  };

  place('summary').textContent = audit.summary;
  place('facts').replaceChildren(
    ...audit.facts.map(({ name, value }) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));
  drawPictures();
  drawRanks();
  document.body.dataset.suspects = String(audit.suspects.length);
})();
