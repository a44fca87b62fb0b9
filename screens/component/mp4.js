// H.264 frames to fragmented MP4, one fragment a frame, for browsers that play MP4 as it comes but have no decoder of their own to offer.

const text = (name) => Array.from(name, (sign) => sign.charCodeAt(0));
const long = (value) => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const short = (value) => [(value >>> 8) & 255, value & 255];
const zeros = (count) => new Array(count).fill(0);
const UNIT = [...long(0x10000), ...zeros(12), ...long(0x10000), ...zeros(12), ...long(0x40000000)];

function box(name, ...parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  const made = new Uint8Array(size);
  made.set([...long(size), ...text(name)]);
  let at = 8;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

/** What a browser is told before the first fragment. `description`: the avcC content. Times are in microseconds, counted 1000000 a second. */
export function head(width, height, description) {
  const entry = box('avc1', [...zeros(6), ...short(1), ...zeros(16), ...short(width), ...short(height), ...long(0x480000), ...long(0x480000), ...long(0),
    ...short(1), ...zeros(32), ...short(24), 255, 255], box('avcC', description));
  const table = box('stbl', box('stsd', [...long(0), ...long(1)], entry), box('stts', zeros(8)), box('stsc', zeros(8)), box('stsz', zeros(12)), box('stco', zeros(8)));
  const data = box('dinf', box('dref', [...long(0), ...long(1)], box('url ', long(1))));
  const media = box('mdia', box('mdhd', [...zeros(12), ...long(1000000), ...long(0), ...short(0x55c4), ...short(0)]),
    box('hdlr', [...zeros(8), ...text('vide'), ...zeros(12), ...text('video'), 0]), box('minf', box('vmhd', [...long(1), ...zeros(8)]), data, table));
  const track = box('trak', box('tkhd', [...long(3), ...zeros(8), ...long(1), ...zeros(8), ...zeros(16), ...UNIT, ...short(width), 0, 0, ...short(height), 0, 0]), media);
  const movie = box('moov', box('mvhd', [...zeros(12), ...long(1000000), ...long(0), ...long(0x10000), 1, 0, ...zeros(10), ...UNIT, ...zeros(24), ...long(2)]), track,
    box('mvex', box('trex', [...long(0), ...long(1), ...long(1), ...zeros(12)])));
  const kind = box('ftyp', [...text('isom'), ...long(512), ...text('isomiso5avc1mp41')]);
  const made = new Uint8Array(kind.length + movie.length);
  made.set(kind);
  made.set(movie, kind.length);
  return made;
}

/** One frame as a fragment. `start`, `duration`: microseconds; `data`: its units with lengths. */
export function fragment(number, start, duration, key, data) {
  const make = (offset) => box('moof', box('mfhd', [...long(0), ...long(number)]), box('traf', box('tfhd', [...long(0x020000), ...long(1)]),
    box('tfdt', [...long(0x01000000), ...long(Math.floor(start / 4294967296)), ...long(start % 4294967296)]),
    box('trun', [...long(0x000701), ...long(1), ...long(offset), ...long(duration), ...long(data.length), ...long(key ? 0x02000000 : 0x01010000)])));
  const size = make(0).length;
  const body = box('mdat', data);
  const made = new Uint8Array(size + body.length);
  made.set(make(size + 8));
  made.set(body, size);
  return made;
}
