// The signs of the operators' map: a state is told by shape as well as by colour, so that colour-blind eyes and grey prints tell them apart.

import { beak, inView, trace } from './layers.js';

// Okabe and Ito's colours; the shape alone would do.
export const SIGNS = {
  live: ['disc', '#009E73'], stale: ['ring', '#5c646e'], frozen: ['square', '#0072B2'], dark: ['diamond', '#000000'], covered: ['half', '#A56B00'],
  moved: ['triangle', '#B0307A'], offline: ['cross', '#C44F00'], wrong_password: ['plus', '#C44F00'], wrong_codec: ['bars', '#C44F00'],
  never_seen: ['dot', '#5c646e'], clock_off: ['ring', '#A56B00'],
};
const PAPER = '#ffffff';

function outline(context, shape, x, y, r) {
  context.beginPath();
  if (shape === 'square') context.rect(x - r, y - r, 2 * r, 2 * r);
  else if (shape === 'diamond') [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]].forEach(([a, b], i) => context[i ? 'lineTo' : 'moveTo'](x + a * r, y + b * r));
  else if (shape === 'triangle') [[0, -1.3], [1.25, 0.95], [-1.25, 0.95]].forEach(([a, b], i) => context[i ? 'lineTo' : 'moveTo'](x + a * r, y + b * r));
  else context.arc(x, y, shape === 'dot' ? 0.6 * r : r, 0, 2 * Math.PI);
  context.closePath();
}

function strokes(context, shape, x, y, r) {
  const lines = {
    cross: [[-1, -1, 1, 1], [-1, 1, 1, -1]], plus: [[-1.2, 0, 1.2, 0], [0, -1.2, 0, 1.2]], bars: [[-0.6, -1, -0.6, 1], [0.6, -1, 0.6, 1]],
  }[shape];
  context.beginPath();
  for (const [a, b, c, d] of lines) { context.moveTo(x + a * r, y + b * r); context.lineTo(x + c * r, y + d * r); }
}

/** One sign; r is half its size [px]. */
export function drawSign(context, state, x, y, r) {
  const [shape, colour] = SIGNS[state] || SIGNS.stale;
  context.lineCap = 'round';
  if (['cross', 'plus', 'bars'].includes(shape)) {
    strokes(context, shape, x, y, r);
    context.lineWidth = 0.9 * r + 3;
    context.strokeStyle = PAPER;
    context.stroke();
    context.lineWidth = 0.9 * r;
    context.strokeStyle = colour;
    context.stroke();
    return;
  }
  outline(context, shape, x, y, r);
  const hollow = shape === 'ring' || shape === 'dot' || shape === 'half';
  context.fillStyle = hollow ? PAPER : colour;
  context.fill();
  if (shape === 'half') {
    context.save();
    context.clip();
    context.fillStyle = colour;
    context.fillRect(x - r, y, 2 * r, r);
    context.restore();
    outline(context, shape, x, y, r);
  }
  context.lineWidth = hollow ? Math.max(1.6, 0.45 * r) : 1.2;
  context.strokeStyle = hollow ? colour : PAPER;
  context.stroke();
}

/** Every pin of `shown`, the live ones first so that trouble lies on top. Returns how many lie in view. */
export function drawStates(context, view, pins, state, { chosen = null, shown = () => true } = {}) {
  const radius = Math.min(8, Math.max(3, 4.6 * 2 ** ((view.zoom - 14) * 0.35)));
  let drawn = 0;
  const order = [...pins.rows.keys()].sort((a, b) => (state(pins.rows[b].id) === 'live') - (state(pins.rows[a].id) === 'live'));
  for (const i of order) {
    const row = pins.rows[i];
    if (!shown(row)) continue;
    const x = view.k * pins.x[i] + view.tx;
    const y = view.ty - view.k * pins.y[i];
    if (x < 0 || y < 0 || x > view.size.x || y > view.size.y) continue;
    drawn += 1;
    const now = state(row.id);
    const colour = now === 'never_seen' ? '#b4bac1' : (SIGNS[now] || SIGNS.stale)[1];
    if (row.bearing !== null && view.zoom >= 15) beak(context, x, y, row.bearing, radius, colour);
    drawSign(context, now, x, y, radius);
    if (row.id !== chosen) continue;
    context.beginPath();
    context.arc(x, y, radius + 6, 0, 2 * Math.PI);
    context.lineWidth = 3;
    context.strokeStyle = '#000000';
    context.stroke();
  }
  return drawn;
}

/** What cameras see: of live ones filled, of all others hatched by a broken line only, since nobody sees it now. */
export function drawAreas(context, view, areas, state, chosen) {
  const paths = [['#56B4E9', 0.34, (id) => state(id) === 'live'], ['#5c646e', 0.5, (id) => state(id) !== 'live' && state(id) !== 'never_seen']];
  paths.forEach(([colour, alpha, which], broken) => {
    context.beginPath();
    areas.cameras.forEach((id, s) => { if (which(id) && inView(view, areas, s)) trace(context, view, areas, s); });
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    if (broken) context.stroke(); else context.fill('nonzero');
    context.setLineDash([]);
    context.globalAlpha = 1;
  });
  if (!chosen) return;
  context.beginPath();
  areas.cameras.forEach((id, s) => { if (id === chosen) trace(context, view, areas, s); });
  context.strokeStyle = '#000000';
  context.lineWidth = 1.8;
  context.stroke();
}

/** A sign as a small picture, for lists and buttons. */
export function signIcon(state) {
  const icon = document.createElement('canvas');
  icon.width = 36;
  icon.height = 36;
  icon.className = 'sign';
  icon.setAttribute('aria-hidden', 'true');
  drawSign(icon.getContext('2d'), state, 18, 18, 10);
  return icon;
}
