// What the walks share: the program's own table of endpoints, the people of the demo, their doors, the browser.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const BASE = process.env.SOUK_URL ?? 'http://127.0.0.1:5150';
export const SCREENS = process.env.SOUK_SCREENS ?? 'target/screens';
export const PASSWORD = 'demo-demo-demo';
/** How long anything is waited for, in milliseconds: a machine that does much else is slow, and none of that is a fault. */
export const PATIENCE = 600_000;
/** How long a page that listens may take to show what happened: a minute, on a slow machine too. */
export const ARRIVAL = 60_000;
const PROGRAM = process.env.SOUK_PROGRAM ?? 'target/release/souk';
const TEXTS = process.env.SOUK_TEXTS ?? 'assets/i18n';

/** Everybody who may stand before a door; `nobody` and customers have no portal. */
export const PEOPLE = [
  { role: 'super_admin', email: 'admin@souk.test' },
  { role: 'company_admin', email: 'admin@techhub.test' },
  { role: 'shop_manager', email: 'manager@techhub.test' },
  { role: 'shop_staff', email: 'staff@techhub.test' },
  { role: 'rider', email: 'rider@techhub.test' },
  // The demo's role of a company's own: what it may, no line of the table says.
  { role: 'member', email: 'keeper@techhub.test', may: ['inventory:read', 'inventory:write', 'inventory:handle', 'notifications:read'] },
  { role: 'customer', email: 'customer@techhub.test' },
  { role: 'public' },
];

/** The rows of the endpoint table that are no API, as `souk routes` prints them. */
export const ROWS = execFileSync(PROGRAM, ['routes'], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .map((line) => line.trim().split(/ +/))
  .map(([method, uri, permission, ...roles]) => ({ method, uri, permission, roles, shape: shape(uri) }))
  .filter((row) => !/^\/(api(?!\/docs)|static|media|health|metrics)(\/|$)/.test(row.uri));

/** Rows whose path has no place for an id come first: `/things/new` is not the thing `new`. */
const BY_SHAPE = [...ROWS].sort((a, b) => (a.uri.match(/{/g)?.length ?? 0) - (b.uri.match(/{/g)?.length ?? 0));

/** Whether somebody may do what a row says, by a built-in role or by one of a company's own. */
export const mayDo = (row, { role, may = [] }) => row.roles.includes(role) || may.includes(row.permission);

function shape(uri) {
  const parts = uri.split(/({[^}]*})/).map((part) => (part.startsWith('{') ? (part.startsWith('{*') ? '.+' : '[^/]+') : part.replace(/[.]/g, '\\.')));
  return new RegExp(`^${parts.join('')}$`);
}

/** The row that answers for an address. */
export function rowOf(method, address) {
  const path = address.split('?')[0];
  return BY_SHAPE.find((row) => row.method === method && row.shape.test(path));
}

/** Parameters that make another page of the same address; all others only narrow what it lists. */
const MAKES_A_PAGE = /^(variant|tab|step|edit|new|add|open|mode|act)$/;

/** Addresses of one kind show the same page about something else. */
export function kindOf(address) {
  const query = new URLSearchParams(address.split('?')[1] ?? '');
  const making = [...query].filter(([name, value]) => MAKES_A_PAGE.test(name) && value);
  const said = making.map(([name, value]) => (/^[a-z_]{1,20}$/.test(value) ? `${name}=${value}` : name));
  return rowOf('GET', address).uri + (said.length ? `?${said.sort().join('&')}` : '');
}

const ENTITIES = { '&amp;': '&', '&quot;': '"', '&#x27;': "'", '&#39;': "'", '&lt;': '<', '&gt;': '>', '&#x2F;': '/' };
/** A page's text without its entities. */
export const plain = (text) => text.replace(/&[a-z0-9#]+;/gi, (entity) => ENTITIES[entity] ?? entity);

/** Somebody at the door of the portals, without a browser. */
export class Visitor {
  constructor({ role, email, may }) {
    Object.assign(this, { role, email, may, cookies: new Map() });
  }

  async send(method, path, { form, headers = {}, own = true } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const body = form && new URLSearchParams(form).toString();
    const said = {
      ...(cookie ? { cookie } : {}),
      ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      ...(method === 'POST' && own ? { origin: BASE, referer: BASE + path } : {}),
      ...headers,
    };
    const answer = await fetch(BASE + path, { method, headers: said, body, redirect: 'manual' });
    for (const one of answer.headers.getSetCookie()) {
      const [, name, value] = one.match(/^([^=]+)=([^;]*)/) ?? [];
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    const text = await answer.text();
    const to = answer.headers.get('location');
    return { status: answer.status, text, to, type: answer.headers.get('content-type') ?? '', headers: answer.headers };
  }

  get(path) {
    return this.send('GET', path);
  }

  /** Comes in by the sign-in; the first page, or nothing when the door stays shut. */
  async comeIn() {
    const answer = await this.send('POST', '/sign-in', { form: { email: this.email, password: PASSWORD } });
    return answer.status === 303 ? answer.to : null;
  }

  /** A customer has no place in the portals: whatever they hold is tried as if it were a session there. */
  async forge() {
    const body = { email: this.email, password: PASSWORD };
    const tokens = await api('POST', '/api/auth/login', { body });
    this.cookies.set('souk_session', tokens.refreshToken);
  }

  async speak(language) {
    await this.send('POST', '/language', { form: { lang: language } });
  }

  /** What the browser needs to be this visitor. */
  passport() {
    return [...this.cookies].map(([name, value]) => ({ name, value, url: BASE }));
  }
}

/** Whether an answer is a page of a portal or of the door, and no part, file or letter. */
export const isPage = (answer) => answer.type.startsWith('text/html') && answer.text.includes('id="main"');

/** The addresses of ours that a page leads to. */
export function linksOf(text) {
  const found = [...text.matchAll(/\s(?:href|hx-get|data-href)="(\/[^"]*)"/g)].map(([, address]) => plain(address).split('#')[0]);
  return found.filter((address) => !address.startsWith('//') && !/^\/(static|media)(\/|\?|$)/.test(address));
}

/** The forms of a page: where each goes, and what it holds. */
export function formsOf(text) {
  const attribute = (tag, name) => plain(tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1] ?? '');
  const forms = [];
  for (const [, head, inside] of text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)) {
    if (!/method="post"/i.test(head)) continue;
    const form = {};
    for (const [tag] of inside.matchAll(/<(?:input|textarea|button)\b[^>]*>/g)) {
      const name = attribute(tag, 'name');
      if (name && !/type="(checkbox|radio|file)"/.test(tag)) form[name] = attribute(tag, 'value');
    }
    for (const [, name, options] of inside.matchAll(/<select\b[^>]*\sname="([^"]*)"[^>]*>([\s\S]*?)<\/select>/g)) {
      form[name] = attribute(options.match(/<option\b[^>]*value="[^"]+"[^>]*>/)?.[0] ?? '', 'value');
    }
    for (const action of [attribute(` ${head}`, 'action')]) forms.push({ action, form });
  }
  const buttons = [...text.matchAll(/\s(?:formaction|data-action)="(\/[^"]*)"/g)].map(([, action]) => ({ action: plain(action), form: {} }));
  return [...forms, ...buttons].filter((one) => one.action.startsWith('/'));
}

/** Things of one kind are in different states, which lead on to different pages and forms: so many of each are asked for. */
const THINGS = 6;

/**
 * Walks as somebody from their first page and every address of the table that names nothing, on by
 * the links: a few addresses of each kind, with the answers they gave. `also` is known from elsewhere.
 */
export async function crawl(visitor, begin, also = []) {
  const seen = [];
  const asked = new Set();
  const times = new Map();
  const mine = ROWS.filter((row) => row.method === 'GET' && mayDo(row, visitor) && !row.uri.includes('{'));
  const open = [begin, ...also, ...mine.map((row) => row.uri)].filter(Boolean);
  while (open.length) {
    const address = open.shift();
    const row = rowOf('GET', address);
    if (!row || asked.has(address) || /^\/(language|theme)$/.test(row.uri)) continue;
    const kind = kindOf(address), time = times.get(kind) ?? 0;
    if (time === (row.uri.includes('{') ? THINGS : 1)) continue;
    asked.add(address);
    times.set(kind, time + 1);
    const answer = await visitor.get(address);
    seen.push({ kind, address, row, answer });
    if (answer.to?.startsWith('/')) open.push(answer.to);
    if (isPage(answer)) open.push(...linksOf(answer.text));
  }
  return seen;
}

/** Asks until something is there; nothing when it does not come in time. */
export async function until(ask, { within = PATIENCE } = {}) {
  for (const deadline = Date.now() + within; Date.now() < deadline; ) {
    const found = await ask();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  return null;
}

/** A new browser with an empty profile. Only its start is tried again; where none starts, nothing can be walked. */
export async function openBrowser() {
  const options = {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--force-color-profile=srgb',
    ],
  };
  for (let left = 3; ; left -= 1) {
    try {
      return await chromium.launch({ ...options, timeout: 180_000 });
    } catch (error) {
      if (left > 1) continue;
      console.error(String(error));
      process.exit(77);
    }
  }
}

export async function signIn(page, email, password = PASSWORD) {
  await page.goto(`${BASE}/sign-in`);
  await page.fill('input[name=email]', email);
  await page.fill('input[name=password]', password);
  await Promise.all([page.waitForURL((url) => !url.pathname.startsWith('/sign-in')), page.press('input[name=password]', 'Enter')]);
}

/** Does what sends a form, and waits for the page that answers: another document than this one, and whole. */
export async function answered(page, act) {
  await page.evaluate(() => {
    globalThis.isBefore = true;
  });
  await act();
  await page.waitForFunction(() => !globalThis.isBefore && document.readyState === 'complete', null, { polling: 50, timeout: PATIENCE });
}

/** A call to the JSON API, which must succeed. */
export async function api(method, path, { token, company = 'techhub', body, headers = {} } = {}) {
  const answer = await fetch(`${BASE}${path}`, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : { 'x-company': company }),
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** The texts of a language by their keys. */
const textsOf = (language) => {
  const files = readdirSync(`${TEXTS}/${language}`).filter((name) => name.endsWith('.json'));
  return Object.assign({}, ...files.map((name) => JSON.parse(readFileSync(`${TEXTS}/${language}/${name}`, 'utf8'))));
};
const ENGLISH = textsOf('en');
const HINDI = textsOf('hi');

/** What a key of the texts looks like when it is shown in place of its text. */
const KEY = (() => {
  const names = new Set(Object.keys(ENGLISH).map((key) => key.split('.')[0]));
  return `(?<![\\w./@-])(?:${[...names].join('|')})(?:\\.[a-z0-9_]+)+(?![\\w./@-])`;
})();

/** What letters are about: the log of messages shows it in the language of whoever got them. */
const SUBJECTS = readdirSync(`${TEXTS}/../views/mail`).filter((name) => name.endsWith('.en.txt'))
  .map((name) => readFileSync(`${TEXTS}/../views/mail/${name}`, 'utf8').split('\n')[0]);

/** English texts whose Hindi is another. A single word may be somebody's own, such as a category's name. */
const SAID_OTHERWISE = Object.entries(ENGLISH)
  .filter(([key, text]) => !text.includes('{') && /\w \w/.test(text) && HINDI[key] !== text && !SUBJECTS.includes(text))
  .map(([, text]) => text.trim());

/** Texts on a page in Hindi that are still the English ones. */
export function leftInEnglish(page) {
  return page.evaluate((texts) => {
    const english = new Set(texts);
    const told = ['aria-label', 'title', 'placeholder', 'alt'].flatMap((name) =>
      [...document.querySelectorAll(`[${name}]`)].map((part) => part.getAttribute(name)));
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (!walker.currentNode.parentElement.closest('code, pre, textarea, script, [lang=en]')) told.push(walker.currentNode.data);
    return [...new Set(told.map((text) => text.trim()).filter((text) => english.has(text)))];
  }, SAID_OTHERWISE);
}

/** Keys without a text on a page, in what is read and in what is only told. */
export function untranslated(page) {
  return page.evaluate((pattern) => {
    const shown = document.body.cloneNode(true);
    shown.querySelectorAll('code, pre, textarea, script, .sk-code').forEach((part) => part.remove());
    const told = ['aria-label', 'title', 'placeholder', 'alt'].flatMap((name) =>
      [...shown.querySelectorAll(`[${name}]`)].map((part) => part.getAttribute(name)));
    // Each text by itself: a sentence and the figure of the next cell are not a key.
    const texts = [], walker = document.createTreeWalker(shown, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) texts.push(walker.currentNode.data);
    const all = [document.title, ...texts, ...told].join('\n');
    return [...new Set(all.match(new RegExp(pattern, 'g')) ?? [])];
  }, KEY);
}

/** Collects what is wrong, and ends the process by it. */
export class Findings {
  all = [];
  add(text) {
    this.all.push(text);
    console.error(`  wrong: ${text}`);
  }
  end(done) {
    if (this.all.length) {
      console.error(`\n${this.all.length} findings`);
      process.exitCode = 1;
    } else {
      console.log(done);
    }
  }
}
