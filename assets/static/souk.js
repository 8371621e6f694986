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

  function toast(text, { undo, tone = 'ok', ms = Math.max(6000, text?.length * 80) } = {}) {
    const box = $('#toasts'); const t = $('#tpl-toast')?.content.firstElementChild.cloneNode(true);
    if (!box || !t || !text) return;
    t.classList.add('tone-' + tone); $('[data-text]', t).textContent = text;
    const u = $('[data-undo]', t);
    if (undo && u) { u.hidden = false; undo.hidden = true; t.append(undo); u.addEventListener('click', () => undo.requestSubmit()); } /* `undo` is the form that takes it back */
    if (term) box.replaceChildren(); /* the till shows one at a time */
    box.append(t); setTimeout(() => t.matches(':hover, :focus-within') || t.remove(), ms);
  }

  /* what went well is said in passing, with the way back where there is one, and once; errors, and what has rows or links to read, stay */
  function pass() {
    $$('[data-flash].tone-ok').forEach((f) => { if ($('ul, a', f)) return; const text = $('div', f).textContent; toast(text, { undo: $('form', f) }); f.remove(); });
    const here = new URL(location.href), told = ['said', 'told', 'undo'].filter((name) => here.searchParams.has(name));
    if (told.length) { told.forEach((name) => here.searchParams.delete(name)); history.replaceState(history.state, '', here); }
  }

  function show(d) { if (!d || d.open) return; d.showModal(); ($('[autofocus]', d) || $('input:not([type=hidden]), select, textarea, .sk-dialog-foot .btn', d))?.focus(); }

  /* one dialog serves every row: the button that opens it says where its form goes and what it is about */
  function fill(d, by) {
    const form = $('form', d), { action, fill: texts, confirm } = by.dataset;
    if (action) form.action = action;
    if (texts) Object.entries(JSON.parse(texts)).forEach(([k, v]) => $$(`[data-fill="${CSS.escape(k)}"]`, d).forEach((el) => { el.textContent = v; }));
    if (confirm) $$('[data-confirm]', d).forEach((i) => { i.dataset.confirm = confirm; i.value = ''; });
    locks(d);
  }
  /* a typed confirmation: the button waits for the word */
  const locks = (d) => $$('[data-confirm]', d).forEach((i) => { const go = $('[data-confirm-go]', i.closest('form')); if (go) go.disabled = i.value.trim() !== i.dataset.confirm; });
  document.addEventListener('input', (e) => { if (e.target.dataset.confirm) locks(e.target.closest('form')); });

  /* clicks */
  document.addEventListener('click', (e) => {
    const el = e.target.closest('[data-dialog],[data-close],[data-dismiss],[data-jump],[data-nav],[data-clear]');
    $$('details.sk-menu[open]').forEach((m) => { if (!m.contains(e.target) || e.target.closest('.sk-menu-list :is(a, button)')) m.open = false; });
    const side = $('#side'); if (side?.classList.contains('is-open') && !e.target.closest('#side, [data-nav]')) side.classList.remove('is-open');
    if (!el) return;
    const d = el.dataset;
    const ask = d.dialog && document.getElementById(d.dialog);
    if (ask) { e.preventDefault(); fill(ask, el); show(ask); }
    if ('close' in d) el.closest('dialog')?.close();
    if ('dismiss' in d) el.closest('.sk-flash, .sk-toast')?.remove();
    if ('jump' in d && jump) { e.preventDefault(); openJump(); }
    if ('clear' in d) { $$('[data-row], [data-all]').forEach((c) => { c.checked = false; }); bulk(); }
    if ('nav' in d) { e.preventDefault(); side.classList.toggle('is-open'); $('a', side)?.focus(); }
  });

  /* a form is sent once: the second press of an impatient hand does nothing */
  document.addEventListener('submit', (e) => {
    const f = e.target;
    if (f.method !== 'post' || e.submitter?.hasAttribute('data-stays')) return; /* a download leaves the page as it is */
    if (f.dataset.sent) { e.preventDefault(); return; }
    f.dataset.sent = '1'; e.submitter?.classList.add('is-busy'); e.submitter?.setAttribute('aria-busy', 'true');
  });
  addEventListener('pageshow', () => $$('form[data-sent]').forEach((f) => { delete f.dataset.sent; $$('.is-busy').forEach((b) => { b.classList.remove('is-busy'); b.removeAttribute('aria-busy'); }); }));

  /* lists: select, bulk bar, j k x Enter; what was chosen stays chosen when the list refreshes itself */
  let chosen = new Set();
  function bulk() {
    const rows = $$('[data-row]'), n = rows.filter((c) => c.checked).length, all = $('[data-all]'), bar = $('[data-bulk]');
    chosen = new Set(rows.filter((c) => c.checked).map((c) => c.value));
    if (all) { all.checked = n > 0 && n === rows.length; all.indeterminate = n > 0 && n < rows.length; }
    if (bar) { bar.hidden = n === 0; $('[data-n]', bar).textContent = n; }
  }
  document.addEventListener('change', (e) => {
    if (e.target.matches('[data-all]')) $$('[data-row]').forEach((c) => { c.checked = e.target.checked; });
    if (e.target.matches('[data-row], [data-all]')) bulk();
  });
  let last = null; /* shift-click selects the rows between */
  document.addEventListener('click', (e) => {
    if (!e.target.matches('[data-row]')) return;
    const rows = $$('[data-row]');
    if (e.shiftKey && last) { const [a, b] = [rows.indexOf(last), rows.indexOf(e.target)].sort((x, y) => x - y); rows.slice(a, b + 1).forEach((c) => { c.checked = e.target.checked; }); bulk(); }
    last = e.target;
  });
  function cursor(step) {
    const rows = $$('[data-rows] tbody tr'); if (!rows.length) return;
    const i = rows.findIndex((r) => r.classList.contains('is-cursor') || r.contains(document.activeElement)), n = Math.max(0, Math.min(rows.length - 1, i + step));
    rows.forEach((r) => r.classList.remove('is-cursor')); rows[n].classList.add('is-cursor'); rows[n].scrollIntoView({ block: 'nearest' }); $('a[href], button', rows[n])?.focus();
  }

  /* jump box: the server answers, the newest question wins */
  const jump = $('#jump'), jin = jump && $('input', jump), jl = jump && $('#jump-list'); let at = 0, asked = 0, wait = 0;
  const el = (name, cls, text) => { const n = document.createElement(name); if (cls) n.className = cls; if (text !== undefined) n.textContent = text; return n; };
  function point() { const all = $$('[data-href]', jl); at = Math.max(0, Math.min(at, all.length - 1)); all.forEach((o, i) => o.setAttribute('aria-selected', String(i === at))); if (all[at]) { jin.setAttribute('aria-activedescendant', all[at].id); all[at].scrollIntoView({ block: 'nearest' }); } else jin.removeAttribute('aria-activedescendant'); }
  function drawJump(groups) {
    jl.replaceChildren(); let n = 0;
    groups.forEach((g) => {
      const box = el('div'); box.setAttribute('role', 'group'); box.setAttribute('aria-label', g.title);
      const t = el('div', 'sk-palette-group', g.title); t.setAttribute('aria-hidden', 'true'); box.append(t);
      g.items.forEach((h) => { const o = el('div', 'sk-palette-opt'); o.id = 'jo' + n++; o.dataset.href = h.href; o.setAttribute('role', 'option'); o.append(el('span', '', h.text), el('small', '', h.note)); box.append(o); });
      jl.append(box);
    });
    if (!n) { const o = el('div', 'sk-palette-opt', $('#say')?.dataset.jumpNone?.replace('{q}', jin.value)); o.setAttribute('role', 'option'); jl.append(o); }
    point();
  }
  async function askJump() {
    const mine = ++asked;
    try {
      const answer = await fetch('/jump?' + new URLSearchParams({ q: jin.value, from: location.pathname }), { headers: { accept: 'application/json' } });
      if (answer.redirected) { location.reload(); return; }
      heard('jump', 200);
      if (!answer.ok) return;
      const { groups } = await answer.json();
      if (mine === asked) { at = 0; drawJump(groups); }
    } catch { heard('jump', 0); /* what is shown stays */ }
  }
  function openJump() { if (!jump) return; jin.value = ''; jl.replaceChildren(); askJump(); show(jump); jin.focus(); }
  jin?.addEventListener('input', () => { clearTimeout(wait); wait = setTimeout(askJump, 120); });
  jin?.addEventListener('keydown', (e) => {
    const n = $$('[data-href]', jl).length;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); at = (at + (e.key === 'ArrowDown' ? 1 : n - 1)) % (n || 1); point(); }
    if (e.key === 'Enter') { e.preventDefault(); const o = $$('[data-href]', jl)[at]; if (o) location.href = o.dataset.href; }
  });
  jl?.addEventListener('click', (e) => { const o = e.target.closest('[data-href]'); if (o) location.href = o.dataset.href; });

  /* editors: the save bar comes with the first change, and leaving asks; Ctrl S saves */
  const editor = $('[data-savebar]')?.closest('form');
  if (editor) {
    const bar = $('[data-savebar]', editor), touched = () => { if (bar.hidden) { bar.hidden = false; editor.dataset.dirty = '1'; } };
    if (!editor.querySelector('[aria-invalid]')) bar.hidden = true;
    editor.addEventListener('input', touched); editor.addEventListener('change', touched);
    addEventListener('beforeunload', (e) => { if (editor.dataset.dirty && !editor.dataset.sent) e.preventDefault(); });
  }

  /* rows of an editor's table: another one, like the last */
  $$('[data-grow]').forEach((b) => { b.hidden = false; });
  document.addEventListener('click', (e) => {
    const by = e.target.closest('[data-grow]'); if (!by) return;
    const rows = $('#' + CSS.escape(by.dataset.grow)), last = $$('[data-row-new]', rows).pop(); if (!last) return;
    const n = Number($('[name]', last).name.match(/\.new(\d+)\./)[1]), row = last.cloneNode(true);
    $$('.sk-error', row).forEach((x) => x.remove());
    $$('*', row).forEach((x) => { ['id', 'name', 'for'].forEach((a) => { if (x.hasAttribute(a)) x.setAttribute(a, x.getAttribute(a).replace('.new' + n + '.', '.new' + (n + 1) + '.')); }); if (x.matches('input')) { x.value = ''; x.removeAttribute('aria-invalid'); x.removeAttribute('aria-describedby'); } });
    last.after(row); $('input', row).focus();
  });

  /* a part of a page that is changed by itself: what is typed beside it stays as it is */
  const parsed = (text) => new DOMParser().parseFromString(text, 'text/html');
  function renew(page, part) {
    const now = $(part), next = $(part, page); if (!now || !next) { location.reload(); return; }
    const open = $$('details', now).map((d) => d.open), typed = new Map($$('input[type=text]', now).filter((i) => i.value !== i.defaultValue).map((i) => [i.name, i.value]));
    now.replaceWith(next);
    $$('details', next).forEach((d, i) => { d.open = open[i] ?? d.open; });
    typed.forEach((v, name) => { const i = $(`[name="${CSS.escape(name)}"]`, next); if (i) i.value = v; });
    const flash = $('#flash', page); if (flash) { $('#flash').replaceWith(flash); pass(); }
  }
  document.addEventListener('submit', async (e) => {
    const f = e.target, dialog = f.closest('dialog'), by = e.submitter, part = f.dataset.part || (dialog && $(`[data-dialog="${CSS.escape(dialog.id)}"][form]`)?.form?.dataset.part);
    if (!part || e.defaultPrevented) return;
    e.preventDefault();
    const act = by?.getAttribute('formaction') || f.getAttribute('action'), body = new URLSearchParams(new FormData(f, by));
    const at = by && $$('[data-move]').findIndex((x) => x.contains(document.activeElement));
    let answer, page;
    try { answer = await fetch(act, { method: 'POST', body }); page = parsed(await answer.text()); } catch { location.reload(); return; }
    if (answer.status === 409 && !$(part, page)) { /* refused by a page of its own, so nothing was done: it is asked for again, to be read */
      if (by?.name) { const i = el('input'); i.type = 'hidden'; i.name = by.name; i.value = by.value; f.append(i); }
      f.action = act; HTMLFormElement.prototype.submit.call(f); return;
    }
    renew(page, part);
    delete f.dataset.sent; by?.classList.remove('is-busy'); by?.removeAttribute('aria-busy'); dialog?.close();
    const to = moved === null ? at : moved; moved = null; if (to >= 0) $$('[data-move]')[to]?.focus();
  });
  let moved = null; /* where a picture that was moved by its arrow keys lies next */
  document.addEventListener('keydown', (e) => {
    if (!e.target.matches?.('[data-move]') || !/^Arrow(Left|Right)$|^Delete$/.test(e.key)) return;
    const i = $$('[data-move]').indexOf(e.target), row = $$('.sk-fold tbody tr', e.target.closest('section'))[i], b = row && $({ ArrowLeft: '[data-left]', ArrowRight: '[data-right]', Delete: '[data-remove]' }[e.key], row);
    if (!b || b.disabled) return;
    e.preventDefault(); moved = i + ({ ArrowLeft: -1, ArrowRight: 1 }[e.key] || 0); b.click();
  });

  /* pictures go one after the other, and show how far they are; what is refused is said, the others are there */
  const sendOne = (to, file, onprogress) => new Promise((done) => {
    const x = new XMLHttpRequest(), body = new FormData(); body.append('pictures', file, file.name);
    x.open('POST', to + '?' + new URLSearchParams({ made_for: $('[name=made_for]')?.value || '' })); x.setRequestHeader('accept', 'application/json'); x.upload.addEventListener('progress', onprogress);
    x.addEventListener('loadend', () => { try { done(JSON.parse(x.responseText).refused ?? [x.statusText]); } catch { done([$('h1', parsed(x.responseText))?.textContent || x.statusText || $('#offline')?.textContent || '?']); } });
    x.send(body);
  });
  async function sendAll(to, files, box, busy) {
    const bar = $('progress', box), text = $('p', box), all = files.reduce((n, f) => n + f.size, 0) || 1, wrong = []; let sent = 0;
    box.hidden = false;
    for (const [i, file] of files.entries()) {
      text.textContent = `${busy} ${i + 1} / ${files.length}: ${file.name}`;
      const refused = await sendOne(to, file, (e) => { bar.value = Math.min(99, (sent + Math.min(e.loaded, file.size)) / all * 100); });
      wrong.push(...refused.map((why) => `${file.name}: ${why.replace(/^[^:]* 1: /, '')}`)); sent += file.size;
    }
    box.hidden = true; return wrong;
  }
  function warn(lines) {
    if (!lines.length) return;
    const flash = el('div', 'sk-flash tone-bad'), list = el('ul'); flash.setAttribute('role', 'alert'); flash.tabIndex = -1;
    lines.forEach((line) => list.append(el('li', '', line))); flash.append(list); $('#flash').replaceChildren(flash); flash.focus();
  }
  document.addEventListener('change', async (e) => {
    const i = e.target; if (!i.matches('[data-upload], [data-preview]') || !i.files.length) return;
    const box = $('[data-progress]', i.closest('section')), list = i.closest('ul');
    if (i.matches('[data-preview]')) { preview(i, list); return; }
    const wrong = await sendAll(i.dataset.upload, [...i.files], box, i.dataset.busy);
    try { renew(parsed(await (await fetch(location.pathname)).text()), i.dataset.part); } catch { location.reload(); return; }
    if (wrong.length) warn(wrong); else $('[data-upload]')?.focus();
  });
  /* a new product's pictures wait beside its form */
  let waiting = [];
  function preview(input, list) { waiting.push(...input.files); input.value = ''; drawWaiting(list); }
  async function small(file) { /* the page's policy lets no blob in, so it is drawn small */
    const bitmap = await createImageBitmap(file, { resizeWidth: 200 }), canvas = document.createElement('canvas');
    canvas.width = bitmap.width; canvas.height = bitmap.height; canvas.getContext('2d').drawImage(bitmap, 0, 0); return canvas.toDataURL('image/jpeg', .7);
  }
  function drawWaiting(list) {
    $$('[data-waiting]', list).forEach((x) => x.remove());
    waiting.forEach((file, n) => {
      const li = el('li'), b = el('button', 'sk-iconbtn sk-tag', '×'); li.dataset.waiting = n; b.type = 'button'; b.setAttribute('aria-label', `× ${file.name}`);
      b.addEventListener('click', () => { waiting.splice(n, 1); drawWaiting(list); });
      const name = el('small', 'sk-small', file.name); li.append(name, b); list.lastElementChild.before(li);
      small(file).then((src) => { const img = el('img'); img.src = src; img.alt = file.name; name.replaceWith(img); }).catch(() => {});
    });
  }
  document.addEventListener('submit', async (e) => {
    const f = e.target; if (!f.matches('[data-create]') || !waiting.length || e.defaultPrevented) return;
    e.preventDefault();
    const body = new FormData(f, e.submitter), box = $('[data-progress]', f); body.delete('pictures');
    const free = () => { delete f.dataset.sent; e.submitter?.classList.remove('is-busy'); e.submitter?.removeAttribute('aria-busy'); };
    let answer; try { answer = await fetch(f.action, { method: 'POST', body, headers: { accept: 'application/json' } }); } catch { free(); warn([$('#offline')?.textContent || '?']); return; }
    if (!answer.ok) {
      const page = parsed(await answer.text()), form = $('[data-create]', page); if (!form) { free(); warn([$('h1', page)?.textContent || answer.statusText]); return; }
      f.replaceChildren(...form.childNodes); $('#flash').replaceWith($('#flash', page)); $$('[data-grow]', f).forEach((b) => { b.hidden = false; }); drawWaiting($('.sk-media', f)); free(); $('[data-flash]')?.focus(); return;
    }
    const { pictures, product, next } = await answer.json(), wrong = await sendAll(pictures, waiting, box, $('[data-preview]', f).dataset.busy);
    f.dataset.sent = '1'; waiting = []; location.href = wrong.length ? product : next; if (wrong.length) sessionStorage.setItem('souk.wrong', JSON.stringify(wrong));
  });
  try { const wrong = sessionStorage.getItem('souk.wrong'); if (wrong) { sessionStorage.removeItem('souk.wrong'); warn(JSON.parse(wrong)); } } catch { /* nothing was kept */ }

  /* a refused form: its dialog is open again, and the flash is read first */
  pass(); show($('dialog[data-open]')); locks(document);
  if (!openDialog()) $('[data-flash].tone-bad')?.focus();

  /* keys that mean the same on every page */
  let g = 0;
  document.addEventListener('keydown', (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k' && jump) { e.preventDefault(); return openJump(); }
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 's' && !openDialog()) { /* the editor's form, or that of the button which shows the key */
      const by = editor ? null : $$('button[type=submit]').find((b) => b.checkVisibility() && $$('kbd', b).some((k) => /^Ctrl\s*S$/.test(k.textContent.trim())));
      if (editor || by) { e.preventDefault(); return editor ? editor.requestSubmit() : by.form.requestSubmit(by); }
    }
    if (e.altKey && !e.ctrlKey && /^[1-9]$/.test(e.key) && term) { const a = $$('.sk-term-tabs a')[e.key - 1]; if (a) { e.preventDefault(); location.href = a.href; } return; }
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
    if (e.key === 'x') { const c = $('tr.is-cursor [data-row]'); if (c) { c.checked = !c.checked; bulk(); } return; }
    if (e.key === '[' || e.key === ']') { const a = $(`.sk-pager [rel=${e.key === '[' ? 'prev' : 'next'}][href]`); if (a) a.click(); return; }
    /* a button that shows a single-letter key answers to it */
    const hit = $$('.sk-actions :is(a, button)').find((b) => $('kbd', b)?.textContent.trim().toLowerCase() === e.key.toLowerCase());
    if (hit && e.key.length === 1) { e.preventDefault(); hit.click(); }
  });
  document.addEventListener('keydown', (e) => { if ((e.ctrlKey || e.metaKey) && e.key === 'Enter') (openDialog()?.querySelector('.sk-dialog-foot .btn-primary, .sk-dialog-foot .btn-danger') || (openDialog() ? null : $('[data-another]')))?.click(); });

  /* the line: shown at once when it is lost, also to whoever only watches. What nobody answers is the line's, and any answer
     takes it back; what is answered with a fault of the server's stays old by itself, until its own next good answer */
  const lost = new Set();
  const line = () => { const off = !navigator.onLine || lost.size > 0, c = $('#conn'), b = $('#offline'), text = off ? c?.dataset.off : c?.dataset.on; if (b) b.hidden = !off; if (c && c.textContent !== text) { c.className = 'sk-conn tone-' + (off ? 'bad' : 'ok'); c.textContent = text; } };
  const heard = (part, status) => { if (!status) lost.add('line'); else { lost.delete('line'); if (status >= 500) lost.add(part); else lost.delete(part); } line(); };
  addEventListener('online', line); addEventListener('offline', line); line();
  let leaving = false; /* what a page still asks for when it goes is cut off, and says nothing of the line */
  addEventListener('pagehide', () => { leaving = true; }); addEventListener('pageshow', () => { leaving = false; });
  document.addEventListener('htmx:after:request', (e) => { const { response, target } = e.detail.ctx; heard(target?.id, response.status); });
  document.addEventListener('htmx:error', (e) => { const ctx = e.detail?.ctx; if (ctx && !ctx.response && !leaving) heard(ctx.target?.id, 0); });

  /* a table wider than its place can be scrolled by keys, and says what it is; so can the steps of an order */
  const wide = () => { $$('.sk-scroll:not([role])').forEach((s) => { const c = $('caption', s); if (c && s.scrollWidth > s.clientWidth + 1) { s.tabIndex = 0; s.setAttribute('role', 'region'); s.setAttribute('aria-label', $('#say')?.dataset.table?.replace('{name}', c.textContent) || c.textContent); } }); $$('.sk-steps').forEach((s) => { if (s.scrollWidth > s.clientWidth + 1) s.tabIndex = 0; }); };
  wide(); addEventListener('resize', wide);

  /* parts that refresh themselves: not while the page is hidden, never replaced by something else than the same part;
     whoever was signed out meanwhile is sent to the door */
  const live = (e) => { const el = e.detail?.ctx?.sourceElement; return el?.matches?.('[data-live]') ? el : null; };
  document.addEventListener('htmx:before:request', (e) => { if (live(e) && (document.hidden || openDialog())) e.preventDefault(); });
  document.addEventListener('htmx:before:swap', (e) => {
    const ctx = e.detail?.ctx, raw = ctx?.response?.raw, id = ctx?.select?.slice(1);
    if (!raw || !id) return;
    if (raw.redirected && new URL(raw.url).pathname === '/sign-in') { e.preventDefault(); location.reload(); return; }
    const whose = ctx.text?.match(/<body[^>]* data-company="([^"]*)"/)?.[1]; /* another company by now: the whole page is its own */
    if (whose && whose !== document.body.dataset.company) { e.preventDefault(); location.reload(); return; }
    const asked = new URL(ctx.request.action, location.href);
    if (live(e) && asked.pathname === location.pathname && asked.search !== location.search) { e.preventDefault(); return; } /* asked before the filter changed */
    if (raw.status >= 400 || !ctx.text?.includes(`id="${id}"`)) { e.preventDefault(); return; }
    const was = live(e)?.dataset.live; /* a part that says which it is stays, with its open menus, until that is another */
    if (was && ctx.text.includes(`id="${id}" data-live="${was}"`)) e.preventDefault();
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
  document.addEventListener('htmx:after:swap', () => {
    const other = page !== location.href; page = location.href;
    wide(); arrivals(other);
    if (!other) $$('[data-row]').forEach((c) => { c.checked = chosen.has(c.value); });
    bulk();
  });
  bulk();

  /* scanner: a burst of keys under 50 ms apart that ends in Enter is a scan, wherever the focus is; when they were
     pressed counts, not when a page that is just being drawn gets to hear of them */
  /* only where something can be scanned; a password may come as fast as a scan */
  let burst = '', then = 0;
  if ($('[data-scan], [data-scan-to], #board')) document.addEventListener('keydown', (e) => {
    const now = e.timeStamp, fast = now - then < 50; then = now;
    if (e.key === 'Enter') { if (fast && burst.length >= 6 && !e.target.matches?.('[type="password"], [type="email"]')) { e.preventDefault(); e.stopPropagation(); document.dispatchEvent(new CustomEvent('souk:scan', { detail: burst })); } burst = ''; return; }
    if (e.key.length === 1) burst = fast ? burst + e.key : e.key;
  }, true);

  /* the terminal's function keys: the button that shows one answers to it, also while somebody types */
  document.addEventListener('keydown', (e) => { if (openDialog() || e.ctrlKey || e.altKey || e.metaKey || !/^F[2-46-9]$/.test(e.key)) return; const b = $(`[data-fkey="${e.key}"]`); if (b) { e.preventDefault(); b.click(); } });

  /* what was looked up last is written over by the next word */
  if (document.activeElement?.matches('[data-scan]')) document.activeElement.select();

  /* looking up: a scan asks at once, wherever the focus is */
  document.addEventListener('souk:scan', (e) => { const f = $('[data-scan-form]'), box = f && $('[data-scan]', f); if (!box || openDialog()) return; box.value = e.detail; f.requestSubmit(); });

  /* on a screen without a scan box a scan looks the goods up; arrows walk a list, Esc leads back to the box */
  const lookUp = $('[data-scan-to]');
  if (lookUp) document.addEventListener('souk:scan', (e) => { if (!openDialog()) location.href = lookUp.dataset.scanTo + encodeURIComponent(e.detail); });
  if (term) document.addEventListener('keydown', (e) => {
    const box = $('[data-scan]');
    if (openDialog() || e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    if (e.key === 'Escape' && box && e.target !== box) { e.preventDefault(); box.focus(); box.select(); }
    if ((e.key === 'ArrowDown' || e.key === 'ArrowUp') && $('[data-rows]') && (!typing(e.target) || e.target === box)) { e.preventDefault(); cursor(e.key === 'ArrowDown' ? 1 : -1); }
  });

  /* orders board: arrows choose a lane, 1 to 9 act on its tickets; a scan is not a key press, and a digit that
     has just come to mean another ticket does nothing */
  if ($('#board')) {
    let t = 0, seen = new Map(), lane = sessionStorage.getItem('souk-lane');
    const lanes = () => $$('#board [data-lane]'), at = () => lanes().find((x) => x.dataset.lane === lane) || lanes().find((x) => $('[data-digit]', x)) || lanes()[0];
    const mark = () => {
      const is = at(), now = performance.now(), next = new Map();
      lanes().forEach((x) => x.toggleAttribute('data-chosen', x === is));
      lanes().forEach((x) => $$('[data-digit]', x).forEach((b, n) => b.classList.toggle('btn-primary', x === is && n === 0))); /* the one thing to do */
      if (is) $$('[data-digit]', is).forEach((b) => { const id = b.closest('.sk-ticket').id, was = seen.get(b.dataset.digit); next.set(b.dataset.digit, was && was.id === id ? was : { id, since: was ? now : 0 }); });
      seen = next;
    };
    const choose = (x) => { if (x.dataset.lane === at()?.dataset.lane && lane) return; lane = x.dataset.lane; sessionStorage.setItem('souk-lane', lane); seen = new Map(); mark(); };
    mark();
    document.addEventListener('htmx:after:swap', mark);
    document.addEventListener('focusin', (e) => { const x = e.target.closest('[data-lane]'); if (x) choose(x); });
    document.addEventListener('keydown', (e) => {
      clearTimeout(t);
      if (openDialog() || typing(e.target) || e.ctrlKey || e.metaKey || e.altKey || e.repeat) return;
      if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') {
        const all = lanes(), x = all[all.indexOf(at()) + (e.key === 'ArrowRight' ? 1 : -1)];
        if (x) { e.preventDefault(); choose(x); $('ul', x).focus(); }
        return;
      }
      if (!/^[1-9]$/.test(e.key)) return;
      t = setTimeout(() => { const b = $(`[data-chosen] [data-digit="${e.key}"]`); if (b && performance.now() - (seen.get(e.key)?.since || -1e6) > 800) b.click(); }, 60);
    });
    document.addEventListener('souk:scan', (e) => {
      clearTimeout(t);
      const hit = $$('#board .sk-ticket').find((x) => x.dataset.name.toLowerCase() === e.detail.toLowerCase());
      if (hit) { hit.scrollIntoView({ block: 'nearest' }); ($('button', hit) || hit.closest('ul'))?.focus(); } else toast($('#say')?.dataset.unknown?.replace('{code}', e.detail), { tone: 'bad' });
    });
  }
})();
