/* Souk: the few behaviours that HTML does not have. No inline handlers, no eval, no style attributes.
   Everything hangs on data-* attributes; a page without script still works. Texts come from the page. */
(() => {
  'use strict';
  const $ = (s, r = document) => r.querySelector(s);
  const $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const term = document.body.dataset.portal === 'term';
  const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(checkbox|radio)$/.test(el.type));
  const openDialog = () => $$('dialog[open]').filter((d) => d.matches(':modal')).pop();
  const say = (t) => { const s = $('#say'); if (s) s.textContent = t; };

  function toast(text, { tone = 'ok', ms = 6000 } = {}) {
    const box = $('#toasts'); const t = $('#tpl-toast')?.content.firstElementChild.cloneNode(true);
    if (!box || !t || !text) return;
    t.classList.add('tone-' + tone); $('[data-text]', t).textContent = text;
    if (term) box.replaceChildren(); /* the till shows one at a time */
    box.append(t); setTimeout(() => t.matches(':hover, :focus-within') || t.remove(), ms);
  }

  function show(d) { if (!d || d.open) return; d.showModal(); ($('[autofocus]', d) || $('input:not([type=hidden]), select, textarea, .sk-dialog-foot .btn', d))?.focus(); }

  /* clicks */
  document.addEventListener('click', (e) => {
    const el = e.target.closest('[data-dialog],[data-close],[data-dismiss],[data-nav]');
    $$('details.sk-menu[open]').forEach((m) => { if (!m.contains(e.target) || e.target.closest('.sk-menu-list')) m.open = false; });
    const side = $('#side'); if (side?.classList.contains('is-open') && !e.target.closest('#side, [data-nav]')) side.classList.remove('is-open');
    if (!el) return;
    const d = el.dataset;
    if (d.dialog) { e.preventDefault(); show(document.getElementById(d.dialog)); }
    if ('close' in d) el.closest('dialog')?.close();
    if ('dismiss' in d) el.closest('.sk-flash, .sk-toast')?.remove();
    if ('nav' in d) { e.preventDefault(); side.classList.toggle('is-open'); $('a', side)?.focus(); }
  });

  /* a form is sent once: the second press of an impatient hand does nothing */
  document.addEventListener('submit', (e) => {
    const f = e.target;
    if (f.method !== 'post') return;
    if (f.dataset.sent) { e.preventDefault(); return; }
    f.dataset.sent = '1'; e.submitter?.classList.add('is-busy'); e.submitter?.setAttribute('aria-busy', 'true');
  });
  addEventListener('pageshow', () => $$('form[data-sent]').forEach((f) => { delete f.dataset.sent; $$('.is-busy').forEach((b) => { b.classList.remove('is-busy'); b.removeAttribute('aria-busy'); }); }));

  /* lists: j k Enter */
  function cursor(step) {
    const rows = $$('[data-rows] tbody tr'); if (!rows.length) return;
    const i = rows.findIndex((r) => r.classList.contains('is-cursor') || r.contains(document.activeElement)), n = Math.max(0, Math.min(rows.length - 1, i + step));
    rows.forEach((r) => r.classList.remove('is-cursor')); rows[n].classList.add('is-cursor'); rows[n].scrollIntoView({ block: 'nearest' }); $('a, button', rows[n])?.focus();
  }

  /* keys that mean the same on every page */
  let g = 0;
  document.addEventListener('keydown', (e) => {
    if (e.altKey && !e.ctrlKey && /^[1-5]$/.test(e.key) && term) { const a = $$('.sk-term-tabs a')[e.key - 1]; if (a) { e.preventDefault(); location.href = a.href; } return; }
    if (e.key === 'Escape') { const m = $('details.sk-menu[open]'); if (m) { m.open = false; $('summary', m).focus(); } }
    const box = e.target, free = !typing(box) || (term && box.matches('[data-scan]') && !box.value);
    if (!free || openDialog() || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === '?') { e.preventDefault(); return show($('#keys')); }
    if (term) return;
    if (e.key === '/') { const s = $('[data-search]'); if (s) { e.preventDefault(); s.focus(); s.select(); } return; }
    if (g && Date.now() - g < 900) { g = 0; const a = $(`[data-go="${CSS.escape(e.key)}"]`); if (a) { e.preventDefault(); location.href = a.href; } return; }
    if (e.key === 'g') { g = Date.now(); return; }
    if (e.key === 'j') return cursor(1);
    if (e.key === 'k') return cursor(-1);
    if (e.key === '[' || e.key === ']') { const a = $(`.sk-pager [rel=${e.key === '[' ? 'prev' : 'next'}][href]`); if (a) a.click(); return; }
    /* a button that shows a single-letter key answers to it */
    const hit = $$('.sk-actions :is(a, button)').find((b) => $('kbd', b)?.textContent.trim().toLowerCase() === e.key.toLowerCase());
    if (hit && e.key.length === 1) { e.preventDefault(); hit.click(); }
  });
  document.addEventListener('keydown', (e) => { if ((e.ctrlKey || e.metaKey) && e.key === 'Enter') openDialog()?.querySelector('.sk-dialog-foot .btn-primary, .sk-dialog-foot .btn-danger')?.click(); });

  /* the line: shown at once when it is lost */
  const line = () => { const off = !navigator.onLine, c = $('#conn'), b = $('#offline'); if (b) b.hidden = !off; if (c) { c.className = 'sk-conn tone-' + (off ? 'bad' : 'ok'); c.textContent = off ? c.dataset.off : c.dataset.on; } };
  addEventListener('online', line); addEventListener('offline', line); line();

  /* a table wider than its place can be scrolled by keys, and says what it is */
  const wide = () => $$('.sk-scroll:not([role])').forEach((s) => { const c = $('caption', s); if (c && s.scrollWidth > s.clientWidth + 1) { s.tabIndex = 0; s.setAttribute('role', 'region'); s.setAttribute('aria-label', c.textContent); } });
  wide(); addEventListener('resize', wide);

  /* parts that refresh themselves: not while the page is hidden, never replaced by something else than the same part;
     whoever was signed out meanwhile is sent to the door */
  const live = (e) => { const el = e.detail?.ctx?.sourceElement; return el?.matches?.('[data-live]') ? el : null; };
  document.addEventListener('htmx:before:request', (e) => { if (live(e) && (document.hidden || openDialog())) e.preventDefault(); });
  document.addEventListener('htmx:before:swap', (e) => {
    const ctx = e.detail?.ctx, raw = ctx?.response?.raw, id = ctx?.select?.slice(1);
    if (!raw || !id) return;
    if (raw.redirected && new URL(raw.url).pathname === '/sign-in') { e.preventDefault(); location.reload(); return; }
    if (live(e) && new URL(ctx.request.action, location.href).search !== location.search) { e.preventDefault(); return; } /* asked before the filter changed */
    if (raw.status >= 400 || !ctx.text?.includes(`id="${id}"`)) e.preventDefault();
  });

  /* what came in since the last look: tinted for a while, and said once */
  const seen = new Set(), fresh = new Map();
  function arrivals(first) {
    const now = Date.now(), news = [];
    $$('[data-arrival]').forEach((el) => {
      const id = el.dataset.arrival;
      if (!seen.has(id)) { seen.add(id); if (!first) { fresh.set(id, now + 20000); news.push(el.dataset.name || id); } }
      el.classList.toggle('is-new', (fresh.get(id) || 0) > now);
    });
    const s = $('#say');
    if (news.length && s?.dataset.new) say(news.map((n) => s.dataset.new.replace('{name}', n)).join(' '));
  }
  arrivals(true);
  let page = location.href; /* another filter or page is not an arrival */
  document.addEventListener('htmx:after:swap', () => { wide(); arrivals(page !== location.href); page = location.href; });

  /* scanner: a burst of keys under 35 ms apart that ends in Enter is a scan, wherever the focus is */
  let burst = '', then = 0;
  document.addEventListener('keydown', (e) => {
    const now = performance.now(), fast = now - then < 35; then = now;
    if (e.key === 'Enter') { if (fast && burst.length >= 6) { e.preventDefault(); e.stopPropagation(); document.dispatchEvent(new CustomEvent('souk:scan', { detail: burst })); } burst = ''; return; }
    if (e.key.length === 1) burst = fast ? burst + e.key : e.key;
  }, true);

  /* orders board: 1 to 9 act on a ticket; a scan is not a key press */
  if ($('#board')) {
    let t = 0;
    document.addEventListener('keydown', (e) => { clearTimeout(t); if (openDialog() || typing(e.target) || e.ctrlKey || e.metaKey || e.altKey || e.repeat || !/^[1-9]$/.test(e.key)) return; t = setTimeout(() => { const b = $(`#board [data-digit="${e.key}"]`); if (b) b.click(); }, 60); });
    document.addEventListener('souk:scan', (e) => {
      clearTimeout(t);
      const hit = $$('#board .sk-ticket').find((x) => x.dataset.name.toLowerCase() === e.detail.toLowerCase());
      if (hit) { hit.scrollIntoView({ block: 'nearest' }); ($('button', hit) || hit.closest('ul'))?.focus(); } else toast($('#say')?.dataset.unknown?.replace('{code}', e.detail), { tone: 'bad' });
    });
  }
})();
