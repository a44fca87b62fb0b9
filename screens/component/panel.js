// The parts around the map: legend with switches, details of a camera, the list. Text from data goes in as text only, never as markup.

export function element(tag, className = '', text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}

const grouped = new Intl.NumberFormat('en-IN', { maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat('en-IN', { maximumFractionDigits: 3 });

/** What a camera is, as rows of label and value. */
export function facts(row, planned, words) {
  const model = words.models[row.model] || row.model;
  const metres = (value) => `${grouped.format(value)} ${words.metre}`;
  const degrees = (value) => `${grouped.format(value)}°`;
  if (planned) {
    return [
      [words.model, model], [words.ward, row.ward], [words.site, row.site], [words.bearing, degrees(row.bearing)], [words.tilt, degrees(row.tilt)],
      [words.hfov, degrees(row.hfov)], [words.height, metres(row.height)], [words.reach, metres(row.reach)], [words.cost, `₹${grouped.format(row.cost)}`],
      [words.site_cost, `₹${grouped.format(row.site_cost)}`], [words.yearly, `₹${grouped.format(row.yearly)}`],
      [words.sees, `${grouped.format(row.sees)} ${words.points}`], [words.gain, `${fine.format(row.gain * 100)} %`],
    ];
  }
  const known = (value, show) => (value === null || value === undefined ? words.unknown : show(value));
  return [
    [words.kind, words.kinds[row.kind] || row.kind], [words.place, known(row.place, String)], [words.model, known(row.model, () => model)],
    [words.bearing, known(row.bearing, degrees)], [words.hfov, known(row.hfov, degrees)], [words.height, known(row.height, metres)],
    [words.mount, known(row.mount, String)], [words.source, known(row.source, String)],
  ];
}

/** The details of a camera, with a button that closes them. */
export function details(row, number, planned, words, close) {
  const panel = element('section', 'details');
  panel.setAttribute('role', 'dialog');
  panel.setAttribute('aria-label', row.id);
  const head = element('header');
  head.append(element('strong', planned ? 'planned' : 'existing', planned ? `${words.planned_one} ${number}` : words.existing_one), element('span', 'id', row.id));
  const button = element('button', 'close', '×');
  button.type = 'button';
  button.title = words.close;
  button.setAttribute('aria-label', words.close);
  button.addEventListener('click', close);
  head.append(button);
  const list = element('dl');
  for (const [label, value] of facts(row, planned, words)) list.append(element('dt', '', label), element('dd', '', String(value)));
  panel.append(head, list);
  panel.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(); });
  return panel;
}

/** Why a planned camera is there, asked of the server when it is wanted, and buttons that keep or forbid it or its site. */
export function rulesOf(row, data, ask) {
  const { rules } = data;
  const box = element('div', 'rules');
  const list = element('dl');
  const press = (text, act) => {
    const button = element('button', '', text);
    button.type = 'button';
    button.addEventListener('click', () => act(button));
    box.append(button);
  };
  if (data.why) {
    press(rules.why, async (button) => {
      button.disabled = true;
      button.textContent = rules.waiting;
      try {
        const answer = await fetch(data.why + encodeURIComponent(row.id));
        if (!answer.ok) throw new Error(String(answer.status));
        const { rows } = await answer.json();
        for (const [label, value] of rows) list.append(element('dt', '', label), element('dd', '', value));
        button.remove();
        list.querySelector('dt').scrollIntoView({ block: 'nearest' });
      } catch (error) {
        button.disabled = false;
        button.textContent = rules.failed;
      }
    });
  }
  press(rules.keep, () => ask('keep', row.id));
  press(rules.forbid, () => ask('forbid', row.id));
  press(rules.forbid_site, () => ask('forbid', row.site));
  box.append(list);
  return box;
}

/** The legend: what each sign means, with a switch for each layer. */
export function legend(entries, words, open, toggle) {
  const box = element('details', 'legend');
  box.open = open;
  box.append(element('summary', '', words.legend));
  for (const entry of entries) {
    const label = element('label');
    const swatch = element('i', `swatch ${entry.shape}`);
    swatch.style.setProperty('--colour', entry.colour);
    if (entry.key) {
      const input = element('input');
      input.type = 'checkbox';
      input.checked = entry.shown;
      input.name = entry.key;
      input.addEventListener('change', () => toggle(entry.key, input.checked));
      label.append(input);
    }
    label.append(swatch, element('span', '', entry.text));
    box.append(label);
  }
  return box;
}

/** The list beside the map: one button a camera, found by typing. */
export function cameraList(pins, words, only, choose) {
  const box = element('nav', 'cameras');
  box.setAttribute('aria-label', words.list);
  const find = element('input');
  find.type = 'search';
  find.placeholder = words.find;
  find.setAttribute('aria-label', words.find);
  const count = element('p', 'count');
  const list = element('ol');
  const buttons = pins.rows.map((row, i) => {
    const item = element('li');
    const button = element('button');
    button.type = 'button';
    button.dataset.camera = row.id;
    const model = words.models[row.model] || row.model;
    button.append(element('b', '', `${i + 1} · ${row.ward || row.site}`), element('span', '', `${model} · ${grouped.format(row.bearing)}°`), element('small', '', row.id));
    button.title = row.id;
    if (only && only.has(row.id)) button.append(element('em', '', words.only));
    if (row.note) button.append(element('em', '', row.note));
    button.addEventListener('click', () => choose(i));
    item.append(button);
    list.append(item);
    return { item, button, text: `${i + 1} ${row.id} ${model} ${row.ward}`.toLowerCase() };
  });
  const sift = () => {
    const wanted = find.value.trim().toLowerCase();
    let shown = 0;
    for (const { item, text } of buttons) {
      item.hidden = wanted !== '' && !text.includes(wanted);
      shown += item.hidden ? 0 : 1;
    }
    count.textContent = `${grouped.format(shown)} / ${grouped.format(buttons.length)}`;
  };
  find.addEventListener('input', sift);
  sift();
  box.append(find, count, list);
  return {
    box,
    mark(id) {
      for (const { button } of buttons) {
        const here = button.dataset.camera === id;
        button.setAttribute('aria-current', String(here));
        if (here) button.scrollIntoView({ block: 'nearest' });
      }
    },
  };
}
