// The map of a city and a plan. One instance lives as long as its place on the page; new data changes what differs and leaves the view alone.

import { BUILDINGS_FROM, COLOURS, canvasLayer, drawDemand, drawGround, drawPins, drawShades, drawViews, keepStill, pinAt, place, unpack } from './layers.js';
import { layer, loadLeaflet, style } from './fetched.js';
import { Handwork } from './hand.js';
import { controlsOf } from './hand_form.js';
import { Notes } from './notes.js';
import { cameraList, details, element, legend, rulesOf } from './panel.js';
import { LINKS, LOST, boxOf, drawAreas, drawNetwork, drawStretches, rankedList } from './review.js';
import { budgetSlider } from './slider.js';

const alive = new WeakMap();
const groups = new Map();

class CityMap {
  constructor(root, data) {
    this.root = root;
    this.loaded = {};
    this.chosen = null;
    this.shown = { views: true, existing: true, existing_views: false, unseen: true, seen: false, shades: true, gained: true, lost: true, both: false, neither: false, standing: false, stretches: true, areas: true, network: true };
    this.gap = null;
    this.frame = element('div', 'frame');
    this.stage = element('div', 'stage');
    this.box = element('div', 'map');
    this.stage.append(this.box);
    this.frame.append(this.stage);
    this.ready = this.start(data);
  }

  async start(data) {
    await Promise.all([loadLeaflet(data.assets.leaflet), style(this.root, data.assets.leaflet_css), style(this.root, data.assets.css)]);
    this.data = data;
    this.beside();
    this.root.append(this.frame);
    this.frame.style.setProperty('--height', `${data.height}px`);
    const { L } = window;
    this.map = L.map(this.box, { attributionControl: false, zoomControl: false, minZoom: 9, maxZoom: 20, zoomSnap: 0.5, preferCanvas: true });
    keepStill(this.map);
    L.control.zoom({ position: 'topleft', zoomInTitle: data.words.zoom_in, zoomOutTitle: data.words.zoom_out }).addTo(this.map);
    L.control.scale({ imperial: false, position: 'bottomright' }).addTo(this.map);
    this.map.getContainer().setAttribute('aria-label', data.words.map);
    this.map.createPane('ground').style.zIndex = 200;
    this.map.createPane('signs').style.zIndex = 450;
    this.map.fitBounds(data.bounds);
    this.unpack = unpack;
    this.place = place;
    this.hand = new Handwork(this);
    this.ground = canvasLayer((context, view) => drawGround(context, view, this.loaded), 'ground').addTo(this.map);
    this.signs = canvasLayer((context, view) => this.drawSigns(context, view), 'signs').addTo(this.map);
    this.notes = new Notes(this.map);
    this.map.on('click', (event) => {
      if (this.data.notes && this.data.notes.placing) this.put(event.latlng);
      else if (!this.hand.click(event.latlng)) this.click(event.containerPoint);
    });
    this.map.on('mousemove', (event) => this.box.classList.toggle('over-pin', this.find(event.containerPoint, 8) !== null));
    this.map.on('zoomend', () => { if (this.text && this.data.urls.buildings && !this.loaded.buildings) this.load(this.text); });
    this.watch = new ResizeObserver(() => this.map.invalidateSize({ pan: false }));
    this.watch.observe(this.box);
  }

  async show(data) {
    await this.ready;
    if (this.gone) return;
    // A sheet's name in the address changes nothing else: what it holds is asked for apart.
    const text = JSON.stringify({ ...data, hand: null });
    if (text === this.text) { this.data = data; this.hand.show(data.hand); return; }
    this.gap = null;
    const moved = this.text && JSON.stringify(this.data.bounds) !== JSON.stringify(data.bounds);
    this.text = text;
    this.data = data;
    this.only = data.only ? new Set(data.only) : null;
    this.frame.style.setProperty('--height', `${data.height}px`);
    this.climb(data.ladder);
    if (moved) this.map.fitBounds(data.bounds);
    this.join(data.group);
    this.labels();
    this.notes.show(data.notes);
    await this.load(text);
    if (this.gone || text !== this.text) return;
    this.hand.show(data.hand);
    this.labels();
    this.signs.redraw();
    this.box.dataset.state = this.trouble ? 'trouble' : 'ready';
  }

  /** The budget slider above the map, where there is a ladder; the rung a visitor chose stays while it is the same ladder. */
  climb(ladder) {
    if (ladder && this.ladder === ladder.id) return;
    if (this.slider) this.slider.box.remove();
    this.ladder = ladder ? ladder.id : null;
    this.slider = null;
    this.rung = ladder ? ladder.start : null;
    if (!ladder) return;
    const move = (k) => {
      const began = performance.now();
      this.rung = k;
      this.signs.redraw();
      this.box.dataset.rung = String(k);
      this.box.dataset.moved = (performance.now() - began).toFixed(1);
    };
    this.slider = budgetSlider(ladder, ladder.words, move, (k) => this.tell('rung', k));
    this.slider.set(this.rung);
    this.box.dataset.rung = String(this.rung);
    this.frame.before(this.slider.box);
  }

  async load(text) {
    const all = Object.keys(this.data.urls);
    // Houses are drawn close up only: fetched then, they do not delay the first map on a poor line.
    const names = all.filter((name) => name !== 'buildings' || this.map.getZoom() >= BUILDINGS_FROM);
    for (const name of Object.keys(this.loaded)) if (!all.includes(name)) delete this.loaded[name];
    this.box.dataset.state = 'loading';
    this.trouble = false;
    await Promise.all(names.map(async (name) => {
      try {
        const got = await layer(this.data.urls[name]);
        if (this.gone || text !== this.text) return;
        this.loaded[name] = got;
      } catch (error) {
        this.trouble = true;
        delete this.loaded[name];
        console.error('A layer of the map could not be loaded', name, error);
        return;
      }
      if (['roads', 'buildings', 'wards'].includes(name)) this.ground.redraw(); else this.signs.redraw();
    }));
    this.box.dataset.planned = String(this.loaded.planned ? this.loaded.planned.count : 0);
    this.box.dataset.existing = String(this.loaded.cameras ? this.loaded.cameras.count : 0);
  }

  labels() {
    const { data } = this;
    for (const old of this.stage.querySelectorAll('.made, .credit, .legend, .wait, .trouble')) old.remove();
    if (data.made) this.stage.append(element('div', 'made', data.made));
    if (data.credit) this.stage.append(element('div', 'credit', data.credit));
    if (this.trouble) this.stage.append(element('div', 'trouble', data.words.trouble));
    this.stage.append(legend(this.entries(), data.words, this.stage.clientWidth > 760, (key, on) => { this.shown[key] = on; this.signs.redraw(); }));
    this.beside();
    this.choose(null);
  }

  /** The list of cameras; an empty one keeps its place until they have come, so that the map need not shrink then. */
  beside() {
    if (this.list) this.list.box.remove();
    this.list = null;
    if (this.data.review && this.data.review.list && this.loaded.stretches) {
      this.list = rankedList(this.loaded.stretches, this.data.review, (k) => this.goTo(k));
      this.frame.append(this.list.box);
      return;
    }
    if (!this.data.list) return;
    const pins = this.pins() || { rows: [] };
    this.list = cameraList(pins, this.data.words, this.only, (i) => this.choose('planned', i, true));
    this.frame.append(this.list.box);
  }

  /** The map to a street out of view, which is marked. */
  goTo(k) {
    const [west, south, east, north] = boxOf(this.loaded.stretches, k);
    const { L } = window;
    const at = (x, y) => L.Projection.SphericalMercator.unproject(L.point(x, y));
    this.gap = k;
    this.map.fitBounds([at(west, south), at(east, north)], { maxZoom: 17, padding: [60, 60], animate: false });
    this.list.mark(k);
    this.box.dataset.gap = String(k);
    this.signs.redraw();
  }

  entries() {
    const { words, urls, difference, shades, review } = this.data;
    if (difference) return this.changes(difference, words);
    const all = [
      ...(shades ? shades.labels.map((text, k) => ({ key: k ? null : 'shades', shape: 'area', colour: shades.colours[k], text })) : []),
      urls.stretches && { key: 'stretches', shape: 'line', colour: LOST[2], text: review.stretches },
      urls.areas && { key: 'areas', shape: 'area', colour: LOST[1], text: review.areas },
      ...(urls.network ? Object.keys(LINKS).map((kind, k) => (
        { key: k ? null : 'network', shape: kind === 'existing' || kind === 'wireless' ? 'dash' : 'line', colour: LINKS[kind], text: review.links[kind] })) : []),
      shades && shades.mark && { shape: 'edge', colour: '#000000', text: shades.mark },
      urls.planned && { shape: 'disc', colour: COLOURS.planned, text: words.planned },
      this.only && { shape: 'ring', colour: COLOURS.only, text: words.only },
      urls.views && { key: 'views', shape: 'area', colour: COLOURS.plannedView, text: words.views },
      { key: 'existing', shape: 'square', colour: COLOURS.existing, text: words.existing },
      urls.existing_views && { key: 'existing_views', shape: 'area', colour: COLOURS.existingView, text: words.existing_views },
      urls.demand && { key: 'unseen', shape: 'dot', colour: COLOURS.unseen, text: words.unseen },
      urls.demand && { key: 'seen', shape: 'dot', colour: COLOURS.seen, text: words.seen },
      { shape: 'line', colour: '#949aa2', text: words.roads },
      urls.wards && { shape: 'dash', colour: '#a9a39a', text: words.ward_line },
      ...this.hand.legend(),
    ];
    return all.filter(Boolean).map((entry) => ({ ...entry, shown: entry.key ? this.shown[entry.key] : true }));
  }

  /** The legend of what changes from one plan to another. */
  changes(said, words) {
    const all = [
      { key: 'gained', shape: 'dot', colour: COLOURS.gained, text: said.gained }, { key: 'lost', shape: 'cross', colour: COLOURS.lost, text: said.lost },
      { key: 'both', shape: 'dot', colour: COLOURS.seen, text: said.both }, { key: 'neither', shape: 'dot', colour: COLOURS.unseen, text: said.neither },
      { shape: 'disc', colour: COLOURS.gained, text: said.pin_second }, { shape: 'hollow', colour: COLOURS.lost, text: said.pin_first },
      { shape: 'disc', colour: COLOURS.same, text: said.pin_both },
      { key: 'standing', shape: 'square', colour: COLOURS.existing, text: words.existing },
      this.data.urls.wards && { shape: 'dash', colour: '#a9a39a', text: words.ward_line },
    ];
    return all.filter(Boolean).map((entry) => ({ ...entry, shown: entry.key ? this.shown[entry.key] : true }));
  }

  drawSigns(context, view) {
    const { loaded, shown } = this;
    const { difference, shades } = this.data;
    if (shades && shown.shades && loaded.wards) drawShades(context, view, loaded.wards, shades);
    const chosen = this.hand.trial || (this.chosen ? this.chosen.row.id : null);
    if (loaded.existing_views && shown.existing_views) drawViews(context, view, loaded.existing_views, COLOURS.existingView, chosen);
    const came = this.hand.views();
    if (loaded.views && shown.views) drawViews(context, view, loaded.views, COLOURS.plannedView, chosen, this.hand.gone());
    if (came && shown.views) drawViews(context, view, came, COLOURS.plannedView, chosen);
    if (loaded.demand && difference) {
      const states = [['neither', 0, COLOURS.unseen], ['both', 1, COLOURS.seen], ['lost', 3, COLOURS.lost, true], ['gained', 2, COLOURS.gained]];
      drawDemand(context, view, loaded.demand, states.filter(([name]) => shown[name]).map(([, state, colour, crossed]) => [state, state, colour, crossed]));
    } else if (loaded.demand) {
      const wanted = [];
      // In a ladder a point's state is 1 more than the rung that first sees it; 0 where existing cameras do.
      const [seen, unseen] = this.rung === null ? [[1, 2], [0, 0]] : [[0, this.rung + 1], [this.rung + 2, Infinity]];
      if (shown.seen) wanted.push([...seen, COLOURS.seen]);
      if (shown.unseen) wanted.push([...unseen, COLOURS.unseen]);
      drawDemand(context, view, this.hand.demand(loaded.demand), wanted);
    }
    const gap = this.list && this.list.box.classList.contains('ranked') ? this.gap : null;
    if (loaded.areas && shown.areas) drawAreas(context, view, loaded.areas, null);
    if (loaded.stretches && shown.stretches) drawStretches(context, view, loaded.stretches, gap);
    if (loaded.network && shown.network) drawNetwork(context, view, loaded.network);
    let [existing, planned] = [0, 0];
    const sides = difference ? [COLOURS.same, COLOURS.lost, COLOURS.gained] : null;
    if (loaded.cameras && this.standing()) existing = drawPins(context, view, loaded.cameras, COLOURS.existing, { square: true, chosen });
    if (loaded.planned) planned = drawPins(context, view, this.pins(), COLOURS.planned, { chosen, only: this.only, upto: this.rung, sides });
    this.hand.drawOver(context, view);
    this.box.dataset.drawnExisting = String(existing);
    this.box.dataset.drawnPlanned = String(planned);
  }

  /** Whether existing cameras are drawn: on a map of changes only when asked for. */
  standing() { return this.data.difference ? this.shown.standing : this.shown.existing; }

  /** The pins of planned cameras, as they are by hand where they were changed. */
  pins() {
    return this.hand ? this.hand.pins() : this.loaded.planned;
  }

  /** The plan was changed by hand: the list, the legend and the panel of the camera in question anew, with the focus where it was. */
  changed(id) {
    const scrolled = this.panel ? this.panel.scrollTop : 0;
    const focus = this.panel && this.root.activeElement ? this.root.activeElement.dataset.hand : null;
    this.labels();
    const i = id && this.pins() ? this.pins().rows.findIndex((row) => row.id === id) : -1;
    if (i >= 0) this.choose('planned', i);
    const field = focus && this.panel ? this.panel.querySelector(`[data-hand="${focus}"]`) : null;
    if (field) field.focus({ preventScroll: true });
    if (this.panel) this.panel.scrollTop = scrolled;
    this.box.dataset.planned = String(this.pins() ? this.pins().count : 0);
    this.signs.redraw();
  }

  find(point, reach) {
    for (const kind of ['planned', 'cameras']) {
      if (!this.loaded[kind] || (kind === 'cameras' && !this.standing())) continue;
      const found = pinAt(this.map, kind === 'planned' ? this.pins() : this.loaded[kind], point, reach, kind === 'planned' ? this.rung : null);
      if (found !== null) return [kind, found];
    }
    return null;
  }

  click(point) {
    const found = this.find(point, 14);
    if (found) this.choose(found[0], found[1], false); else this.choose(null);
  }

  /** The place someone chose for a suggestion, told to the page. */
  put(spot) {
    this.ask('place', { lat: Number(spot.lat.toFixed(6)), lon: Number(spot.lng.toFixed(6)) });
  }

  choose(kind, i = 0, travel = false) {
    if (this.panel) this.panel.remove();
    this.panel = null;
    const before = this.chosen;
    const pins = kind === 'planned' ? this.pins() : this.loaded[kind];
    this.chosen = kind ? { kind, row: pins.rows[i] } : null;
    if (this.chosen) {
      this.panel = details(this.chosen.row, i + 1, kind === 'planned', this.data.words, () => { this.choose(null); this.box.focus(); });
      // Why it is there, and rules about it, are told of the plan's own cameras only.
      if (kind === 'planned' && this.data.rules && !this.chosen.row.note) this.panel.append(rulesOf(this.chosen.row, this.data, (what, id) => this.ask('rule', { what, id })));
      if (kind === 'planned' && this.data.hand) this.panel.append(controlsOf(this.hand, this.chosen.row));
      this.stage.append(this.panel);
      if (travel) {
        this.map.setView(place(pins, i), Math.max(this.map.getZoom(), 17), { animate: false });
      }
    }
    if (this.list && (this.chosen || before)) this.list.mark(this.chosen ? this.chosen.row.id : this.gap);
    if (this.chosen || before) this.signs.redraw();
  }

  /** Maps of one group move together. */
  join(group) {
    if (group === this.group) return;
    this.leave();
    this.group = group;
    if (!group) return;
    if (!groups.has(group)) groups.set(group, new Set());
    const peers = groups.get(group);
    const first = peers.values().next().value;
    if (first) this.map.setView(first.map.getCenter(), first.map.getZoom(), { animate: false });
    peers.add(this);
    this.map.on('moveend', this.follow, this);
  }

  follow() {
    if (this.following) return;
    for (const peer of groups.get(this.group) || []) {
      if (peer === this) continue;
      peer.following = true;
      peer.map.setView(this.map.getCenter(), this.map.getZoom(), { animate: false });
      peer.following = false;
    }
  }

  leave() {
    if (!this.group) return;
    this.map.off('moveend', this.follow, this);
    const peers = groups.get(this.group);
    peers.delete(this);
    if (!peers.size) groups.delete(this.group);
    this.group = null;
  }

  remove() {
    this.gone = true;
    this.leave();
    if (this.watch) this.watch.disconnect();
    if (this.map) this.map.remove();
    if (this.slider) this.slider.box.remove();
    if (this.hand) this.hand.remove();
    this.frame.remove();
  }
}

export default function mount({ parentElement, data, setStateValue, setTriggerValue }) {
  let here = alive.get(parentElement);
  if (!here) {
    here = new CityMap(parentElement, data);
    alive.set(parentElement, here);
  }
  here.tell = setStateValue;
  here.ask = setTriggerValue;
  here.show(data).catch((error) => {
    console.error('The map could not be drawn', error);
    const note = element('p', 'trouble', data.words.trouble);
    note.setAttribute('role', 'alert');
    parentElement.append(note);
  });
  return () => {
    alive.delete(parentElement);
    here.remove();
  };
}
