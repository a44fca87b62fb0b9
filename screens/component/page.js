// The map on a page of its own: told what to draw by the page itself, with nobody to tell what was chosen.

import mount from './map.js';

const told = JSON.parse(document.getElementById('chaukas').textContent);
const root = document.getElementById('map').attachShadow({ mode: 'open' });
mount({ parentElement: root, data: told, setStateValue() {}, setTriggerValue() {} });
