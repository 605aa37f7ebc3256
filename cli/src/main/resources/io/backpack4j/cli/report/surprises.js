/** Characters that can be seen: ends of lines get a sign. */
const visible = (text) => text.replaceAll('\n', '\u21b5');
const alone = (character) => (character === ' ' ? '\u2423' : visible(character));

/** The characters of a text, coloured by their losses, and the most surprising ones. */
const drawSurprises = (surprises) => {
  if (!surprises) {
    return;
  }
  document.getElementById('text').hidden = false;
  document.getElementById('text-note').textContent =
    `The loss of a character is \u2212log p: ${format(surprises.mean)} nats on average, ${format(surprises.mean / Math.LN2)} bits. `
    + 'The deeper the colour, the less the model expected it. Point at a character for its numbers.';
  const deepest = 6;
  const passages = element('div', { class: 'passages' });
  for (const passage of surprises.passages) {
    const line = element('p', { 'aria-label': passage.text });
    [...passage.text].forEach((character, i) => {
      const loss = Number(passage.losses[i]);
      const title = `${alone(character)}: loss ${format(loss)}, p = ${format(Math.exp(-loss))}`;
      const span = element('span', { title }, character === '\n' ? '\u21b5\n' : character);
      const depth = Math.round(Math.min(Math.max(loss / deepest, 0), 1) * 85);
      span.style.background = `color-mix(in srgb, var(--warm) ${depth}%, transparent)`;
      line.append(span);
    });
    passages.append(line);
  }
  const rows = surprises.surprising.map((one) => ({
    ...one, before: visible(one.before), character: alone(one.character), expected: alone(one.expected) }));
  const means = surprises.characters.map((one) => ({ ...one, character: alone(one.character) }));
  document.getElementById('text-body').replaceChildren(
    passages,
    element('h3', { class: 'after' }, 'The most surprising characters'),
    table(
      'The most surprising characters',
      [['sample', 'index', true], ['behind', 'before'], ['came', 'character'], ['loss', 'loss', true], ['p', 'probability', true],
        ['expected', 'expected'], ['p of that', 'expectedProbability', true]],
      rows),
    element('h3', { class: 'after' }, 'Mean loss of each character'),
    table('Mean loss of each character', [['character', 'character'], ['places', 'count', true], ['mean loss', 'mean', true]], means));
};
