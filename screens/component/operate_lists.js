// The lists beside the operators' map: cameras, who sees a place, events, and what is out of view. Text from data goes in as text only.

import { element } from './panel.js';
import { signIcon } from './signs.js';

const fine = new Intl.NumberFormat('en-IN', { maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat('en-IN', { maximumFractionDigits: 0 });
const percent = (share) => `${fine.format(100 * share)} %`;

function since(operate, seconds) {
  return new Date(1000 * seconds).toLocaleString(operate.data.words.locale, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}

/** By how much a camera's own clock is off, in words; empty while it is right. */
function clockWords(operate, id) {
  const ahead = operate.clocks[id];
  if (!ahead) return '';
  const [unit, seconds] = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]].find(([, size]) => Math.abs(ahead) >= 2 * size) || ['second', 1];
  const told = new Intl.NumberFormat(operate.data.words.locale, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 });
  return operate.data.words[ahead > 0 ? 'clock_ahead' : 'clock_behind'].replace('{time}', told.format(Math.abs(ahead) / seconds));
}

/** Below a camera that looks elsewhere or at nothing: that this is how it shall look, for whoever may say so. */
function acceptRow(operate, id) {
  const { words } = operate.data;
  const row = element('p', 'accept');
  const button = element('button', '', words.accept);
  button.type = 'button';
  row.append(element('span', 'note', words.accept_note), button);
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await operate.post('accept', { camera: id });
      row.replaceChildren(element('span', 'note', words.accepted));
    } catch (error) {
      button.disabled = false;
      row.append(element('span', 'trouble', `${words.trouble} (${error.message})`));
    }
  });
  return row;
}

/** That row, there while the opened camera looks elsewhere or at nothing. */
export function offerAccept(operate) {
  const [wanted, there] = [['moved', 'covered'].includes(operate.state(operate.chosen)), operate.screen.querySelector('.accept')];
  if (wanted && !there) operate.screen.append(acceptRow(operate, operate.chosen));
  else if (!wanted && there && there.querySelector('button')) there.remove();
}

/** A camera's name, its state in words, and since when. */
export function tell(operate, id) {
  const row = operate.byId && operate.byId.get(id);
  if (!row) return '';
  const { words } = operate.data;
  const state = operate.state(id);
  const at = operate.states[id] ? operate.states[id][1] : 0;
  return [row.title, words.states[state], at > 0 && since(operate, at), clockWords(operate, id)].filter(Boolean).join(' · ');
}

function pressed(text, act, icon) {
  const button = element('button');
  button.type = 'button';
  if (icon) button.append(signIcon(icon));
  button.append(...text);
  button.addEventListener('click', act);
  return button;
}

/** Up and down arrows go from row to row. */
function walkable(list) {
  list.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.tagName === 'TEXTAREA') return;
    const buttons = [...list.querySelectorAll('li:not([hidden]) > button')];
    const next = buttons[buttons.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  return list;
}

/** One button a camera. */
export function cameraRows(operate) {
  const box = walkable(element('ol', 'rows'));
  box.setAttribute('aria-label', operate.data.words.cameras);
  const { words } = operate.data;
  if (!operate.pins.rows.length) box.append(element('li', 'none', operate.stamp ? words.none : words.waiting));
  // Cameras with a picture first: of the others there is nothing to look at.
  const ordered = [...operate.pins.rows].sort((a, b) => Number(b.feed) - Number(a.feed) || a.title.localeCompare(b.title, words.locale, { numeric: true }));
  const entries = ordered.map((row) => {
    const item = element('li');
    const small = element('small');
    const button = pressed([element('b', '', row.title), small], () => operate.open(row.id, true), 'never_seen');
    button.dataset.camera = row.id;
    item.append(button);
    box.append(item);
    return { row, item, button, small, state: '' };
  });
  return {
    box,
    mark(state, chosen, shown) {
      for (const entry of entries) {
        const now = state(entry.row.id);
        const clock = clockWords(operate, entry.row.id);
        entry.item.hidden = !shown(entry.row);
        entry.button.setAttribute('aria-current', String(entry.row.id === chosen));
        if (entry.state === now && entry.clock === clock) continue;
        [entry.state, entry.clock] = [now, clock];
        entry.button.dataset.state = now;
        entry.button.querySelector('.sign').replaceWith(signIcon(now));
        entry.small.textContent = [words.states[now], clock, entry.row.contractor].filter(Boolean).join(' · ');
      }
    },
  };
}

/** The cameras that see a place, the sharpest first. */
export function sightList(operate, told) {
  const { words } = operate.data;
  const list = walkable(element('ol', 'rows sights'));
  for (const one of told.cameras) {
    const small = [`${whole.format(one.px_per_m)} ${words.px_per_m}`, `${whole.format(one.distance_m)} ${words.metre}`, words.states[operate.state(one.camera)]];
    if (one.turns) small.push(words.turns);
    const item = element('li');
    const button = pressed([element('b', '', one.title), element('small', '', small.join(' · '))], () => operate.open(one.camera), operate.state(one.camera));
    button.dataset.camera = one.camera;
    item.append(button);
    list.append(item);
  }
  return list;
}

/** Events, each with its acknowledgement or a place to write one. */
export function eventList(operate, told) {
  const { words } = operate.data;
  const list = walkable(element('ol', 'rows events'));
  if (!told.events.length) list.append(element('li', 'none', words.no_events));
  for (const event of told.events) {
    const item = element('li', event.until ? 'over' : 'lasting');
    const begin = since(operate, Date.parse(event.since) / 1000);
    const end = event.until ? since(operate, Date.parse(event.until) / 1000) : words.lasting;
    const small = [words.states[event.state], `${begin} – ${end}`, event.measure].filter(Boolean).join(' · ');
    item.append(pressed([element('b', '', event.title), element('small', '', small)], () => operate.open(event.camera, true), event.state));
    if (event.acknowledged) {
      const at = since(operate, Date.parse(event.acknowledged.at) / 1000);
      item.append(element('p', 'noted', [`${words.noted}: ${event.acknowledged.note}`, event.acknowledged.by, at].filter(Boolean).join(' · ')));
    } else item.append(noteForm(operate, event));
    list.append(item);
  }
  return list;
}

function noteForm(operate, event) {
  const { words } = operate.data;
  const form = element('form', 'note-form');
  const open = element('button', '', words.acknowledge);
  open.type = 'button';
  form.append(open);
  open.addEventListener('click', () => {
    const note = element('textarea');
    note.required = true;
    note.maxLength = 2000;
    note.placeholder = words.note;
    note.setAttribute('aria-label', words.note);
    const save = element('button', '', words.save);
    save.type = 'submit';
    form.replaceChildren(note, save);
    note.focus();
  });
  form.addEventListener('submit', async (sent) => {
    sent.preventDefault();
    const note = form.querySelector('textarea').value;
    try {
      await operate.acknowledge(event.id, note);
    } catch (error) {
      form.append(element('p', 'trouble', `${words.trouble} (${error.message})`));
    }
  });
  return form;
}

/** What is out of view because cameras are down: how much, what to repair first, streets and wards. */
export function blindList(operate, told) {
  const { words } = operate.data;
  const box = element('div', 'blind');
  const head = element('p', 'lost');
  head.append(element('strong', '', percent(told.lost)), element('span', '', ` ${words.lost}`));
  const note = words.lost_note.replace('{before}', percent(told.before)).replace('{now}', percent(told.now)).replace('{count}', told.down.length);
  box.append(head, element('p', 'note', note));
  const part = (title, rows) => {
    if (!rows.length) return;
    const list = walkable(element('ol', 'rows'));
    rows.forEach((row) => { const item = element('li'); item.append(row); list.append(item); });
    box.append(element('h5', '', title), list);
  };
  if (told.repairs.length) {
    const units = element('p', 'units');
    units.setAttribute('role', 'group');
    for (const unit of ['inr', 'hours']) {
      const button = element('button', '', words[`by_${unit}`]);
      button.type = 'button';
      button.setAttribute('aria-pressed', String(told.by === unit));
      button.addEventListener('click', async () => {
        operate.unit = unit;
        await operate.turnTo('blind');
        operate.panel.querySelector('.units [aria-pressed="true"]')?.focus();
      });
      units.append(button);
    }
    box.append(units);
  }
  part(words.repairs, told.repairs.map((one) => {
    const alone = one.alone > one.gain + 1e-9 ? ` (${words.alone} ${percent(one.alone)})` : '';
    const takes = `₹ ${whole.format(one.inr)} · ${fine.format(one.hours)} ${words.hours}`;
    const button = pressed([element('b', '', one.title), element('small', '', `+ ${percent(one.gain)}${alone} · ${takes}`)], () => operate.open(one.camera, true), operate.state(one.camera));
    button.dataset.camera = one.camera;
    return button;
  }));
  part(words.streets, told.streets.map((one) => pressed(
    [element('b', '', one.name || words.unnamed), element('small', '', `${percent(one.share)} · ${whole.format(one.length_m)} ${words.metre} · ${one.ward}`)],
    () => operate.map.setView([one.lat, one.lon], 17, { animate: false }),
  )));
  part(words.wards, told.wards.map((one) => {
    const row = element('p');
    row.append(element('b', '', one.name), element('small', '', `${percent(one.before)} → ${percent(one.now)}`));
    return row;
  }));
  return box;
}
