// What was worked out about a plan, on the map: streets and areas out of view, and the network; and the ranked list beside it. Text goes in as text.

import { element } from './panel.js';
import { inView, trace } from './layers.js';

// Okabe and Ito's colours; width and dashes tell the same a second time.
export const LOST = ['#e3a5c7', '#CC79A7', '#B0307A', '#5c0a3a'];
export const LINKS = { fibre: '#0072B2', stub: '#56B4E9', existing: '#6b7280', wireless: '#D55E00' };
const DASHES = { fibre: [], stub: [], existing: [2, 4], wireless: [9, 6] };
const LABELS = 10;
const grouped = new Intl.NumberFormat('en-IN', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en-IN', { minimumFractionDigits: 3, maximumFractionDigits: 3 });

function stroke(context, view, shapes, which, colour, width, dashes = []) {
  context.beginPath();
  for (let s = 0; s < shapes.sizes.length; s += 1) if (inView(view, shapes, s) && which(s)) trace(context, view, shapes, s);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.stroke();
  context.setLineDash([]);
}

/** How heavy a row is among its table: 3 the tenth that weighs most … 0. */
function step(row, count) {
  const place = row / Math.max(count, 1);
  return place < 0.1 ? 3 : place < 0.3 ? 2 : place < 0.6 ? 1 : 0;
}

/** Streets out of view: the more weight is lost, the darker and wider; the first ten with their rank. */
export function drawStretches(context, view, shapes, chosen) {
  const grow = Math.min(2.2, Math.max(0.8, 2 ** ((view.zoom - 14) * 0.5)));
  context.lineCap = 'round';
  for (let k = 0; k < LOST.length; k += 1) {
    stroke(context, view, shapes, (s) => step(shapes.rows[s], shapes.told.length) === k, LOST[k], (1.6 + 1.1 * k) * grow);
  }
  if (chosen !== null) {
    stroke(context, view, shapes, (s) => shapes.rows[s] === chosen, '#000000', 9 * grow);
    stroke(context, view, shapes, (s) => shapes.rows[s] === chosen, '#F0E442', 5 * grow);
  }
  for (let s = shapes.sizes.length - 1; s >= 0; s -= 1) {
    if (shapes.rows[s] < LABELS && inView(view, shapes, s)) badge(context, view, shapes, s, String(shapes.rows[s] + 1));
  }
}

/** Areas where most weight is unseen, their edge drawn. */
export function drawAreas(context, view, shapes, chosen) {
  context.beginPath();
  for (let s = 0; s < shapes.sizes.length; s += 1) if (inView(view, shapes, s)) trace(context, view, shapes, s);
  context.globalAlpha = 0.28;
  context.fillStyle = '#CC79A7';
  context.fill('evenodd');
  context.globalAlpha = 1;
  stroke(context, view, shapes, () => true, '#5c0a3a', 1.4);
  if (chosen !== null) stroke(context, view, shapes, (s) => shapes.rows[s] === chosen, '#000000', 4);
}

/** The network by the kind of its links; the more a link carries, the wider; overloaded ones are edged; a star where the command centre is. */
export function drawNetwork(context, view, shapes) {
  context.lineCap = 'round';
  stroke(context, view, shapes, (s) => shapes.over[s] === 1, '#000000', 6);
  for (const kind of ['existing', 'fibre', 'stub', 'wireless']) {
    for (const [least, most, width] of [[0, 50, 1.6], [50, 300, 2.8], [300, Infinity, 4.2]]) {
      stroke(context, view, shapes, (s) => shapes.kinds[s] === kind && shapes.load[s] >= least && shapes.load[s] < most, LINKS[kind], width, DASHES[kind]);
    }
  }
  const px = view.k * shapes.centre[0] + view.tx;
  const py = view.ty - view.k * shapes.centre[1];
  context.beginPath();
  for (let i = 0; i < 10; i += 1) {
    const r = i % 2 ? 5 : 12;
    const turn = (Math.PI * i) / 5;
    context.lineTo(px + r * Math.sin(turn), py - r * Math.cos(turn));
  }
  context.closePath();
  context.fillStyle = '#F0E442';
  context.fill();
  context.strokeStyle = '#000000';
  context.lineWidth = 1.5;
  context.stroke();
}

function badge(context, view, shapes, s, text) {
  const i = Math.floor((shapes.starts[s] + shapes.starts[s + 1] - 1) / 2);
  const px = view.k * shapes.x[i] + view.tx;
  const py = view.ty - view.k * shapes.y[i];
  context.beginPath();
  context.arc(px, py, 9, 0, 2 * Math.PI);
  context.fillStyle = '#ffffff';
  context.fill();
  context.strokeStyle = LOST[3];
  context.lineWidth = 2;
  context.stroke();
  context.font = "bold 11px 'Noto Sans Devanagari', system-ui, sans-serif";
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = LOST[3];
  context.fillText(text, px, py + 0.5);
  context.textBaseline = 'alphabetic';
}

/** The box of the shapes of a row, as [west, south, east, north] in Mercator metres. */
export function boxOf(shapes, row) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let s = 0; s < shapes.sizes.length; s += 1) {
    if (shapes.rows[s] !== row) continue;
    for (const k of [0, 1]) {
      box[k] = Math.min(box[k], shapes.boxes[4 * s + k]);
      box[k + 2] = Math.max(box[k + 2], shapes.boxes[4 * s + k + 2]);
    }
  }
  return box;
}

/** The ranked list of what is out of view, each line a button that goes there. */
export function rankedList(shapes, words, choose) {
  const box = element('section', 'cameras ranked');
  box.setAttribute('aria-label', words.title);
  box.append(element('p', 'count', words.title));
  const list = element('ol');
  const buttons = shapes.told.slice(0, 200).map((row, k) => {
    const button = element('button');
    button.type = 'button';
    button.dataset.gap = String(k);
    const name = row.name || words.classes[row.road_class] || row.road_class || words.area;
    button.append(element('b', '', `${k + 1}. ${name}`), element('span', '', `${fine.format(100 * row.share)} % · ${grouped.format(row.size)} ${words.unit} · ${row.ward}`));
    button.addEventListener('click', () => choose(k));
    const item = element('li');
    item.append(button);
    list.append(item);
    return button;
  });
  box.append(list);
  return { box, mark: (k) => buttons.forEach((button, other) => button.setAttribute('aria-current', String(other === k))) };
}
