// Keeps a page of the dashboard up to date. The page says how often it may be renewed; when the
// service tells that something moved, the page is fetched again and what differs is changed in
// place. Nothing here knows what is on a page, and no text of it is ever read as markup twice: it
// is parsed where nothing runs, and only text, attributes and elements are taken over.
'use strict';

(() => {
  const units = ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s'];

  function rate_text(bytes_per_s) {
    let value = bytes_per_s;
    let unit = 0;
    for (; value >= 999.5 && unit + 1 < units.length; ++unit) value /= 1000;
    const digits = unit === 0 || value >= 99.95 ? 0 : value < 9.995 ? 2 : 1;
    return value.toFixed(digits) + '\u00a0' + units[unit];
  }

  // How fast numbers on the page grow: an element names their keys in `data-rate-of`. Of what the
  // last renewals showed, so that it is steady.
  const rate_ms = 4000;
  const shown_before = new Map();

  function show_rates() {
    const now = performance.now();
    for (const place of document.querySelectorAll('[data-rate-of]')) {
      let sum = 0;
      for (const key of place.dataset.rateOf.split(' ')) {
        const figure = document.querySelector('[data-key="' + key + '"]');
        sum += figure ? Number(figure.dataset.value) : 0;
      }
      const before = shown_before.get(place.dataset.rateOf) || [];
      before.push({sum, now});
      while (before.length > 2 && before[1].now < now - rate_ms) before.shift();
      shown_before.set(place.dataset.rateOf, before);
      const passed_s = (now - before[0].now) / 1000;
      const rate = passed_s > 0.5 ? Math.max(0, sum - before[0].sum) / passed_s : 0;
      place.textContent = rate > 0 ? rate_text(rate) : '';
    }
  }

  // The height of a plot's curve at `x`; its path is `M x y l dx dy dx dy ...`. Null: none.
  function height_at(path, x) {
    const steps = path.getAttribute('d').match(/-?\d+/g).map(Number);
    let [left, y] = steps;
    if (x < left) return null;
    for (let i = 2; i + 1 < steps.length; i += 2) {
      const right = left + steps[i];
      if (x <= right) return y + (steps[i + 1] * (x - left)) / Math.max(1, steps[i]);
      left = right;
      y += steps[i + 1];
    }
    return y;
  }

  function ago(seconds) {
    if (seconds < 60) return seconds + '\u00a0s ago';
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return minutes + '\u00a0min ago';
    return Math.floor(minutes / 60) + '\u00a0h ' + (minutes % 60) + '\u00a0min ago';
  }

  function read(plot, event) {
    const curves = plot.querySelector('.curves');
    const place = curves.getBoundingClientRect();
    const {width, height} = curves.viewBox.baseVal;
    const share = Math.min(1, Math.max(0, (event.clientX - place.left) / place.width));
    const x = Math.round(share * width);
    const top = Number(curves.dataset.top);
    const words = [];
    for (const path of curves.querySelectorAll('.curve')) {
      const y = height_at(path, x);
      if (y === null) continue;
      words.push(path.dataset.title + ' ' + rate_text((top * (height - y)) / height));
    }
    if (!words.length) return leave(plot);
    const cursor = curves.querySelector('.cursor');
    cursor.setAttribute('x1', x);
    cursor.setAttribute('x2', x);
    plot.querySelector('.readout').textContent =
      ago((width - x) * Number(curves.dataset.sampleS)) + ': ' + words.join(', ');
  }

  function leave(plot) {
    plot.querySelector('.cursor').setAttribute('x1', -1);
    plot.querySelector('.cursor').setAttribute('x2', -1);
    plot.querySelector('.readout').textContent = '';
  }

  for (const plot of document.querySelectorAll('.plot')) {
    plot.querySelector('.canvas').addEventListener('pointermove', (event) => read(plot, event));
    plot.querySelector('.canvas').addEventListener('pointerleave', () => leave(plot));
  }

  const least_ms = Number(document.body.dataset.renewMs);
  if (!least_ms || !window.EventSource) return;
  // Ages and times grow although nothing moves.
  const idle_ms = Math.max(10 * least_ms, 5000);
  const again_ms = 5000;
  const mark = document.getElementById('link');
  let renewed = performance.now();
  let at_work = false;
  let timer = 0;
  let calm_at = 0;
  let silence = 0;

  function show(kind, words) {
    mark.hidden = false;
    mark.className = 'badge ' + kind;
    if (mark.textContent !== words) mark.textContent = words;
  }

  function heard() {
    clearTimeout(silence);
    silence = 0;
    show('well', 'live');
  }

  // The service ends each stream after a while; the next one comes within seconds.
  function missed() {
    silence = silence || setTimeout(() => show('bad', 'connection lost'), again_ms);
  }

  function key_of(node) {
    return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.row || '' : '';
  }

  function take_attributes(shown, next) {
    for (const one of [...shown.attributes]) {
      if (!next.hasAttribute(one.name)) shown.removeAttribute(one.name);
    }
    for (const one of next.attributes) {
      if (shown.getAttribute(one.name) !== one.value) shown.setAttribute(one.name, one.value);
    }
  }

  function take_children(shown, next) {
    const keyed = new Map();
    for (const child of shown.childNodes) if (key_of(child)) keyed.set(key_of(child), child);
    let at = shown.firstChild;
    for (const wanted of [...next.childNodes]) {
      const key = key_of(wanted);
      let same = key ? keyed.get(key) : at;
      if (!same || same.nodeName !== wanted.nodeName || key_of(same) !== key) {
        shown.insertBefore(document.importNode(wanted, true), at);
        continue;
      }
      if (same === at) {
        at = at.nextSibling;
      } else {
        shown.insertBefore(same, at);
      }
      take(same, wanted);
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  // Makes what is shown equal to what it is now; elements stay the same ones where they can.
  function take(shown, next) {
    if (shown.isEqualNode(next)) return;
    if (shown.nodeType !== Node.ELEMENT_NODE) {
      shown.nodeValue = next.nodeValue;
      return;
    }
    if (shown.dataset.keep) return;
    take_attributes(shown, next);
    take_children(shown, next);
  }

  async function renew() {
    at_work = true;
    renewed = performance.now();
    try {
      const answer = await fetch(location.pathname + location.search, {cache: 'no-store'});
      const text = await answer.text();
      const page = new DOMParser().parseFromString(text, 'text/html');
      // What is gone, or not to be seen any more, says so itself; and after an upgrade of the
      // service the page has another script.
      const script = (one) => one.querySelector('script')?.getAttribute('src');
      if (!page.getElementById('main') || script(page) !== script(document)) {
        if (answer.status < 500) location.reload();
        return;
      }
      for (const part of ['top', 'main']) {
        take(document.getElementById(part), page.getElementById(part));
      }
      show_rates();
      heard();
    } catch (error) {
      missed();
    } finally {
      at_work = false;
    }
  }

  // Soon, but not more often than the page allows, and not while nobody looks.
  function soon() {
    if (timer || document.hidden) return;
    const wait_ms = Math.max(0, renewed + least_ms - performance.now());
    timer = setTimeout(() => {
      timer = 0;
      if (!at_work) renew();
    }, wait_ms);
  }

  function listen() {
    const source = new EventSource('/api/v1/events');
    source.onopen = heard;
    source.addEventListener('overview', soon);
    // One a second, whether anything moves or not.
    source.addEventListener('throughput', (event) => {
      const sample = Object.entries(JSON.parse(event.data));
      const moves = sample.some(([name, value]) => name.endsWith('_bytes') && value > 0);
      if (moves) calm_at = performance.now() + rate_ms + 1000;
      if (performance.now() < calm_at) soon();
    });
    source.onerror = () => {
      missed();
      // Refused: the browser does not try again by itself.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, again_ms);
    };
  }

  setInterval(() => {
    if (performance.now() - renewed >= idle_ms) soon();
  }, 1000);
  document.addEventListener('visibilitychange', soon);
  show_rates();
  listen();
})();
