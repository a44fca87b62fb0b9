// The form by which one planned camera is changed: its bearing, height, model and lens; moved, or taken away.

import { element } from './panel.js';

/** What can be changed of a planned camera, as a part of its panel. */
export function controlsOf(hand, row) {
  const { words } = hand.data;
  const box = element('details', 'byhand');
  box.append(element('summary', '', words.title));
  box.open = Boolean(hand.open);
  box.addEventListener('toggle', () => {
    hand.open = box.open;
    // What may be chosen is asked for when someone first looks here.
    if (box.open && !hand.state) hand.ask({ do: 'look', id: row.id, preview: true }).then(() => { if (hand.state) hand.host.changed(row.id); });
  });
  const field = (name, label, make) => {
    const line = element('label', '', label);
    const input = make();
    input.dataset.hand = name;
    line.append(input);
    box.append(line);
    return input;
  };
  const number = (value, min, max, step) => () => {
    const input = element('input');
    Object.assign(input, { type: 'number', min: String(min), max: String(max), step: String(step), value: String(value) });
    return input;
  };
  const set = (part, preview = false) => hand.ask({ do: 'set', id: row.id, ...part, ...(preview ? { preview: true } : {}) });
  const dial = field('dial', words.bearing, () => {
    const input = element('input');
    Object.assign(input, { type: 'range', min: '0', max: '359', step: '1', value: String(Math.round(row.bearing) % 360) });
    return input;
  });
  const exact = field('bearing', words.degrees, number(row.bearing, 0, 359.9, 0.1));
  dial.addEventListener('input', () => { exact.value = dial.value; set({ bearing: Number(dial.value) }, true); });
  dial.addEventListener('change', () => set({ bearing: Number(dial.value) }));
  exact.addEventListener('change', () => { if (exact.value !== '') set({ bearing: Number(exact.value) }); });
  const height = field('height', words.height, number(row.height, 2, 40, 0.5));
  height.addEventListener('change', () => { if (height.value !== '') set({ height: Number(height.value) }); });
  if (hand.state) kinds(hand, row, field, set);
  const press = (name, text, act) => {
    const button = element('button', '', text);
    button.type = 'button';
    button.dataset.hand = name;
    button.addEventListener('click', act);
    box.append(button);
  };
  const pins = hand.pins();
  press('move', words.move, () => hand.enter('move', hand.host.place(pins, pins.rows.indexOf(row))));
  press('drop', words.drop, () => hand.ask({ do: 'drop', id: row.id }));
  return box;
}

/** Model and lens, known once the server told what may be chosen. */
function kinds(hand, row, field, set) {
  const { words } = hand.data;
  const choice = (options, chosen) => () => {
    const made = element('select');
    for (const [value, text] of options) {
      const option = element('option', '', text);
      option.value = value;
      option.selected = value === chosen;
      made.append(option);
    }
    return made;
  };
  const model = field('model', words.model, choice(hand.state.models.map((one) => [one.key, one.title]), row.model));
  model.addEventListener('change', () => set({ model: model.value }));
  const own = hand.state.models.find((one) => one.key === row.model);
  if (!own || own.lenses.length < 2) return;
  const options = own.lenses.map((degrees, k) => [String(k), `${degrees}°`]);
  const lens = field('lens', words.lens, choice(options, String(own.lenses.indexOf(row.hfov))));
  lens.addEventListener('change', () => set({ lens: Number(lens.value) }));
}
