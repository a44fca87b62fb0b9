// A camera's live picture: a right to look is asked for, a WebSocket opened, and what comes is shown by the quickest way the browser has: its own decoder onto a
// canvas (WebCodecs), else as MP4 that grows (Media Source), else as single pictures that the server makes. A picture older than three seconds lies under a
// grey veil with words: nothing old is ever shown as live. Connections are renewed by themselves.

import { Decoded, Grown, STALE_S, Stills, clock, element } from './ways.js';

const LATE_S = 2;  // frames that come this much late are left, keyframes apart, until the line or the machine has caught up
const LOST_S = 8;  // so much late, the player begins anew
const SILENT_S = 12;
const HEADER = 24;
const STYLE = `
.player { position: relative; display: block; background: #111; color: #fff; font: 14px/1.4 'Noto Sans Devanagari', system-ui, sans-serif; overflow: hidden; aspect-ratio: 16 / 9; }
.player canvas, .player video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
.player [hidden] { display: none !important; }
.player header { position: absolute; inset: 0 0 auto 0; display: flex; gap: 8px; align-items: center; padding: 4px 8px; background: rgb(0 0 0 / 60%); z-index: 2; }
.player .title { flex: 1; min-width: 0; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.player .badge { padding: 0 6px; border-radius: 3px; background: #5a5a5a; white-space: nowrap; }
.player[data-state='live'] .badge { background: #00664b; }
.player .note { position: absolute; inset: auto 0 0 0; padding: 2px 8px; background: rgb(0 0 0 / 60%); z-index: 2; }
.player .veil { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; text-align: center; padding: 16px; background: rgb(70 70 70 / 88%); z-index: 1; }
.player button { font: inherit; color: inherit; background: none; border: 1px solid #aaa; border-radius: 3px; padding: 0 6px; cursor: pointer; }
.player button:focus-visible { outline: 2px solid #fff; }
.wall { display: grid; gap: 4px; background: #000; }
`;

// Type faces belong to the document, whatever shadow the player stands in.
const HINDI = 'Noto Sans Devanagari';
function face() {
  if ([...document.fonts].some(({ family }) => family.includes(HINDI))) return;
  const made = new FontFace(HINDI, `url(${new URL('./noto-sans-devanagari.woff2', import.meta.url).href})`, { weight: '100 900', unicodeRange: 'U+900-97F, U+1CD0-1CFF, U+200C-200D, U+A8E0-A8FF' });
  document.fonts.add(made);
}

class Player {
  constructor(host, { camera, title = camera, base = '', reason = '', words = {}, only = '' }) {
    Object.assign(this, { camera, base, reason, words, only });
    face();
    this.box = element('section', 'player');
    this.box.setAttribute('role', 'group');
    this.box.setAttribute('aria-label', title);
    this.box.append(element('style', '', STYLE));
    const bar = element('header');
    this.badge = element('span', 'badge');
    this.badge.setAttribute('role', 'status');
    bar.append(element('span', 'title', title), this.badge);
    if (words.still) bar.append(this.button(words.still, () => this.take()));
    if (words.full) bar.append(this.button(words.full, () => (document.fullscreenElement ? document.exitFullscreen() : this.box.requestFullscreen())));
    this.note = element('div', 'note');
    this.note.hidden = true;
    this.veil = element('div', 'veil');
    this.box.append(this.veil, bar, this.note);
    host.append(this.box);
    this.server = 'connecting';
    this.skew = Infinity;
    this.wall = -Infinity;
    this.frames = 0;
    this.tries = 0;
    this.faults = 0;
    this.jpeg = only === 'jpeg';
    this.ticker = setInterval(() => this.tick(), 250);
    this.tick();
    this.open();
  }

  button(words, act) {
    const made = element('button', '', words);
    made.type = 'button';
    made.addEventListener('click', act);
    return made;
  }

  async token() {
    const answer = await fetch(new URL(`${this.base}/live/token/${encodeURIComponent(this.camera)}`, document.baseURI), {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ reason: this.reason }),
    });
    if (answer.status === 403 || answer.status === 404 || answer.status === 401) throw Object.assign(new Error('refused'), { refused: true });
    if (!answer.ok) throw new Error('no token');
    return (await answer.json()).token;
  }

  open() {
    if (this.closed) return;
    const address = new URL(`${this.base}/live/stream/${encodeURIComponent(this.camera)}${this.jpeg ? '?as=jpeg' : ''}`, document.baseURI);
    address.protocol = address.protocol.replace('http', 'ws');
    const socket = new WebSocket(address);
    this.socket = socket;
    this.heard = clock();
    socket.binaryType = 'arraybuffer';
    const token = this.token();
    token.catch((error) => {
      if (this.socket !== socket) return;
      if (error.refused) this.refuse();
      socket.close();
    });
    socket.addEventListener('open', () => token.then((right) => socket.send(right)).catch(() => {}));
    // Messages are taken in order, also while a configuration is being looked into.
    let before = Promise.resolve();
    let busy = 0;
    socket.addEventListener('message', ({ data }) => {
      if (this.socket !== socket) return;
      this.heard = clock();
      if (typeof data !== 'string' && busy === 0) {
        this.frame(data);
        return;
      }
      busy += 1;
      before = before.then(() => (typeof data === 'string' ? this.told(JSON.parse(data)) : this.frame(data))).catch(() => {}).finally(() => { busy -= 1; });
    });
    socket.addEventListener('close', ({ code }) => {
      if (this.socket !== socket || this.closed) return;
      this.show(null);
      if (code === 4403) this.refuse();
      else if (this.server === 'live') this.server = 'connecting';
      this.tries += 1;
      const wait = this.refused ? 30000 : Math.min(3000, 250 * 2 ** this.tries) * (0.6 + 0.4 * Math.random());
      this.again = setTimeout(() => this.open(), wait);
    });
  }

  refuse() {
    this.refused = true;
    this.server = 'refused';
  }

  renew() {
    this.tries = 0;
    if (this.socket) this.socket.close();
  }

  async told(message) {
    if (message.kind === 'state') {
      this.server = message.state;
      this.refused = false;
      this.tries = 0;
      this.masked = message.masked;
      this.skew = Math.min(this.skew, clock() - message.now_s);
      if (message.state !== 'live') this.show(null);
      this.tick();
    } else if (message.kind === 'config') {
      await this.choose(message);
    } else if (message.kind === 'end' && /^(access|token)\./.test(message.code)) {
      this.refuse();
    }
  }

  async choose(config) {
    this.show(null);
    this.codec = config.codec;
    if (config.codec === 'jpeg') this.show(new Stills(this.box, config, this), 'jpeg');
    else if (this.only !== 'mse' && await Decoded.can(config)) this.show(new Decoded(this.box, config, this), 'webcodecs');
    else if (Grown.can(config)) this.show(new Grown(this.box, config, this), 'mse');
    else {
      this.noCodec = config.codec === 'h265';
      this.jpeg = true;
      this.renew();
    }
    const notes = [this.masked && this.words.masked, this.noCodec && this.words.no_h265, this.way === 'jpeg' && !this.masked && this.words.pictures];
    this.note.textContent = notes.filter(Boolean).join(' · ');
    this.note.hidden = !this.note.textContent;
  }

  show(screen, way = '') {
    if (this.screen) this.screen.close();
    this.screen = screen;
    this.way = way;
    this.wall = -Infinity;
    this.box.dataset.way = way;
  }

  frame(data) {
    if (!this.screen) return;
    const view = new DataView(data);
    const wall = view.getFloat64(16);
    this.skew = Math.min(this.skew, clock() - wall);
    const late = this.age(wall);
    const key = view.getUint8(1) === 1;
    // What was kept for us comes late by its nature; after that, lateness means a slow line or a busy machine.
    if (late < 0.5) this.prompt = true;
    if (this.prompt && late > LATE_S) this.thin = true;
    else if (key && late < LATE_S / 2) this.thin = false;
    if (this.prompt && late > LOST_S && clock() - (this.renewed ?? 0) > 15) {
      this.renewed = clock();
      this.prompt = false;
      this.renew();
      return;
    }
    if (this.thin && !key) return;
    this.screen.frame(key, wall, new Uint8Array(data, HEADER), Number(view.getBigInt64(8)));
  }

  /** Seconds since a frame was received by the server, as near as both clocks allow. */
  age(wall) {
    return clock() - this.skew - wall;
  }

  shown(wall, count = 1) {
    this.wall = wall;
    this.frames += count;
    if (this.box.dataset.state !== 'live') this.tick();
  }

  /** What was shown could not be decoded: after a few of these, the server makes pictures. */
  broken() {
    this.faults += 1;
    setTimeout(() => { this.faults -= 1; }, 20000);
    if (this.faults >= 4 && !this.jpeg) {
      this.jpeg = true;
      this.renew();
    }
  }

  tick() {
    const fresh = this.age(this.wall) < STALE_S;
    let state = this.server;
    if (state === 'live' && !fresh) state = this.wall > 0 ? 'stale' : 'connecting';
    if (this.box.dataset.state !== state) {
      this.box.dataset.state = state;
      this.badge.textContent = this.words[state] ?? state;
      this.veil.textContent = this.words[state] ?? state;
      this.veil.hidden = state === 'live';
    }
    this.box.dataset.frames = this.frames;
    if (this.socket?.readyState === WebSocket.OPEN && clock() - this.heard > SILENT_S && this.server === 'live') this.renew();
  }

  async take() {
    try {
      const token = await this.token();
      const link = element('a');
      link.href = new URL(`${this.base}/live/still/${encodeURIComponent(this.camera)}?token=${encodeURIComponent(token)}`, document.baseURI).href;
      link.download = `${this.camera}.jpg`;
      link.click();
    } catch (error) {
      if (error.refused) this.refuse();
    }
  }

  close() {
    this.closed = true;
    clearInterval(this.ticker);
    clearTimeout(this.again);
    if (this.socket) this.socket.close();
    if (this.screen) this.screen.close();
    this.box.remove();
  }
}

/**
 * Shows one camera in an element.
 * `words`: what is said of each state (live, stale, offline, wrong_password, wrong_codec, never_seen, connecting, refused), and masked, pictures, no_h265,
 * still, full; `reason`: why it is looked at, for the record; `only`: 'mse' or 'jpeg', to have that way and no quicker one.
 */
export function play(host, options) {
  const player = new Player(host, options);
  return {
    close: () => player.close(),
    state: () => ({ state: player.box.dataset.state, way: player.way, codec: player.codec, frames: player.frames, age_s: player.age(player.wall), masked: Boolean(player.masked) }),
  };
}

/** Shows up to 4, 9 or 16 cameras side by side; `cameras`: rows of { camera, title }; `options`: as of `play`, with `size`. */
export function wall(host, cameras, options = {}) {
  const size = [4, 9, 16].find((most) => most >= (options.size ?? cameras.length)) ?? 16;
  const box = element('div', 'wall');
  box.style.gridTemplateColumns = `repeat(${Math.sqrt(size)}, minmax(0, 1fr))`;
  host.append(box);
  const players = cameras.slice(0, size).map((one) => play(box, { ...options, ...one }));
  return {
    close: () => {
      for (const player of players) player.close();
      box.remove();
    },
    players,
    state: () => players.map((player) => player.state()),
  };
}
