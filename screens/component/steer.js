// Steering a camera beside its picture: arrows, zoom and places it keeps, by pointer and by keyboard; who steers it, and where it looks. And the cones on the
// map of cameras that are turned.
//
// A movement lasts a second unless it is sent again: who lets go of a key or a button, leaves the page or loses the line stops the camera.

import { unpack } from './layers.js';
import { element } from './panel.js';
import { drawAreas } from './signs.js';

const AGAIN_MS = 400;
const LOOK_MS = 1500;
const TOLD_MS = 4000; // what was refused stands so long, whatever is heard meanwhile
const MOVING_MS = 300;
const SPEED = 0.5;
// sign, word, pan, tilt, zoom; in the order of the pad
const WAYS = {
  up: ['▲', 0, SPEED, 0], left: ['◀', -SPEED, 0, 0], stop: ['■', 0, 0, 0], right: ['▶', SPEED, 0, 0], down: ['▼', 0, -SPEED, 0],
  zoom_in: ['+', 0, 0, SPEED], zoom_out: ['−', 0, 0, -SPEED],
};
const KEYS = {
  ArrowUp: 'up', ArrowLeft: 'left', ArrowRight: 'right', ArrowDown: 'down', '+': 'zoom_in', '=': 'zoom_in', '-': 'zoom_out', ' ': 'stop',
};

async function ask(url, body) {
  const sent = body && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), keepalive: true };
  const answer = await fetch(url, sent);
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const fault = (told.faults && told.faults[0]) || {};
  throw Object.assign(new Error(fault.what || String(answer.status)), { code: fault.code || '' });
}

class Steer {
  constructor(host, { camera, words, looked }) {
    Object.assign(this, { camera, words, looked });
    this.address = (what) => `/live/${what}/${encodeURIComponent(camera)}`;
    this.box = element('section', 'steer');
    this.box.setAttribute('aria-label', words.steer);
    this.told = element('p', 'aim');
    this.held = element('p', 'held');
    this.held.setAttribute('role', 'status');
    this.box.append(this.told, this.held);
    host.append(this.box);
    this.last = Promise.resolve();
    this.leave = () => { if (document.hidden) this.halt(); };
    document.addEventListener('visibilitychange', this.leave);
    this.look(true);
  }

  /** The pad, for who may steer. */
  build(presets) {
    this.pad = element('div', 'pad');
    this.pad.tabIndex = 0;
    this.pad.setAttribute('role', 'group');
    this.pad.setAttribute('aria-label', this.words.keys);
    for (const [name, [sign]] of Object.entries(WAYS)) {
      const button = element('button', name, sign);
      button.type = 'button';
      button.dataset.way = name;
      button.title = this.words[name];
      button.setAttribute('aria-label', this.words[name]);
      this.hold(button, name);
      this.pad.append(button);
    }
    this.pad.addEventListener('keydown', (event) => this.key(event));
    this.pad.addEventListener('keyup', (event) => { if (KEYS[event.key] === this.way || ['Enter'].includes(event.key)) this.halt(); });
    this.pad.addEventListener('focusout', (event) => { if (!this.pad.contains(event.relatedTarget)) this.halt(); });
    this.box.prepend(this.pad);
    if (!presets.length) return;
    const choice = element('select');
    choice.setAttribute('aria-label', this.words.presets);
    choice.append(new Option(this.words.presets, ''), ...presets.map(([token, name]) => new Option(name, token)));
    choice.addEventListener('change', () => {
      if (choice.value) this.send({ do: 'go', preset: choice.value });
      choice.value = '';
    });
    this.pad.after(choice);
  }

  /** A button that moves the camera for as long as it is pressed. */
  hold(button, name) {
    button.addEventListener('pointerdown', (event) => {
      button.setPointerCapture(event.pointerId);
      this.begin(name);
    });
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) button.addEventListener(end, () => this.halt());
    // Who presses by other means than pointer or key gives one short push.
    button.addEventListener('click', (event) => {
      if (event.detail !== 0) return;
      this.begin(name);
      setTimeout(() => this.halt(), AGAIN_MS);
    });
    button.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  key(event) {
    const pressed = event.target.dataset.way;
    const name = ['Enter', ' '].includes(event.key) && pressed ? pressed : KEYS[event.key];
    if (!name || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) this.begin(name);
  }

  begin(name) {
    clearInterval(this.again);
    const [, pan, tilt, zoom] = WAYS[name];
    if (name === 'stop') {
      this.way = null;
      this.send({ do: 'stop' });
      return;
    }
    this.way = name;
    const move = () => { if (!this.busy) this.send({ do: 'move', pan, tilt, zoom }); };
    this.send({ do: 'move', pan, tilt, zoom });
    this.again = setInterval(move, AGAIN_MS);
  }

  /** Let go: the camera stops. */
  halt() {
    clearInterval(this.again);
    if (!this.way) return;
    this.way = null;
    this.send({ do: 'stop' });
  }

  /** Commands in their order, each after the one before. */
  send(body) {
    this.busy = true;
    this.last = this.last.then(async () => {
      try {
        this.show(await ask(this.address('steer'), body));
        if (body.do !== 'let_go') this.soon();
      } catch (error) {
        clearInterval(this.again);
        this.way = null;
        this.refused(error);
      } finally {
        this.busy = false;
      }
    });
  }

  refused(error) {
    if (this.gone) return;
    this.trouble = true;
    this.until = performance.now() + TOLD_MS;
    this.held.textContent = this.words.codes[error.code] || `${this.words.trouble} (${error.message})`;
    this.box.dataset.held = error.code;
  }

  /** Ask where it looks, often while it moves. */
  async look(first = false) {
    clearTimeout(this.next);
    let wait = LOOK_MS;
    try {
      const told = await ask(this.address('aim') + (first || !this.known ? '?presets=1' : ''));
      if (this.gone) return;
      if (told.presets) this.known = true;
      if (told.presets && told.may && !this.pad) this.build(told.presets);
      if (!(performance.now() < this.until)) this.trouble = false;
      this.show(told);
      if (told.aim?.moving || this.way) wait = MOVING_MS;
    } catch (error) {
      this.refused(error);
      wait = 4 * LOOK_MS;
    }
    if (!this.gone) this.next = setTimeout(() => this.look(), wait);
  }

  soon() {
    clearTimeout(this.next);
    if (!this.gone) this.next = setTimeout(() => this.look(), 60);
  }

  show(told) {
    if (this.gone) return;
    if (told.aim) {
      const { pan, tilt, zoom } = told.aim;
      const way = told.bearing === null ? `${Math.round(pan)}°` : `${Math.round(told.bearing)}°`;
      const words = told.bearing === null ? this.words.aim_unknown : this.words.aim;
      this.told.textContent = words.replace('{bearing}', way).replace('{tilt}', `${Math.round(tilt)}°`).replace('{zoom}', `${Math.round(100 * zoom)} %`);
      if (told.bearing !== null) this.looked(this.camera, told.bearing);
    }
    if (told.aim === null) this.told.textContent = this.words.aim_none;
    if (this.trouble) return;
    const { holder } = told;
    const other = Boolean(holder && !holder.mine);
    this.box.dataset.held = holder ? (holder.mine ? 'mine' : 'other') : '';
    const words = holder && (holder.mine ? this.words.mine : this.words.other);
    this.held.textContent = words ? words.replace('{name}', holder.name).replace('{seconds}', Math.ceil(holder.left_s)) : this.words.free;
    if (this.pad) for (const button of this.box.querySelectorAll('button, select')) button.disabled = other;
  }

  close() {
    const mine = this.box.dataset.held === 'mine';
    this.halt();
    if (mine) this.send({ do: 'let_go' });
    this.gone = true;
    clearTimeout(this.next);
    document.removeEventListener('visibilitychange', this.leave);
    this.box.remove();
  }
}

/** Controls of one camera in an element; `looked(camera, bearing)` is told where it looks on the map. */
export function steer(host, options) {
  const made = new Steer(host, options);
  return { close: () => made.close() };
}

/** What turned cameras see on the map, fetched anew as they turn. `changed`: is called when there is something to draw. */
export class Turned {
  constructor(base, changed) {
    Object.assign(this, { base, changed });
    this.areas = new Map();
    this.bearings = new Map();
    this.asked = new Map();
  }

  /** A camera looks there now [deg]; `home`: where it looks as built. */
  look(camera, bearing, home) {
    const whole = Math.round(bearing) % 360;
    if (this.bearings.get(camera) === whole) return;
    this.bearings.set(camera, whole);
    if (home !== null && Math.round(home) % 360 === whole) {
      this.areas.delete(camera);
      this.changed();
    } else if (!this.asked.get(camera)) this.fetch(camera);
  }

  /** The cones of cameras of which it is no longer known where they look are those of before. */
  forget(known) {
    for (const camera of [...this.bearings.keys()]) {
      if (known(camera)) continue;
      this.bearings.delete(camera);
      if (this.areas.delete(camera)) this.changed();
    }
  }

  /** One question at a time for each camera; what changed meanwhile is asked afterwards. */
  async fetch(camera) {
    const bearing = this.bearings.get(camera);
    this.asked.set(camera, true);
    try {
      const told = await ask(`${this.base}/turned?camera=${encodeURIComponent(camera)}&bearing=${bearing}`);
      if (this.bearings.has(camera)) this.areas.set(camera, unpack(told));
      this.changed();
    } catch (error) {
      console.error('What a camera sees could not be asked', error);
    }
    this.asked.delete(camera);
    if (this.bearings.has(camera) && this.bearings.get(camera) !== bearing) this.fetch(camera);
  }

  /** Everything that cameras see: as built, and of turned ones as they are turned. */
  draw(context, view, built, state, chosen) {
    if (built) drawAreas(context, view, built, (id) => (this.areas.has(id) ? 'never_seen' : state(id)), this.areas.has(chosen) ? null : chosen);
    for (const shapes of this.areas.values()) drawAreas(context, view, shapes, state, chosen);
  }
}
