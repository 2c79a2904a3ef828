// Keeps a page of the dashboard up to date. The page says how often it may be renewed; when the
// service tells that something moved, the page is fetched again and what differs is changed in
// place. Nothing here knows what is on a page, and no text of it is ever read as markup twice: it
// is parsed where nothing runs, and only text, attributes and elements are taken over.
'use strict';

(() => {
  const least_ms = Number(document.body.dataset.renewMs);
  if (!least_ms || !window.EventSource) return;
  // Ages and times grow although nothing moves.
  const idle_ms = Math.max(10 * least_ms, 5000);
  const again_ms = 5000;
  const mark = document.getElementById('link');
  let renewed = performance.now();
  let at_work = false;
  let timer = 0;
  let moved = false;

  function show(kind, words) {
    mark.hidden = false;
    mark.className = 'badge ' + kind;
    if (mark.textContent !== words) mark.textContent = words;
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
      // What is gone, or not to be seen any more, says so itself.
      if (!page.getElementById('main')) {
        if (answer.status < 500) location.reload();
        return;
      }
      for (const part of ['top', 'main']) {
        take(document.getElementById(part), page.getElementById(part));
      }
    } catch (error) {
      show('bad', 'connection lost');
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
    source.onopen = () => show('well', 'live');
    source.addEventListener('overview', soon);
    // One a second, whether anything moves or not.
    source.addEventListener('throughput', (event) => {
      const sample = Object.entries(JSON.parse(event.data));
      const moves = sample.some(([name, value]) => name.endsWith('_bytes') && value > 0);
      if (moves || moved) soon();
      moved = moves;
    });
    source.onerror = () => {
      show('bad', 'connection lost');
      // Refused: the browser does not try again by itself.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, again_ms);
    };
  }

  setInterval(() => {
    if (performance.now() - renewed >= idle_ms) soon();
  }, 1000);
  document.addEventListener('visibilitychange', soon);
  listen();
})();
