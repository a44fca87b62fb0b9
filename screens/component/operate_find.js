// Finding a camera or a place on the operators' map: the search with its list, the mark on a place, and the chips that count
// cameras by state and leave the others out.

import { element } from './panel.js';
import { signIcon } from './signs.js';

const MOST = 12;

/** What the server answers, read; an error with the server's own words where it refuses. */
export async function ask(url, options) {
  const answer = await fetch(url, options);
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error((told.faults && told.faults[0] && told.faults[0].what) || String(answer.status));
  return told;
}

/** The search: a field and a list under it. `operate`: the map, which opens what is chosen. */
export function searchBox(operate) {
  const { words } = operate.data;
  const box = element('div', 'search');
  const field = element('input');
  field.type = 'search';
  field.placeholder = words.find;
  field.setAttribute('aria-label', words.find);
  const found = element('ul', 'found');
  found.hidden = true;
  box.append(field, found);

  const rows = (wanted) => {
    const made = [];
    for (const row of operate.pins.rows) {
      if (`${row.title} ${row.id}`.toLowerCase().includes(wanted)) made.push([row.title, () => operate.open(row.id, true), operate.state(row.id)]);
    }
    for (const [name, lat, lon] of operate.places || []) {
      if (name.toLowerCase().includes(wanted)) made.push([name, () => { operate.map.setView([lat, lon], 18, { animate: false }); operate.see(lat, lon); }, null]);
    }
    return made;
  };

  const entry = ([text, act, state]) => {
    const item = element('li');
    const button = element('button');
    button.type = 'button';
    if (state) button.append(signIcon(state));
    button.append(element('span', '', text));
    button.addEventListener('click', () => { found.hidden = true; act(); });
    item.append(button);
    return item;
  };

  field.addEventListener('input', () => {
    const wanted = field.value.trim().toLowerCase();
    const made = wanted ? rows(wanted).slice(0, MOST).map(entry) : [];
    if (wanted && !made.length) made.push(element('li', 'none', words.nothing));
    found.replaceChildren(...made);
    found.hidden = !wanted;
  });

  box.addEventListener('keydown', (event) => {
    const buttons = [field, ...found.querySelectorAll('button')];
    const at = buttons.indexOf(event.target);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      buttons[Math.min(buttons.length - 1, Math.max(0, at + step))].focus();
    } else if (event.key === 'Enter' && at === 0 && buttons[1]) buttons[1].click();
    else if (event.key === 'Escape') { found.hidden = true; field.focus(); event.stopPropagation(); }
  });
  return { box, field };
}

/** The chips anew: one a state that some camera has, or that is asked for; what has the focus keeps it. */
export function countStates(operate) {
  const { words } = operate.data;
  const counts = {};
  for (const row of operate.pins.rows) counts[operate.state(row.id)] = (counts[operate.state(row.id)] || 0) + 1;
  const order = Object.keys(words.states).filter((name) => counts[name] || operate.only.has(name));
  const made = order.map((name) => {
    const chip = element('button', 'chip');
    chip.type = 'button';
    chip.dataset.state = name;
    chip.setAttribute('aria-pressed', String(operate.only.has(name)));
    chip.append(signIcon(name), element('b', '', String(counts[name] || 0)), element('span', '', words.states[name]));
    chip.addEventListener('click', () => {
      if (!operate.only.delete(name)) operate.only.add(name);
      operate.update(false);
      const again = operate.chips.querySelector(`[data-state="${name}"]`);
      if (again) again.focus();
    });
    return chip;
  });
  const focused = operate.root.activeElement || document.activeElement;
  const kept = focused && operate.chips.contains(focused) ? focused.dataset.state : null;
  operate.chips.replaceChildren(...made);
  if (kept) operate.chips.querySelector(`[data-state="${kept}"]`)?.focus();
}

/** A mark on a place, given by latitude and longitude. */
export function drawSpot(context, view, spot) {
  const point = window.L.Projection.SphericalMercator.project(window.L.latLng(...spot));
  const [x, y] = [view.k * point.x + view.tx, view.ty - view.k * point.y];
  context.lineWidth = 2.5;
  context.strokeStyle = '#000000';
  context.beginPath();
  context.arc(x, y, 10, 0, 2 * Math.PI);
  for (const [a, b] of [[-16, -6], [6, 16]]) { context.moveTo(x + a, y); context.lineTo(x + b, y); context.moveTo(x, y + a); context.lineTo(x, y + b); }
  context.stroke();
}
