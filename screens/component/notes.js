// What people wrote on the map: signs with their words, and the place someone is choosing for new ones.

import { element } from './panel.js';

/** A sign that shows its mark to the eye and its words to who asks, by pointer or by key. */
function sign(note) {
  const { L } = window;
  const box = element('div', 'mark', note.mark);
  const icon = L.divIcon({ className: `note note-${note.kind}`, html: box, iconSize: [26, 26], iconAnchor: [13, 13], popupAnchor: [0, -10] });
  const marker = L.marker([note.lat, note.lon], { icon, title: `${note.label}: ${note.text}`, alt: note.label, riseOnHover: true });
  const words = element('div', 'words');
  words.append(element('b', '', note.label), element('p', '', note.text));
  if (note.answer) words.append(element('p', 'answer', note.answer));
  marker.bindPopup(words, { minWidth: 220, maxWidth: 280, autoPanPadding: [24, 24] });
  return marker;
}

export class Notes {
  constructor(map) {
    this.layer = window.L.layerGroup().addTo(map);
    this.text = '';
  }

  /** Draw what is there now; nothing where there is nothing new. */
  show(notes) {
    const text = JSON.stringify(notes || null);
    if (text === this.text) return;
    this.text = text;
    this.layer.clearLayers();
    if (!notes) return;
    for (const note of notes.items) this.layer.addLayer(sign(note));
    if (notes.chosen) this.layer.addLayer(sign({ ...notes.chosen, kind: 'chosen', mark: '+', label: notes.here, text: '' }));
  }
}
