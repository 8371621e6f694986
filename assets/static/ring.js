/* The shop's board rings: for each order that is new in its first lane, again and again until somebody has looked at it.
   What nobody has seen yet keeps its mark through reloads. A browser makes no sound before it was touched, which the switch says. */
(() => {
  'use strict';
  const board = document.getElementById('board'), by = document.querySelector('[data-ring]');
  if (!board || !by) return;
  const AGAIN = 10000, place = 'souk-board-' + by.dataset.ring;
  const kept = (where, name) => { try { return JSON.parse(where.getItem(name)); } catch { return null; } };
  const keep = (where, name, value) => { try { where.setItem(name, JSON.stringify(value)); } catch { /* this visit only */ } };
  const lane = () => document.querySelector('#board [data-lane]'), tickets = () => [...lane().querySelectorAll('[data-arrival]')];

  /* the sound: two short notes, made here; a touch holds for the pages that follow in this tab */
  let sound = null, is = kept(localStorage, 'souk-ring') !== false;
  const can = () => sound?.state === 'running';
  function note(at, pitch) {
    const tone = sound.createOscillator(), loud = sound.createGain();
    tone.frequency.value = pitch; tone.connect(loud).connect(sound.destination);
    loud.gain.setValueAtTime(0, at); loud.gain.linearRampToValueAtTime(.3, at + .02); loud.gain.exponentialRampToValueAtTime(.001, at + .35);
    tone.start(at); tone.stop(at + .4);
  }
  function wake() {
    if (!is || can() || !kept(sessionStorage, 'souk-touched')) return;
    if (!sound) { sound = new AudioContext(); sound.addEventListener('statechange', () => { show(); if (unseen.size) ring(); }); }
    sound.resume();
  }
  function ring() { if (is && can()) { note(sound.currentTime, 880); note(sound.currentTime + .22, 1174.7); } }
  function touch() { if (navigator.userActivation?.hasBeenActive !== false) { keep(sessionStorage, 'souk-touched', true); wake(); } }

  /* what is new, and what of it nobody has seen */
  const before = kept(sessionStorage, place);
  let known = new Set(before?.known ?? tickets().map((one) => one.dataset.arrival)), unseen = new Set(before?.unseen);
  function look() {
    const there = tickets().map((one) => one.dataset.arrival), news = there.filter((id) => !known.has(id));
    news.forEach((id) => unseen.add(id)); unseen = new Set(there.filter((id) => unseen.has(id))); known = new Set(there);
    show(); if (news.length) ring();
  }
  function show() {
    tickets().forEach((one) => {
      const is = unseen.has(one.dataset.arrival), mark = one.querySelector('[data-unseen]');
      one.classList.toggle('is-unseen', is);
      if (!is) mark?.remove();
      else if (!mark) { const word = document.createElement('span'); word.className = 'sk-status tone-info'; word.dataset.unseen = ''; word.textContent = by.dataset.word; one.prepend(word); }
    });
    const waits = is && !can();
    by.setAttribute('aria-pressed', String(is)); by.title = waits ? by.dataset.wait : '';
    by.querySelectorAll('[data-when]').forEach((one) => { one.hidden = one.dataset.when !== (waits ? 'wait' : is ? 'on' : 'off'); });
    keep(sessionStorage, place, { known: [...known], unseen: [...unseen] });
  }
  function saw(e) {
    const one = e.target.closest?.('[data-arrival]'), all = /^(focusin|keydown)$/.test(e.type) && lane().contains(e.target) && e.target.matches(':focus-visible') ? tickets() : one ? [one] : [];
    if (all.filter((ticket) => unseen.delete(ticket.dataset.arrival)).length) show();
  }
  ['pointermove', 'pointerdown', 'focusin', 'keydown'].forEach((name) => document.addEventListener(name, saw));
  ['pointerup', 'keyup'].forEach((name) => document.addEventListener(name, touch));
  by.addEventListener('click', () => { is = !is; keep(localStorage, 'souk-ring', is); show(); if (can()) ring(); else touch(); });
  document.addEventListener('htmx:after:swap', look);
  setInterval(() => { if (unseen.size) ring(); }, AGAIN);
  by.hidden = false; look(); wake();
})();
