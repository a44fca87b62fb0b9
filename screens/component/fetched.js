// What a map fetches: Leaflet and styles by their addresses, and layers, each once for all maps of the page.

import { unpack } from './layers.js';

const answers = new Map();
let leaflet = null;

export function loadLeaflet(url) {
  if (!leaflet) {
    leaflet = new Promise((done, fail) => {
      if (window.L) { done(); return; }
      const script = document.createElement('script');
      script.src = url;
      script.onload = () => done();
      script.onerror = () => { leaflet = null; script.remove(); fail(new Error(url)); };
      document.head.append(script);
    });
  }
  return leaflet;
}

export function style(root, url) {
  return new Promise((done, fail) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = url;
    link.onload = () => done();
    link.onerror = () => fail(new Error(url));
    root.append(link);
  });
}

/** A layer by its address, fetched and unpacked once for all maps of the page. */
export function layer(url) {
  if (!answers.has(url)) {
    const asked = fetch(url).then((answer) => {
      if (!answer.ok) throw new Error(`${answer.status} ${url}`);
      // What a page holds in itself is packed, and no server's header says so.
      return url.startsWith('data:') ? new Response(answer.body.pipeThrough(new DecompressionStream('gzip'))).json() : answer.json();
    }).then(unpack);
    asked.catch(() => answers.delete(url));
    answers.set(url, asked);
    if (answers.size > 40) answers.delete(answers.keys().next().value);
  }
  return answers.get(url);
}
