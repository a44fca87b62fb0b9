// The map of the suggestions page: a tap puts the place into the form, a place typed there is drawn; what others suggested and is shown stands on it.

import mount from './map.js';

const told = JSON.parse(document.getElementById('chaukas').textContent);
const box = document.getElementById('map');
const root = box.attachShadow({ mode: 'open' });
const field = document.querySelector('input[name="place"]');

function place() {
  const found = /^\s*(-?\d+(?:\.\d+)?)[\s,]+(-?\d+(?:\.\d+)?)\s*$/.exec(field.value);
  return found ? { lat: Number(found[1]), lon: Number(found[2]) } : null;
}

function draw() {
  told.notes.chosen = place();
  mount({
    parentElement: root,
    data: { ...told, notes: { ...told.notes } },
    setStateValue() {},
    setTriggerValue(what, spot) {
      if (what !== 'place') return;
      field.value = `${spot.lat.toFixed(6)}, ${spot.lon.toFixed(6)}`;
      draw();
    },
  });
}

box.hidden = false;
field.addEventListener('change', draw);
draw();
