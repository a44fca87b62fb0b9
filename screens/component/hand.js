// Changing a plan by hand: cameras moved, turned, added, taken away; the server keeps each change and tells at once what the plan then is.

import { COLOURS } from './layers.js';
import { element } from './panel.js';

const WEIGHT_STEPS = 4;
const [SEEN_ALREADY, SEEN_BY_PLAN] = [1, 2];
const FAR_M = 10; // a step with Shift held

export class Handwork {
  constructor(host) {
    this.host = host;
    this.state = null;
    this.name = '';
    this.pending = null;
    this.mode = null;
    this.ghost = null;
    this.turn = Promise.resolve();
    this.bar = element('section', 'hand');
    const { box } = host;
    box.addEventListener('pointerdown', (event) => this.grab(event), true);
    box.addEventListener('pointermove', (event) => this.drag(event), true);
    box.addEventListener('pointerup', (event) => this.drop(event), true);
    box.addEventListener('pointercancel', () => this.leave(), true);
    box.addEventListener('keydown', (event) => this.key(event), true);
    // Wherever on the page the focus is: pressing a button of the bar draws it anew.
    this.listen = (event) => this.shortcut(event);
    document.addEventListener('keydown', this.listen);
  }

  /** What the page says now: where to ask, and the name of the sheet in its address. */
  show(data) {
    const other = !data || !this.data || data.url !== this.data.url;
    this.data = data;
    if (!data) { this.bar.remove(); this.forget(); return; }
    if (other) { this.forget(); this.draw(); }
    this.follow(data.name);
    if (!this.bar.isConnected) this.host.frame.before(this.bar);
  }

  remove() {
    document.removeEventListener('keydown', this.listen);
    this.bar.remove();
  }

  forget() {
    this.leave();
    this.state = null;
    this.name = '';
    this.pending = null;
    this.merged = null;
    this.trial = '';
    this.trouble = '';
  }

  /** The address names a sheet: one we told of comes back late; any other was gone to, as by the browser's own way back. */
  follow(name) {
    if (name === this.pending) { this.pending = null; return; }
    if (this.pending !== null || name === this.name) return;
    this.name = name;
    if (name) this.ask({ do: 'look' }); else { this.state = null; this.merged = null; this.draw(); this.host.changed(''); }
  }

  /** Ask for a change; changes go one after another, each on top of the one before. A trial is left out where a newer one waits. */
  ask(body) {
    const number = (this.asked || 0) + 1;
    this.asked = number;
    this.turn = this.turn.then(async () => {
      if (body.do === 'set' && body.preview && number !== this.asked) return;
      const { url } = this.data;
      this.bar.classList.toggle('busy', body.do !== 'set' || !body.preview);
      try {
        const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ...body, hand: this.name }) });
        const told = await answer.json();
        if (!this.data || url !== this.data.url) return;
        if (!answer.ok) this.refuse(told.faults.map((fault) => fault.what || fault).join(' ')); else this.take(told, body);
      } catch (error) {
        console.error('A change could not be made', error);
        this.refuse(this.data.words.failed);
      }
      this.bar.classList.remove('busy');
    });
    return this.turn;
  }

  refuse(text) {
    this.trouble = text;
    this.draw();
    this.host.signs.redraw();
  }

  take(told, body) {
    this.trouble = '';
    this.state = told;
    this.merged = null;
    this.trial = body.do === 'set' && body.preview ? told.chosen : '';
    if (!body.preview && told.hand !== this.name) {
      this.name = told.hand;
      this.pending = told.hand;
      this.count = (this.count || 0) + 1;
      this.host.tell('hand', { name: told.hand, count: this.count });
    }
    this.draw();
    if (body.preview) this.host.signs.redraw(); else this.host.changed(told.chosen);
    this.host.box.dataset.hand = this.name;
  }

  // ---- what the map draws ----

  /** The pins of the plan as it is now. */
  pins() {
    const base = this.host.loaded.planned;
    if (!this.state || !base) return base;
    if (!this.merged || this.merged.base !== base) this.merged = merge(base, this.state, this.host.unpack, this.data.words.changed);
    return this.merged.pins;
  }

  views() {
    if (!this.state) return null;
    this.pins();
    return this.merged ? this.merged.views : null;
  }

  /** The plan's own cameras that are gone. */
  gone() {
    return this.state ? new Set(this.state.gone) : null;
  }

  /** The demand with what changed put into it. */
  demand(points) {
    if (!this.state || !(this.state.gained.length || this.state.lost.length)) return points;
    if (!this.marked || this.marked.from !== points || this.marked.state !== this.state) {
      const marks = points.marks.slice();
      for (const i of this.state.gained) marks[i] = (marks[i] % WEIGHT_STEPS) + SEEN_BY_PLAN * WEIGHT_STEPS;
      for (const i of this.state.lost) if (Math.floor(marks[i] / WEIGHT_STEPS) !== SEEN_ALREADY) marks[i] %= WEIGHT_STEPS;
      this.marked = { from: points, state: this.state, points: { ...points, marks } };
    }
    return this.marked.points;
  }

  /** Points gained and lost as rings, changed cameras as diamonds, and the cross that shows where a camera would be set down. */
  drawOver(context, view) {
    const { state, host } = this;
    const at = (x, y) => [view.k * x + view.tx, view.ty - view.k * y];
    if (state && host.loaded.demand) {
      const points = host.loaded.demand;
      const radius = Math.min(7, Math.max(2.5, 2.5 * 2 ** ((view.zoom - 15) * 0.5)));
      for (const [rows, colour] of [[state.gained, COLOURS.won], [state.lost, COLOURS.gone]]) {
        context.strokeStyle = colour;
        context.lineWidth = 2;
        context.beginPath();
        for (const i of rows) {
          const [px, py] = at(points.x[i], points.y[i]);
          context.moveTo(px + radius, py);
          context.arc(px, py, radius, 0, 2 * Math.PI);
        }
        context.stroke();
      }
    }
    if (this.merged) {
      const { pins, from } = this.merged;
      for (let i = from; i < pins.count; i += 1) {
        const [px, py] = at(pins.x[i], pins.y[i]);
        context.beginPath();
        context.moveTo(px, py - 9); context.lineTo(px + 9, py); context.lineTo(px, py + 9); context.lineTo(px - 9, py);
        context.closePath();
        context.lineWidth = 2.5;
        context.strokeStyle = '#000000';
        context.stroke();
      }
    }
    if (this.ghost) {
      const spot = window.L.Projection.SphericalMercator.project(this.ghost);
      const [px, py] = at(spot.x, spot.y);
      context.beginPath();
      context.arc(px, py, 11, 0, 2 * Math.PI);
      context.moveTo(px - 17, py); context.lineTo(px + 17, py);
      context.moveTo(px, py - 17); context.lineTo(px, py + 17);
      context.lineWidth = 2;
      context.strokeStyle = '#000000';
      context.stroke();
    }
  }

  legend() {
    if (!this.data || !this.state) return [];
    const { words } = this.data;
    return [
      { shape: 'diamond', colour: '#000000', text: words.changed }, { shape: 'hoop', colour: COLOURS.won, text: words.won },
      { shape: 'hoop', colour: COLOURS.gone, text: words.lost },
    ];
  }

  // ---- setting down ----

  /** Choose a place on the map: for the chosen camera, or for one more. */
  enter(mode, start) {
    const { host } = this;
    this.mode = mode;
    this.ghost = start || host.map.getCenter();
    host.map.keyboard.disable();
    host.box.classList.add('placing');
    host.box.focus({ preventScroll: true });
    this.draw();
    host.signs.redraw();
  }

  leave() {
    if (!this.mode && !this.ghost) return;
    const { host } = this;
    this.mode = null;
    this.ghost = null;
    this.held = null;
    host.map.keyboard.enable();
    host.map.dragging.enable();
    host.box.classList.remove('placing');
    host.signs.redraw();
    if (this.data) this.draw();
  }

  set(place) {
    const mode = this.mode;
    const id = this.host.chosen ? this.host.chosen.row.id : '';
    this.leave();
    const spot = { lat: place.lat, lon: place.lng };
    if (mode === 'add') this.ask({ do: 'add', ...spot }); else if (id) this.ask({ do: 'move', id, ...spot });
  }

  /** Whether a click on the map was meant for us. */
  click(place) {
    if (this.skip) { this.skip = false; return true; }
    if (!this.mode) return false;
    this.set(place);
    return true;
  }

  /** A press on the chosen camera's pin takes hold of it. */
  grab(event) {
    this.skip = false;
    const { host } = this;
    if (!this.data || this.mode || !host.chosen || host.chosen.kind !== 'planned' || event.button > 0) return;
    const pins = this.pins();
    const i = pins.rows.indexOf(host.chosen.row);
    if (i < 0) return;
    const at = host.map.latLngToContainerPoint(host.place(pins, i));
    if (at.distanceTo(host.map.mouseEventToContainerPoint(event)) > 16) return;
    this.held = { from: host.map.mouseEventToContainerPoint(event), moved: false };
    host.map.dragging.disable();
  }

  drag(event) {
    if (!this.held) return;
    const point = this.host.map.mouseEventToContainerPoint(event);
    if (!this.held.moved && point.distanceTo(this.held.from) < 5) return;
    this.held.moved = true;
    this.ghost = this.host.map.containerPointToLatLng(point);
    this.host.signs.redraw();
  }

  drop() {
    if (!this.held) return;
    const { moved } = this.held;
    const place = this.ghost;
    this.held = null;
    this.host.map.dragging.enable();
    if (!moved) return;
    // The click that ends a drag chooses nothing.
    this.skip = true;
    this.mode = 'move';
    this.set(place);
  }

  key(event) {
    if (!this.mode) return;
    const steps = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    if (event.key === 'Escape') this.leave();
    else if (event.key === 'Enter') this.set(this.ghost);
    else if (steps[event.key]) {
      const far = event.shiftKey ? FAR_M : 1;
      const [east, north] = steps[event.key].map((step) => (step * far) / 111_320);
      this.ghost = window.L.latLng(this.ghost.lat + north, this.ghost.lng + east / Math.cos((this.ghost.lat * Math.PI) / 180));
      this.host.map.panInside(this.ghost, { padding: [60, 60], animate: false });
      this.host.signs.redraw();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  shortcut(event) {
    const [at] = event.composedPath();
    const typing = at instanceof HTMLTextAreaElement || (at instanceof HTMLInputElement && !['range', 'checkbox'].includes(at.type));
    if (!this.data || typing || !this.bar.isConnected || !(event.ctrlKey || event.metaKey)) return;
    const letter = event.key.toLowerCase();
    const back = letter === 'z' && !event.shiftKey;
    if (!back && letter !== 'y' && letter !== 'z') return;
    event.preventDefault();
    this.ask({ do: back ? 'undo' : 'redo' });
  }

  // ---- the bar ----

  /** The bar above the map: what was changed, what the plan then is, and what to do with it. */
  draw() {
    const { bar } = this;
    const kept = this.title ? this.title.value : '';
    const active = this.host.root.activeElement;
    const focus = active && bar.contains(active) ? active.dataset.bar : null;
    this.fill(kept);
    const again = focus ? bar.querySelector(`[data-bar="${focus}"]:enabled`) : null;
    if (again) again.focus({ preventScroll: true });
  }

  fill(kept) {
    const { bar, data, state } = this;
    const { words } = data;
    bar.replaceChildren();
    bar.setAttribute('aria-label', words.title);
    const press = (name, text, enabled, act) => {
      const button = element('button', name, text);
      button.type = 'button';
      button.disabled = !enabled;
      button.dataset.bar = name;
      button.addEventListener('click', act);
      return button;
    };
    const row = element('div', 'row');
    row.append(
      element('strong', '', words.title), press('add', this.mode ? words.cancel : words.add, true, () => { if (this.mode) this.leave(); else this.enter('add'); }),
      press('undo', words.undo, Boolean(state && state.undo), () => this.ask({ do: 'undo' })),
      press('redo', words.redo, Boolean(state && state.redo), () => this.ask({ do: 'redo' })),
    );
    if (state && state.changes.length) row.append(press('drop_all', words.drop_all, true, () => this.ask({ do: 'drop_all' })));
    bar.append(row);
    const note = element('p', 'remark', this.trouble || (this.mode ? words.placing : state ? state.note : ''));
    note.setAttribute('role', 'status');
    note.classList.toggle('trouble-note', Boolean(this.trouble));
    bar.append(note);
    this.title = null;
    if (!state) return;
    const numbers = element('div', 'numbers');
    for (const [label, value, less] of state.numbers) {
      const cell = element('div', 'number');
      cell.append(element('span', '', label), element('strong', '', value), element('small', '', less));
      numbers.append(cell);
    }
    bar.append(numbers);
    for (const text of state.broken) bar.append(element('p', 'broken', text));
    if (!state.changes.length) return;
    const list = element('details', 'changes');
    list.append(element('summary', '', `${words.changes} (${state.changes.length})`));
    const rows = element('ol');
    for (const change of state.changes) rows.append(element('li', '', change.text));
    list.append(rows);
    bar.append(list);
    const make = element('div', 'row');
    this.title = element('input');
    this.title.placeholder = words.name;
    this.title.maxLength = 120;
    this.title.value = kept;
    this.title.setAttribute('aria-label', words.name);
    const start = (what) => this.host.ask('make', { what, hand: this.name, title: this.title ? this.title.value : '' });
    make.append(press('again', words.again, true, () => start('again')), this.title, press('save', words.save, state.keeps, () => start('save')));
    bar.append(make);
  }
}

/** The plan's pins without those gone, and those that came after them; what those that came see. */
function merge(base, state, unpack, note) {
  const gone = new Set(state.gone);
  const came = unpack(state.planned);
  const stay = base.rows.map((row, i) => i).filter((i) => !gone.has(base.rows[i].id));
  const count = stay.length + came.count;
  const pins = { count, x: new Float64Array(count), y: new Float64Array(count), rows: [...stay.map((i) => base.rows[i]), ...came.rows.map((row) => ({ ...row, note }))] };
  stay.forEach((i, k) => { pins.x[k] = base.x[i]; pins.y[k] = base.y[i]; });
  for (let i = 0; i < came.count; i += 1) { pins.x[stay.length + i] = came.x[i]; pins.y[stay.length + i] = came.y[i]; }
  return { base, pins, from: stay.length, views: unpack(state.views) };
}
