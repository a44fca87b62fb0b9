// The ways a browser shows what comes: its own decoder onto a canvas (WebCodecs), MP4 that grows (Media Source), single pictures. Each tells its player of
// every picture shown, with the moment the server received it, and of what could not be decoded.

import { head, fragment } from './mp4.js';

export const STALE_S = 3;
export const clock = () => (performance.timeOrigin + performance.now()) / 1000;

export function element(tag, className, text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

const bytes = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

const asked = new Map();

/** Frames by the browser's own decoder, onto a canvas; on the small screens of a wall into a video element, which a browser makes smaller far cheaper. */
export class Decoded {
  constructor(box, config, told) {
    this.told = told;
    const seen = window.devicePixelRatio * box.clientWidth;
    this.sink = typeof MediaStreamTrackGenerator !== 'undefined' && seen > 0 && seen <= config.width / 2 ? new Flow(box, told) : new Sheet(box, config, told);
    this.walls = new Map();
    this.count = 0;
    this.atKey = false;
    this.wanted = Decoded.wanted(config);
    this.begin();
  }

  static wanted(config) {
    const wanted = { codec: config.string, codedWidth: config.width, codedHeight: config.height, optimizeForLatency: true };
    if (config.description) wanted.description = bytes(config.description);
    return wanted;
  }

  static async can(config) {
    if (typeof VideoDecoder === 'undefined') return false;
    // Asked once for each kind of stream: the next camera of its kind need not wait for the answer.
    const kind = [config.string, config.width, config.height, config.description].join();
    if (!asked.has(kind)) asked.set(kind, VideoDecoder.isConfigSupported(Decoded.wanted(config)).then(({ supported }) => supported).catch(() => false));
    return asked.get(kind);
  }

  begin() {
    this.atKey = false;
    this.decoder = new VideoDecoder({ output: (frame) => this.draw(frame), error: () => this.broken() });
    this.decoder.configure(this.wanted);
  }

  broken() {
    if (this.gone) return;
    this.told.broken();
    this.begin();
  }

  frame(key, wall, data) {
    if (this.decoder.state !== 'configured') return;
    if (!this.atKey && !key) return;
    if (this.decoder.decodeQueueSize > 60 && !key) {
      this.atKey = false;
      return;
    }
    this.atKey = true;
    this.count += 1;
    this.walls.set(this.count, wall);
    if (this.walls.size > 500) this.walls.clear();
    try {
      this.decoder.decode(new EncodedVideoChunk({ type: key ? 'key' : 'delta', timestamp: this.count, data }));
    } catch {
      this.broken();
    }
  }

  draw(frame) {
    const wall = this.walls.get(frame.timestamp) ?? 0;
    this.walls.delete(frame.timestamp);
    // Of what waits, the old part is gone through unseen, as long as something was drawn a moment ago.
    const age = this.told.age(wall);
    const hurry = age > 1 && this.decoder.decodeQueueSize > 0 && clock() - (this.drawn ?? 0) < 0.3;
    if (this.gone || hurry || age >= STALE_S) {
      frame.close();
      return;
    }
    this.drawn = clock();
    this.sink.show(frame, wall);
  }

  close() {
    this.gone = true;
    if (this.decoder.state !== 'closed') this.decoder.close();
    this.sink.close();
  }
}

/** A canvas of the picture's size. */
class Sheet {
  constructor(box, config, told) {
    this.told = told;
    this.canvas = element('canvas');
    box.prepend(this.canvas);
    this.canvas.width = config.width;
    this.canvas.height = config.height;
    this.context = this.canvas.getContext('2d', { alpha: false, desynchronized: true });
  }

  show(frame, wall) {
    if (this.canvas.width !== frame.displayWidth || this.canvas.height !== frame.displayHeight) {
      this.canvas.width = frame.displayWidth;
      this.canvas.height = frame.displayHeight;
    }
    this.context.drawImage(frame, 0, 0);
    frame.close();
    this.told.shown(wall);
  }

  close() {
    this.canvas.remove();
  }
}

/** A video element that is given frame after frame, and tells of those it has put on the screen. */
class Flow {
  constructor(box, told) {
    this.track = new MediaStreamTrackGenerator({ kind: 'video' });
    this.writer = this.track.writable.getWriter();
    this.video = element('video');
    this.video.muted = true;
    this.video.autoplay = true;
    this.video.playsInline = true;
    box.prepend(this.video);
    this.video.srcObject = new MediaStream([this.track]);
    this.video.play().catch(() => {});
    let before = 0;
    // A busy page is told of some pictures together.
    const drawn = (_, { presentedFrames }) => {
      if (this.gone) return;
      told.shown(this.wall, presentedFrames - before);
      before = presentedFrames;
      this.video.requestVideoFrameCallback(drawn);
    };
    this.video.requestVideoFrameCallback(drawn);
  }

  show(frame, wall) {
    // Where the one before still waits this one is let go.
    if (this.writer.desiredSize <= 0) {
      frame.close();
      return;
    }
    this.wall = wall;
    this.writer.write(frame).catch(() => frame.close());
  }

  close() {
    this.gone = true;
    this.track.stop();
    this.video.srcObject = null;
    this.video.remove();
  }
}

/** Frames as MP4 into a video element. */
export class Grown {
  constructor(box, config, told) {
    this.told = told;
    this.video = element('video');
    this.video.muted = true;
    this.video.autoplay = true;
    this.video.playsInline = true;
    box.prepend(this.video);
    this.waiting = [head(config.width, config.height, bytes(config.description))];
    this.times = [];
    this.number = 0;
    this.at = 0;
    this.last = null;
    this.media = new MediaSource();
    this.address = URL.createObjectURL(this.media);
    this.media.addEventListener('sourceopen', () => {
      if (this.gone) return;
      this.buffer = this.media.addSourceBuffer(Grown.kind(config));
      this.buffer.addEventListener('updateend', () => this.feed());
      this.feed();
    });
    this.video.addEventListener('error', () => { if (!this.gone) this.told.broken(); });
    this.video.src = this.address;
    const drawn = (_, { mediaTime }) => {
      while (this.times.length > 1 && this.times[1][0] <= mediaTime + 0.001) this.times.shift();
      if (this.times.length) this.told.shown(this.times[0][1]);
      if (!this.gone) this.video.requestVideoFrameCallback(drawn);
    };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(drawn);
    else this.video.addEventListener('timeupdate', () => drawn(0, { mediaTime: this.video.currentTime }));
  }

  static kind(config) {
    return `video/mp4; codecs="${config.string}"`;
  }

  static can(config) {
    return config.codec === 'h264' && typeof MediaSource !== 'undefined' && MediaSource.isTypeSupported(Grown.kind(config));
  }

  frame(key, wall, data, stamp) {
    if (this.last === null && !key) return;
    const step = this.last === null ? 0 : stamp - this.last;
    const fair = step > 0 && step < 1000000 ? step : 40000;
    if (this.last !== null) this.at += fair;
    this.last = stamp;
    this.number += 1;
    this.times.push([this.at / 1000000, wall]);
    this.waiting.push(fragment(this.number, this.at, fair, key, data));
    if (this.waiting.length > 600) this.told.broken();
    this.feed();
  }

  feed() {
    if (!this.buffer || this.buffer.updating || this.gone || this.media.readyState !== 'open') return;
    const ranges = this.buffer.buffered;
    try {
      if (ranges.length) {
        const end = ranges.end(ranges.length - 1);
        // The newest is what counts: what lies further back is jumped over.
        if (end - this.video.currentTime > 0.35) this.video.currentTime = end - 0.05;
        if (this.video.paused) this.video.play().catch(() => {});
        if (this.video.currentTime - ranges.start(0) > 20) {
          this.buffer.remove(ranges.start(0), this.video.currentTime - 10);
          return;
        }
      }
      if (!this.waiting.length) return;
      const size = this.waiting.reduce((sum, part) => sum + part.length, 0);
      const whole = new Uint8Array(size);
      let at = 0;
      for (const part of this.waiting) {
        whole.set(part, at);
        at += part.length;
      }
      this.waiting = [];
      this.buffer.appendBuffer(whole);
    } catch {
      this.told.broken();
    }
  }

  close() {
    this.gone = true;
    this.video.removeAttribute('src');
    this.video.load();
    URL.revokeObjectURL(this.address);
    this.video.remove();
  }
}

/** JPEG pictures onto a canvas. */
export class Stills {
  constructor(box, config, told) {
    this.told = told;
    this.canvas = element('canvas');
    box.prepend(this.canvas);
    this.context = this.canvas.getContext('2d', { alpha: false });
  }

  async frame(_, wall, data) {
    if (this.busy) return;
    this.busy = true;
    try {
      const picture = await createImageBitmap(new Blob([data], { type: 'image/jpeg' }));
      if (!this.gone) {
        this.canvas.width = picture.width;
        this.canvas.height = picture.height;
        this.context.drawImage(picture, 0, 0);
        this.told.shown(wall);
      }
      picture.close();
    } catch {
      this.told.broken();
    }
    this.busy = false;
  }

  close() {
    this.gone = true;
    this.canvas.remove();
  }
}
