// The budget slider: numbers, curve and map follow the thumb without asking the server; letting go tells which budget was chosen.

import { element } from './panel.js';

const SVG = 'http://www.w3.org/2000/svg';
const [WIDE, HIGH, PAD] = [260, 92, 6];

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/** Coverage against money: the plans that hold one another as a line, what no plan can exceed as a dashed one, and a dot at the chosen budget. */
function curve(rungs, words) {
  const most = Math.max(...rungs.map((rung) => rung.bound), 1e-9);
  const last = rungs[rungs.length - 1].budget;
  const x = (rung) => PAD + ((WIDE - 2 * PAD) * rung.budget) / last;
  const y = (share) => HIGH - PAD - ((HIGH - 2 * PAD) * share) / most;
  const box = drawn('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, class: 'curve', role: 'img', 'aria-label': words.curve });
  const line = (name) => rungs.map((rung) => `${x(rung)},${y(rung[name])}`).join(' ');
  box.append(
    drawn('polyline', { points: `${PAD},${HIGH - PAD} ${WIDE - PAD},${HIGH - PAD}`, class: 'axis' }), drawn('polyline', { points: line('bound'), class: 'bound' }),
    drawn('polyline', { points: line('covered'), class: 'covered' }),
  );
  const dot = drawn('circle', { r: 5, class: 'dot' });
  box.append(dot);
  return {
    box,
    set(k) {
      dot.setAttribute('cx', String(x(rungs[k])));
      dot.setAttribute('cy', String(y(rungs[k].covered)));
    },
  };
}

/** The slider with its numbers; `move(k)` is called as it is dragged, `release(k)` when it is let go. */
export function budgetSlider(ladder, words, move, release) {
  const { rungs } = ladder;
  const box = element('section', 'ladder');
  box.setAttribute('aria-label', words.budget);
  const numbers = element('div', 'numbers');
  const fields = {};
  for (const name of ['budget', 'cameras', 'covered', 'worst']) {
    const cell = element('div', 'number');
    fields[name] = { value: element('strong'), note: element('small') };
    fields[name].value.dataset.number = name;
    cell.append(element('span', '', words[name]), fields[name].value, fields[name].note);
    numbers.append(cell);
  }
  const input = element('input');
  input.type = 'range';
  input.min = '0';
  input.max = String(rungs.length - 1);
  input.step = '1';
  input.setAttribute('aria-label', words.budget);
  const line = curve(rungs, words);
  const show = (k) => {
    const said = rungs[k].said;
    for (const name of Object.keys(fields)) {
      fields[name].value.textContent = said[name];
      fields[name].note.textContent = said[`${name}_note`] || '';
    }
    input.setAttribute('aria-valuetext', `${said.budget}, ${said.covered}`);
    line.set(k);
  };
  input.addEventListener('input', () => { show(Number(input.value)); move(Number(input.value)); });
  input.addEventListener('change', () => release(Number(input.value)));
  box.append(numbers, line.box, input);
  return {
    box,
    set(k) { input.value = String(k); show(k); },
  };
}
