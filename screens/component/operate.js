// The operators' map: every camera with its state, what it sees, and its live picture beside the map. Nothing here asks the page to run again.
//
// States are asked for every two seconds. Who hears nothing for six calls every camera stale: an old state is never shown as live.

import { BUILDINGS_FROM, canvasLayer, drawGround, keepStill, place, unpack } from './layers.js';
import { layer, loadLeaflet, style } from './fetched.js';
import { ask, countStates, drawSpot, searchBox } from './operate_find.js';
import { blindList, cameraRows, eventList, offerAccept, sightList, tell } from './operate_lists.js';
import { element } from './panel.js';
import { drawStates, signIcon } from './signs.js';
import { steer, Turned } from './steer.js';

const POLL_MS = 2000;
const DEAF_MS = 6000;
const SLOW_MS = 15000;
const alive = new WeakMap();
const TABS = ['cameras', 'events', 'blind'];

class Operate {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.loaded = {};
    this.pins = { rows: [], count: 0, x: [], y: [] };
    this.areas = null;
    this.turned = new Turned(data.base, () => { if (this.signs && !this.gone) this.signs.redraw(); });
    this.states = {};
    this.measures = {};
    [this.clocks, this.unit] = [{}, 'inr'];
    this.heard = 0;
    this.only = new Set();
    this.chosen = null;
    this.tab = 'cameras';
    this.frame = element('div', 'operate');
    this.build();
    this.ready = this.start();
  }

  build() {
    const { words } = this.data;
    this.bar = element('div', 'bar');
    const search = searchBox(this);
    this.find = search.field;
    this.chips = element('div', 'chips');
    this.chips.setAttribute('role', 'group');
    this.chips.setAttribute('aria-label', words.filter);
    this.bar.append(search.box, this.chips);
    this.stage = element('div', 'stage');
    this.box = element('div', 'map');
    this.deafness = element('div', 'deaf', words.deaf);
    this.deafness.setAttribute('role', 'alert');
    this.deafness.hidden = true;
    this.stage.append(this.box, this.deafness, element('p', 'hint', words.hint));
    this.side = element('div', 'side');
    this.screen = element('section', 'screen');
    this.screen.setAttribute('aria-live', 'polite');
    this.tabs = element('div', 'tabs');
    this.tabs.setAttribute('role', 'tablist');
    this.panel = element('div', 'panel');
    this.panel.setAttribute('role', 'tabpanel');
    for (const name of TABS) {
      const tab = element('button', '', words[name]);
      tab.type = 'button';
      tab.dataset.tab = name;
      tab.setAttribute('role', 'tab');
      tab.addEventListener('click', () => this.turnTo(name));
      this.tabs.append(tab);
    }
    this.side.append(this.screen, this.tabs, this.panel);
    this.frame.append(this.bar, this.stage, this.side);
    this.frame.addEventListener('keydown', (event) => this.key(event));
  }

  async start() {
    const { data } = this;
    await Promise.all([
      loadLeaflet(data.assets.leaflet), style(this.root, data.assets.leaflet_css), style(this.root, data.assets.css), style(this.root, data.assets.operate_css),
    ]);
    if (this.gone) return;
    this.root.append(this.frame);
    this.frame.style.setProperty('--height', `${data.height}px`);
    const { L } = window;
    this.map = L.map(this.box, { attributionControl: false, zoomControl: false, minZoom: 9, maxZoom: 20, zoomSnap: 0.5, preferCanvas: true });
    keepStill(this.map);
    L.control.zoom({ position: 'topleft', zoomInTitle: data.words.zoom_in, zoomOutTitle: data.words.zoom_out }).addTo(this.map);
    L.control.scale({ imperial: false, position: 'bottomright' }).addTo(this.map);
    this.map.getContainer().setAttribute('aria-label', data.words.map);
    this.box.chart = this.map;
    this.box.operate = this;
    this.map.createPane('ground').style.zIndex = 200;
    this.map.createPane('signs').style.zIndex = 450;
    this.map.fitBounds(data.bounds);
    this.ground = canvasLayer((context, view) => drawGround(context, view, this.loaded), 'ground').addTo(this.map);
    this.signs = canvasLayer((context, view) => this.draw(context, view), 'signs').addTo(this.map);
    this.map.on('click', (event) => this.click(event));
    this.map.on('zoomend', () => this.houses());
    this.watch = new ResizeObserver(() => this.map.invalidateSize({ pan: false }));
    this.watch.observe(this.box);
    if (data.made) this.stage.append(element('div', 'made', data.made));
    if (data.credit) this.stage.append(element('div', 'credit', data.credit));
    await Promise.all(['roads', 'wards'].filter((name) => data.urls[name]).map((name) => this.fetchLayer(name)));
    this.houses();
    await this.poll();
    this.ticker = setInterval(() => this.poll(), POLL_MS);
    this.box.dataset.state = 'ready';
    // Fetched now, so that the first click need not wait for it; where it is not there the click says so.
    import('./player.js').catch(() => {});
  }

  async fetchLayer(name) {
    try {
      this.loaded[name] = await layer(this.data.urls[name]);
      if (!this.gone) this.ground.redraw();
    } catch (error) {
      console.error('A layer of the map could not be loaded', name, error);
    }
  }

  houses() {
    if (this.data.urls.buildings && !this.loaded.buildings && this.map.getZoom() >= BUILDINGS_FROM) this.fetchLayer('buildings');
  }

  /** The state to show of a camera now. */
  state(id) {
    const said = this.states[id] ? this.states[id][0] : 'never_seen';
    return this.deaf && said === 'live' ? 'stale' : said;
  }

  async poll() {
    if (this.asking) {
      this.hearing();
      return;
    }
    this.asking = true;
    try {
      const told = await ask(`${this.data.base}/states`, { signal: AbortSignal.timeout(DEAF_MS) });
      if (this.gone) return;
      this.heard = performance.now();
      const changed = JSON.stringify([told.states, told.clocks]) !== JSON.stringify([this.states, this.clocks]);
      Object.assign(this, { states: told.states, measures: told.measures, clocks: told.clocks });
      if (told.stamp !== this.stamp) await this.deployed();
      this.follow(told.aims);
      if (changed || this.deaf) this.update(changed);
    } catch (error) {
      if (this.gone) return;
    } finally {
      this.asking = false;
    }
    this.hearing();
  }

  /** Where cameras that can be steered look now, by what the server last heard of them. */
  follow(aims) {
    for (const [id, bearing] of Object.entries(aims)) if (id !== this.steering?.camera) this.look(id, bearing);
    this.turned.forget((id) => id in aims || id === this.steering?.camera);
    for (const row of this.pins.rows) if (row.steered && !this.turned.bearings.has(row.id)) row.bearing = row.built;
  }

  /** A camera looks there: its pin and its cone follow. */
  look(id, bearing) {
    const row = this.byId.get(id);
    if (!row) return;
    row.bearing = bearing;
    if (id === this.chosen) this.box.dataset.bearing = String(Math.round(bearing) % 360);
    this.turned.look(id, bearing, row.built);
    this.signs.redraw();
  }

  hearing() {
    const deaf = performance.now() - this.heard > DEAF_MS;
    if (deaf === Boolean(this.deaf)) return;
    this.deaf = deaf;
    this.deafness.hidden = !deaf;
    this.update(false);
  }

  /** Pins and areas, fetched again when the deployments have changed. */
  async deployed() {
    const told = await ask(`${this.data.base}/pins`);
    if (this.gone) return;
    this.stamp = told.stamp;
    const mercator = window.L.Projection.SphericalMercator;
    const at = told.pins.map((row) => mercator.project(window.L.latLng(row.lat, row.lon)));
    for (const row of told.pins) row.built = row.bearing;
    this.turned.forget(() => false);
    this.pins = { rows: told.pins, count: told.pins.length, x: at.map((p) => p.x), y: at.map((p) => p.y) };
    this.areas = unpack(told.areas);
    this.places = told.places;
    this.byId = new Map(told.pins.map((row) => [row.id, row]));
    this.box.dataset.pins = String(this.pins.count);
    this.turnTo(this.tab);
  }

  update(changed) {
    this.signs.redraw();
    countStates(this);
    if (this.rows) this.rows.mark((id) => this.state(id), this.chosen, (row) => this.shown(row));
    if (this.title) this.title.replaceChildren(signIcon(this.state(this.chosen)), element('span', '', tell(this, this.chosen)));
    if (this.title && this.chosen) offerAccept(this);
    if (changed && this.tab !== 'cameras' && performance.now() - (this.refreshed || 0) > SLOW_MS) this.turnTo(this.tab);
  }

  shown(row) {
    return !this.only.size || this.only.has(this.state(row.id));
  }

  draw(context, view) {
    const state = (id) => this.state(id);
    this.turned.draw(context, view, this.areas, state, this.chosen);
    const drawn = drawStates(context, view, this.pins, state, { chosen: this.chosen, shown: (row) => this.shown(row) });
    this.box.dataset.drawn = String(drawn);
    if (this.spot) drawSpot(context, view, this.spot);
  }

  click(event) {
    let [best, least] = [null, 14];
    for (let i = 0; i < this.pins.count; i += 1) {
      if (!this.shown(this.pins.rows[i])) continue;
      const distance = this.map.latLngToContainerPoint(place(this.pins, i)).distanceTo(event.containerPoint);
      if (distance < least) [best, least] = [i, distance];
    }
    if (best !== null) this.open(this.pins.rows[best].id); else this.see(event.latlng.lat, event.latlng.lng);
  }

  /** Make room for a player: a head with words and a button that closes it; what stood there is closed. */
  clear(title) {
    for (const one of [this.playing, this.steering]) if (one) one.close();
    this.playing = null;
    this.steering = null;
    this.title = null;
    delete this.box.dataset.bearing;
    this.turn = (this.turn || 0) + 1;
    this.screen.replaceChildren();
    if (title === undefined) {
      this.chosen = null;
      this.spot = null;
      this.update(false);
      return null;
    }
    const head = element('header');
    const words = element('strong', '', title);
    const button = element('button', 'close', '×');
    button.type = 'button';
    button.title = this.data.words.close;
    button.setAttribute('aria-label', this.data.words.close);
    button.addEventListener('click', () => { this.clear(); this.box.focus(); });
    head.append(words, button);
    const host = element('div', 'host');
    this.screen.append(head, host);
    this.title = words;
    return host;
  }

  /** The player's module; null, with a word on the page, where it is not there. */
  async player(host) {
    try {
      return await import('./player.js');
    } catch (error) {
      host.append(element('p', 'note', this.data.words.no_player));
      return null;
    }
  }

  async open(id, travel = false) {
    const row = this.byId.get(id);
    if (!row) return;
    this.spot = null;
    this.chosen = id;
    const host = this.clear('');
    this.chosen = id;
    const { turn } = this;
    if (travel) this.map.setView([row.lat, row.lon], Math.max(this.map.getZoom(), 17), { animate: false });
    this.box.dataset.opened = id;
    if (row.feed) {
      const player = await this.player(host);
      if (turn !== this.turn) return;
      if (player) this.playing = player.play(host, { camera: id, title: row.title, base: '', reason: '', words: this.data.player });
    } else host.append(element('p', 'note', this.data.words.no_feed));
    // The camera is asked first: the map is drawn anew while it answers.
    this.update(false);
    if (!row.steered) return;
    this.steering = { camera: id, ...steer(host, { camera: id, words: this.data.steer, looked: (camera, bearing) => this.look(camera, bearing) }) };
  }

  /** Which cameras see a place: a list by pixels a metre, and a wall of those that have a picture. */
  async see(lat, lon) {
    const { words } = this.data;
    this.chosen = null;
    const host = this.clear(words.seeing);
    const { turn, title } = this;
    this.title = null;
    this.spot = [lat, lon];
    this.update(false);
    let told;
    try {
      told = await ask(`${this.data.base}/see?lat=${lat}&lon=${lon}`);
    } catch (error) {
      if (turn === this.turn) title.textContent = `${words.trouble} (${error.message})`;
      return;
    }
    if (turn !== this.turn || this.gone) return;
    title.textContent = told.cameras.length ? words.seen_by.replace('{count}', told.cameras.length) : words.seen_by_none;
    this.box.dataset.seen = String(told.cameras.length);
    const playable = told.cameras.filter((one) => this.byId.get(one.camera)?.feed).slice(0, 16)
      .map((one) => ({ camera: one.camera, title: `${one.title} · ${Math.round(one.px_per_m)} ${words.px_per_m}` }));
    const walled = element('div');
    host.append(walled, sightList(this, told));
    if (!playable.length) return;
    const player = await this.player(walled);
    if (player && turn === this.turn) this.playing = player.wall(walled, playable, { base: '', reason: '', words: this.data.player });
  }

  async turnTo(name) {
    this.tab = name;
    for (const tab of this.tabs.children) {
      tab.setAttribute('aria-selected', String(tab.dataset.tab === name));
      tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
    }
    this.rows = null;
    if (name === 'cameras') {
      this.rows = cameraRows(this);
      this.panel.replaceChildren(this.rows.box);
      this.update(false);
      return;
    }
    this.refreshed = performance.now();
    if (this.panel.dataset.tab !== name) this.panel.replaceChildren(element('p', 'note', this.data.words.waiting));
    this.panel.dataset.tab = name;
    try {
      const told = await ask(`${this.data.base}/${name}${name === 'blind' ? `?by=${this.unit}` : ''}`);
      if (this.tab === name && !this.gone && !this.panel.querySelector('textarea')) this.panel.replaceChildren((name === 'events' ? eventList : blindList)(this, told));
    } catch (error) {
      if (this.tab === name) this.panel.replaceChildren(element('p', 'note', `${this.data.words.trouble} (${error.message})`));
    }
  }

  /** A question that changes something, asked of the map's own address. */
  post(name, body) {
    return ask(`${this.data.base}/${name}`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  }

  async acknowledge(event, note) {
    await this.post('acknowledge', { event, note });
    this.panel.replaceChildren();
    await this.turnTo('events');
  }

  key(event) {
    const typing = ['INPUT', 'TEXTAREA'].includes(event.target.tagName);
    if (event.key === '/' && !typing) {
      event.preventDefault();
      this.find.focus();
    } else if (event.key === 'Escape' && this.screen.children.length) {
      this.clear();
      this.box.focus();
    } else if (event.key === 'Enter' && event.target === this.box) {
      const middle = this.map.getCenter();
      this.see(middle.lat, middle.lng);
    } else if (event.target.getAttribute('role') === 'tab' && ['ArrowLeft', 'ArrowRight'].includes(event.key)) {
      const next = TABS[(TABS.indexOf(this.tab) + (event.key === 'ArrowRight' ? 1 : TABS.length - 1)) % TABS.length];
      this.turnTo(next);
      this.tabs.querySelector(`[data-tab="${next}"]`).focus();
    }
  }

  remove() {
    this.gone = true;
    clearInterval(this.ticker);
    for (const one of [this.playing, this.steering]) if (one) one.close();
    if (this.watch) this.watch.disconnect();
    if (this.map) this.map.remove();
    this.frame.remove();
  }
}

export default function mount({ parentElement, data }) {
  let here = alive.get(parentElement);
  const text = JSON.stringify(data);
  if (here && here.text !== text) {
    here.remove();
    here = null;
  }
  if (!here) {
    here = new Operate(parentElement, data);
    here.text = text;
    alive.set(parentElement, here);
    here.ready.catch((error) => {
      console.error('The map could not be drawn', error);
      const note = element('p', 'trouble', data.words.trouble);
      note.setAttribute('role', 'alert');
      parentElement.append(note);
    });
  }
  return () => {
    alive.delete(parentElement);
    here.remove();
  };
}
