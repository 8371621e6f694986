/* The API's pages: a form for each endpoint, which asks it and shows the answer. Nothing is kept when the page goes. */
(() => {
  'use strict';
  const $ = (s, r = document) => r.querySelector(s);
  const $$ = (s, r = document) => [...r.querySelectorAll(s)];
  $$('[data-asker], [data-try]').forEach((part) => { part.hidden = false; });

  /* where it goes, and what it says besides its body */
  function asked(form) {
    const query = new URLSearchParams(), headers = {}, company = $('#ask-company').value.trim(), token = $('#ask-token').value.trim();
    let path = form.dataset.path;
    if (company) headers['x-company'] = company;
    if (token) headers.authorization = `Bearer ${token}`;
    $$('[data-place]', form).forEach(({ name, value, dataset }) => {
      if (!value) return;
      if (dataset.place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value)).replace(`{*${name}}`, value);
      else if (dataset.place === 'query') query.append(name, value);
      else headers[name] = value;
    });
    return { address: path + (query.size ? `?${query}` : ''), headers };
  }

  /* a body as the form has it; what is no JSON is said before it is sent */
  function bodyOf(form, headers) {
    const text = $('[data-body]', form), file = $('[data-file]', form);
    if (file) { const body = new FormData(); body.append('file', file.files[0]); return body; }
    if (!text || !text.value.trim()) return undefined;
    if (!('plain' in text.dataset)) { JSON.parse(text.value); headers['content-type'] = 'application/json'; }
    return text.value;
  }

  function show(box, tone, head, text) {
    const line = document.createElement('p'), mark = document.createElement('span'), out = document.createElement('pre');
    mark.className = `sk-status tone-${tone}`; mark.textContent = head; line.className = 'mb-1'; line.append(mark);
    out.className = 'sk-code p-3 rounded mb-0'; out.tabIndex = 0; out.textContent = text; out.setAttribute('aria-label', head);
    box.replaceChildren(line, ...(text ? [out] : []));
  }

  const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };
  document.addEventListener('submit', async (e) => {
    const form = e.target; if (!form.matches('[data-try] form')) return;
    e.preventDefault();
    const box = $('[data-answer]', form), button = $('button', form), { method } = form.dataset, { address, headers } = asked(form);
    let body;
    try { body = bodyOf(form, headers); } catch { show(box, 'bad', box.dataset.notJson, ''); return; }
    button.disabled = true;
    try {
      const began = performance.now(), answer = await fetch(address, { method, headers, body, credentials: 'omit' });
      const text = pretty(await answer.text());
      show(box, answer.ok ? 'ok' : 'bad', `${answer.status} ${answer.statusText} · ${Math.round(performance.now() - began)} ms · ${method} ${address}`, text);
    } catch { show(box, 'bad', box.dataset.lost, ''); }
    button.disabled = false; button.focus();
  });
})();
