// Unpacking what the server packed, and drawing it on canvas.
//
// Shapes are drawn by hand rather than as one Leaflet object each: 30,000 objects take seconds, one pass over typed arrays takes milliseconds.

// Zoom from which houses are drawn.
export const BUILDINGS_FROM = 15;
const EARTH_M = 6378137;
const UNIT_M = 0.25;
const WEIGHT_STEPS = 4;

/** A press on a map gives it the focus; were the page to move there, the press would miss what it was meant for. */
export function keepStill(map) {
  const box = map.getContainer();
  const focus = box.focus.bind(box);
  box.focus = () => focus({ preventScroll: true });
}

// Okabe and Ito's colours, told apart by colour-blind eyes; shape and size tell the same a second time.
export const COLOURS = {
  existing: '#0072B2', existingView: '#56B4E9', planned: '#D55E00', plannedView: '#E69F00', unseen: '#B0307A', seen: '#009E73', only: '#000000',
  gained: '#0072B2', lost: '#D55E00', same: '#6b7280', won: '#004D40', gone: '#D00060',
};
const GROUND = { paper: '#fbfaf7', building: '#e4dfd5', ward: '#a9a39a', wardName: '#7d766c' };
// width at zoom 15 [px], colour, least zoom at which it is drawn; by road class as ranked by the server
const ROADS = [
  [3.6, '#868d96', 0], [3.4, '#868d96', 0], [3.0, '#949aa2', 0], [2.6, '#a2a8af', 0], [2.0, '#b2b7bc', 0], [1.2, '#c9ccd0', 13], [1.2, '#c9ccd0', 13],
  [1.0, '#cfd2d5', 13], [0.9, '#d3d6d9', 14], [0.9, '#d3d6d9', 14], [0.7, '#d9dbdd', 15], [0.7, '#d9dbdd', 15], [0.9, '#d3d6d9', 14],
];

/** Points in Mercator metres from a pack; where it has sizes, also where each shape starts and its box. */
export function unpack(pack) {
  const count = pack.steps.length / 2;
  const x = new Float64Array(count);
  const y = new Float64Array(count);
  let atX = 0;
  let atY = 0;
  for (let i = 0; i < count; i += 1) {
    atX += pack.steps[2 * i];
    atY += pack.steps[2 * i + 1];
    x[i] = pack.origin[0] + atX * UNIT_M;
    y[i] = pack.origin[1] + atY * UNIT_M;
  }
  const shapes = { ...pack, x, y, count };
  if (pack.sizes) {
    shapes.starts = new Int32Array(pack.sizes.length + 1);
    shapes.boxes = new Float64Array(pack.sizes.length * 4);
    pack.sizes.forEach((size, s) => {
      const start = shapes.starts[s];
      shapes.starts[s + 1] = start + size;
      let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
      for (let i = start; i < start + size; i += 1) {
        west = Math.min(west, x[i]); east = Math.max(east, x[i]);
        south = Math.min(south, y[i]); north = Math.max(north, y[i]);
      }
      shapes.boxes.set([west, south, east, north], s * 4);
    });
  }
  return shapes;
}

/** Latitude and longitude of a point of unpacked shapes. */
export function place(shapes, i) {
  return window.L.Projection.SphericalMercator.unproject(window.L.point(shapes.x[i], shapes.y[i]));
}

/** A Leaflet renderer that calls draw(context, view) whenever the map has come to rest; view turns Mercator metres to pixels. */
export function canvasLayer(draw, pane) {
  const L = window.L;
  const Sheet = L.Renderer.extend({
    _initContainer() {
      this._container = document.createElement('canvas');
      this._container.dataset.sheet = pane;
    },
    _destroyContainer() { this._container.remove(); delete this._container; },
    _update() {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      const size = this._bounds.getSize();
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      const canvas = this._container;
      L.DomUtil.setPosition(canvas, this._bounds.min);
      canvas.width = Math.round(size.x * ratio);
      canvas.height = Math.round(size.y * ratio);
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
      this.redraw();
      this.fire('update');
    },
    redraw() {
      if (!this._container || !this._bounds) return;
      const context = this._container.getContext('2d');
      const size = this._bounds.getSize();
      const ratio = this._container.width / size.x;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, size.x, size.y);
      const zoom = this._map.getZoom();
      const k = (256 * 2 ** zoom) / (2 * Math.PI * EARTH_M);
      const corner = this._map.getPixelOrigin().add(this._bounds.min);
      const tx = 128 * 2 ** zoom - corner.x;
      const ty = 128 * 2 ** zoom - corner.y;
      const margin = 20 / k;
      draw(context, {
        zoom, k, tx, ty, size,
        box: [-tx / k - margin, (ty - size.y) / k - margin, (size.x - tx) / k + margin, ty / k + margin],
      });
      this._container.dataset.drawn = String(Number(this._container.dataset.drawn || 0) + 1);
    },
  });
  return new Sheet({ padding: 0.15, pane });
}

export function trace(context, view, shapes, s) {
  const { k, tx, ty } = view;
  for (let i = shapes.starts[s]; i < shapes.starts[s + 1]; i += 1) {
    const px = k * shapes.x[i] + tx;
    const py = ty - k * shapes.y[i];
    if (i === shapes.starts[s]) context.moveTo(px, py); else context.lineTo(px, py);
  }
}

export function inView(view, shapes, s) {
  const box = shapes.boxes;
  const [west, south, east, north] = view.box;
  return box[4 * s] < east && box[4 * s + 2] > west && box[4 * s + 1] < north && box[4 * s + 3] > south;
}

function fill(context, view, shapes, colour, which = () => true) {
  context.beginPath();
  for (let s = 0; s < shapes.sizes.length; s += 1) if (inView(view, shapes, s) && which(s)) trace(context, view, shapes, s);
  context.fillStyle = colour;
  context.fill('evenodd');
}

/** Wards, buildings and roads. */
export function drawGround(context, view, data) {
  context.fillStyle = GROUND.paper;
  context.fillRect(0, 0, view.size.x, view.size.y);
  if (data.buildings && view.zoom >= BUILDINGS_FROM) fill(context, view, data.buildings, GROUND.building);
  if (data.roads) {
    const { roads } = data;
    const grow = Math.min(6, Math.max(0.5, 2 ** ((view.zoom - 15) * 0.7)));
    context.lineCap = 'round';
    context.lineJoin = 'round';
    // Small streets first, so that main roads lie over them.
    for (let rank = ROADS.length - 1; rank >= 0; rank -= 1) {
      const [width, colour, least] = ROADS[rank];
      if (view.zoom < least) continue;
      context.beginPath();
      for (let s = 0; s < roads.sizes.length; s += 1) if (roads.classes[s] === rank && inView(view, roads, s)) trace(context, view, roads, s);
      context.strokeStyle = colour;
      context.lineWidth = width * grow;
      context.stroke();
    }
  }
  if (data.wards) drawWards(context, view, data.wards);
}

function drawWards(context, view, wards) {
  context.beginPath();
  for (let s = 0; s < wards.sizes.length; s += 1) if (inView(view, wards, s)) trace(context, view, wards, s);
  context.strokeStyle = GROUND.ward;
  context.setLineDash([5, 4]);
  context.lineWidth = 1;
  context.stroke();
  context.setLineDash([]);
  if (view.zoom < 15) return;
  context.font = "12px 'Noto Sans Devanagari', system-ui, sans-serif";
  context.textAlign = 'center';
  context.lineWidth = 3;
  context.strokeStyle = 'rgba(255,255,255,.85)';
  context.fillStyle = GROUND.wardName;
  const taken = [];
  wards.names.forEach((name, w) => {
    const px = view.k * wards.centres[w][0] + view.tx;
    const py = view.ty - view.k * wards.centres[w][1];
    const half = context.measureText(name).width / 2 + 4;
    // A name that would lie over another waits for a closer view.
    if (taken.some(([x, y, other]) => Math.abs(x - px) < half + other && Math.abs(y - py) < 16)) return;
    taken.push([px, py, half]);
    context.strokeText(name, px, py);
    context.fillText(name, px, py);
  });
}

/** What cameras see: every polygon in one path, so that overlaps do not darken, and the chosen camera's own over it. */
export function drawViews(context, view, shapes, colour, chosen, gone = null) {
  context.globalAlpha = 0.38;
  context.beginPath();
  for (let s = 0; s < shapes.sizes.length; s += 1) {
    if (inView(view, shapes, s) && !(gone && gone.has(shapes.cameras[s]))) trace(context, view, shapes, s);
  }
  context.fillStyle = colour;
  context.fill('nonzero');
  context.globalAlpha = 1;
  if (!chosen) return;
  context.beginPath();
  shapes.cameras.forEach((camera, s) => { if (camera === chosen && !(gone && gone.has(camera))) trace(context, view, shapes, s); });
  context.globalAlpha = 0.45;
  context.fill('evenodd');
  context.globalAlpha = 1;
  context.strokeStyle = '#000000';
  context.lineWidth = 1.5;
  context.stroke();
}

/** Where the points of each step of weight begin; the server sends them lightest first. */
function stepStarts(points) {
  if (!points.stepStarts) {
    points.stepStarts = [0];
    for (let step = 1, i = 0; step <= WEIGHT_STEPS; step += 1) {
      while (i < points.count && points.marks[i] % WEIGHT_STEPS < step) i += 1;
      points.stepStarts.push(i);
    }
  }
  return points.stepStarts;
}

/** Demand points of the wanted states, each a range from first to last with its colour and whether as crosses; the heavier, the larger. */
export function drawDemand(context, view, points, wanted) {
  const { k, tx, ty } = view;
  const [west, south, east, north] = view.box;
  const size = Math.min(7, Math.max(1.2, 1.6 * 2 ** ((view.zoom - 15) * 0.55)));
  const starts = stepStarts(points);
  for (const [first, last, colour, crossed] of wanted) {
    for (let step = 0; step < WEIGHT_STEPS; step += 1) {
      const [least, most] = [first * WEIGHT_STEPS + step, last * WEIGHT_STEPS + step];
      const side = size * (0.8 + 0.4 * step);
      context.fillStyle = colour;
      context.globalAlpha = 0.4 + 0.18 * step;
      for (let i = starts[step]; i < starts[step + 1]; i += 1) {
        if (points.marks[i] < least || points.marks[i] > most || points.x[i] < west || points.x[i] > east || points.y[i] < south || points.y[i] > north) continue;
        if (crossed) cross(context, k * points.x[i] + tx, ty - k * points.y[i], side, colour);
        else context.fillRect(k * points.x[i] + tx - side / 2, ty - k * points.y[i] - side / 2, side, side);
      }
    }
  }
  context.globalAlpha = 1;
}

function cross(context, px, py, side, colour) {
  const half = side * 0.7;
  context.beginPath();
  context.moveTo(px - half, py - half);
  context.lineTo(px + half, py + half);
  context.moveTo(px - half, py + half);
  context.lineTo(px + half, py - half);
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1, side * 0.4);
  context.stroke();
}

/** Wards filled by a class each, those without one hatched; the marked one has a thick edge. */
export function drawShades(context, view, wards, shades) {
  context.globalAlpha = 0.62;
  shades.colours.forEach((colour, k) => fill(context, view, wards, colour, (s) => shades.classes[wards.rows[s]] === k));
  context.globalAlpha = 1;
  context.beginPath();
  for (let s = 0; s < wards.sizes.length; s += 1) if (wards.rows[s] === shades.marked && inView(view, wards, s)) trace(context, view, wards, s);
  context.strokeStyle = '#000000';
  context.lineWidth = 3;
  context.stroke();
}

/** Pins: a square for a camera that stands, a disc for a planned one, each with a beak where it looks. Returns how many lie in view. */
export function drawPins(context, view, pins, colour, { square = false, chosen = null, only = null, upto = null, sides = null } = {}) {
  // Small where they stand over what changes, which is what is looked at.
  const radius = (sides ? 0.6 : 1) * Math.min(9, Math.max(square ? 2.4 : 3.6, (square ? 3.4 : 5) * 2 ** ((view.zoom - 14) * 0.4)));
  let drawn = 0;
  for (let i = 0; i < pins.count; i += 1) {
    if (upto !== null && pins.entered && pins.entered[i] > upto) continue;
    const px = view.k * pins.x[i] + view.tx;
    const py = view.ty - view.k * pins.y[i];
    if (px < 0 || py < 0 || px > view.size.x || py > view.size.y) continue;
    drawn += 1;
    const row = pins.rows[i];
    const own = only ? only.has(row.id) : false;
    const tint = sides ? sides[pins.sides[i]] : colour;
    if (row.bearing !== null && view.zoom >= 13) beak(context, px, py, row.bearing, radius, tint);
    context.beginPath();
    if (square) context.rect(px - radius, py - radius, 2 * radius, 2 * radius); else context.arc(px, py, radius, 0, 2 * Math.PI);
    // What only the first plan has stands hollow.
    context.fillStyle = sides && pins.sides[i] === 1 ? '#ffffff' : tint;
    context.fill();
    if (sides && pins.sides[i] === 1) {
      context.lineWidth = 3.5;
      context.strokeStyle = tint;
      context.stroke();
    }
    context.lineWidth = own ? 2.5 : 1.2;
    context.strokeStyle = own ? COLOURS.only : '#ffffff';
    context.stroke();
    if (row.id === chosen) {
      context.beginPath();
      context.arc(px, py, radius + 5, 0, 2 * Math.PI);
      context.lineWidth = 3;
      context.strokeStyle = '#000000';
      context.stroke();
    }
  }
  return drawn;
}

export function beak(context, px, py, bearing, radius, colour) {
  const turn = (bearing * Math.PI) / 180;
  const tip = radius * 2.1;
  const [sin, cos] = [Math.sin(turn), Math.cos(turn)];
  context.beginPath();
  context.moveTo(px + tip * sin, py - tip * cos);
  context.lineTo(px + radius * 0.9 * cos, py + radius * 0.9 * sin);
  context.lineTo(px - radius * 0.9 * cos, py - radius * 0.9 * sin);
  context.closePath();
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = '#ffffff';
  context.stroke();
}

/** The pin nearest to a map click within reach [px], or null. */
export function pinAt(map, pins, point, reach, upto = null) {
  let best = null;
  let least = reach;
  for (let i = 0; i < pins.count; i += 1) {
    if (upto !== null && pins.entered && pins.entered[i] > upto) continue;
    const at = map.latLngToContainerPoint(place(pins, i));
    const distance = at.distanceTo(point);
    if (distance < least) { least = distance; best = i; }
  }
  return best;
}
