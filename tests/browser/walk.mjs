// Every page of every portal, found in the program's own table: it opens for whom it should and for
// nobody else. In the browser it is silent, axe finds nothing, nothing is wider than the screen, no text is
// missing or in another language, and a thumb reaches the main act; at a desk, on a tablet and a phone, light
// and dark, in both languages. So it is with the pages that no link leads to: refusals, a question before an
// act, the bar of who acts in another's place.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { BASE, Findings, PATIENCE, PEOPLE, ROWS, SCREENS, Visitor, api, crawl, formsOf, isPage, kindOf, leftInEnglish, linksOf, mayDo, openBrowser, rowOf, until, untranslated } from './house.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TABS = Number(process.env.SOUK_TABS ?? availableParallelism() + 1);
const LANGUAGES = ['en', 'hi'];
/** A page is asked for once in a language, and then looked at in these ways: only what is emulated changes. */
const LOOKS = [
  { name: '1280-light', width: 1280, height: 800, scheme: 'light' },
  { name: '1280-dark', width: 1280, height: 800, scheme: 'dark' },
  { name: '1024-dark', width: 1024, height: 768, scheme: 'dark' },
  { name: '390-dark', width: 390, height: 844, scheme: 'dark' },
  { name: '390-light', width: 390, height: 844, scheme: 'light' },
];
const PHONE = 390;
/** In which way axe looks at everything, and in which at the colours alone: nothing else is another one there. */
const CAREFULLY = { en: LOOKS[0], hi: LOOKS[3] };
const COLOURS = { en: LOOKS[1], hi: LOOKS[4] };
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];
/** An English month in a date. */
const ENGLISH_DATE = /\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4}\b/;
const JOB = '/admin/jobs/{companyId}/{id}';
const findings = new Findings();
const began = Date.now();
const seconds = () => ((Date.now() - began) / 1000).toFixed(1);

/**
 * What a page of a company answers to the platform's people, who are in none: its lists are empty, nothing
 * of anybody's is there, and no shop; what would be written down has no company to be written down in.
 */
function inNoCompany({ uri }) {
  if (uri === '/shop') return 303;
  if (uri.includes('{') || uri.startsWith('/shop/')) return 404;
  return uri.startsWith('/company/audit/export.') ? 400 : 200;
}

/** Whether a person may stand on a page: the table's word, but for the platform's people, who are in no company. */
function expected(row, visitor) {
  const { role } = visitor;
  if (row.permission === 'anyone') return [200, 303, 422];
  if (role === 'public' || role === 'customer') return ['door'];
  if (!mayDo(row, visitor)) return [403];
  if (role === 'super_admin' && /^\/(company|shop)(\/|$)/.test(row.uri)) return [inNoCompany(row)];
  return [200, 303];
}

/** What holds whatever the table says: the platform's pages are its people's, and portals are not the public's. */
function allowed(row, { role }) {
  if (row.uri.startsWith('/admin')) return role === 'super_admin';
  return role !== 'public' || !/^\/(company|shop)(\/|$)/.test(row.uri);
}

/** Whose pages are walked as whom: the door's as nobody, a company's as its people. */
function isOf({ role }, row) {
  if (row.permission === 'anyone') return role === 'public';
  return role !== 'super_admin' || !/^\/(company|shop)/.test(row.uri);
}

async function tryDoors(visitor, addresses) {
  let tried = 0;
  for (const row of ROWS.filter((row) => row.method === 'GET')) {
    if (mayDo(row, visitor) && !allowed(row, visitor)) findings.add(`${row.uri} is open to ${visitor.role}`);
    const own = visitor.pages?.get(row.uri)?.address;
    const address = own ?? addresses.get(row.uri) ?? (row.uri.includes('{') ? null : row.uri);
    if (!address) continue;
    const answer = await visitor.get(address);
    const door = answer.status === 303 && answer.to?.startsWith('/sign-in');
    // A page about a thing at another shop is not there for whom that shop is not theirs.
    const fits = expected(row, visitor).some((one) => (one === 'door' ? door : one === answer.status && (!door || one !== 303 || row.uri === '/')));
    const elsewhere = answer.status === 404 && !own && row.uri.includes('{') && mayDo(row, visitor);
    if (!fits && !elsewhere) findings.add(`${address} as ${visitor.role}: ${answer.status} ${answer.to ?? ''}, not ${expected(row, visitor)}`);
    tried += 1;
  }
  return tried;
}

/** The neighbour asks for each page about a thing of this company: for them it is not there. */
async function tryNeighbour(addresses) {
  const neighbour = new Visitor({ role: 'company_admin', email: 'admin@greenbasket.test' });
  await neighbour.comeIn();
  for (const [uri, address] of addresses) {
    const row = rowOf('GET', address);
    if (!uri.includes('{') || !/[0-9a-f]{8}-[0-9a-f]{4}-/.test(address.split('?')[0]) || row.uri.startsWith('/admin') || row.permission === 'anyone') continue;
    const answer = await neighbour.get(address);
    const wanted = row.roles.includes('company_admin') ? 404 : 403;
    if (answer.status !== wanted) findings.add(`${address} as the neighbour: ${answer.status}, not ${wanted}`);
  }
}

/** What axe finds on a page, and in each of its dialogs; by these rules, else by all. */
const violations = (page, rules) => page.evaluate(async (rules) => {
  const found = [];
  const ask = async (part, place) => {
    const { violations } = await globalThis.axe.run(part, { resultTypes: ['violations'], ...(rules && { runOnly: rules }) });
    for (const one of violations) {
      // Axe holds whatever lies in a fieldset that is switched off for out of the focus's reach; only its fields are.
      if (one.id === 'scrollable-region-focusable') one.nodes = one.nodes.filter(({ target }) => !document.querySelector(target.join(' '))?.matches('fieldset:disabled [tabindex="0"]'));
      if (one.nodes.length) found.push(`${place}${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(' | ')}`);
    }
  };
  await ask(document, '');
  for (const dialog of document.querySelectorAll('main dialog, body > dialog')) {
    if (dialog.open) continue;
    dialog.showModal();
    await ask(dialog, `#${dialog.id}: `);
    dialog.close();
  }
  return found;
}, rules);

/** On the page: what changes is at its end at once. Remembers which act is the main one, as a desk shows it. */
function stand() {
  const still = new CSSStyleSheet();
  still.replaceSync('*, *::before, *::after { transition: none !important; animation-duration: 0s !important; }');
  document.adoptedStyleSheets.push(still);
  globalThis.mainAct = [...document.querySelectorAll('main .btn-primary')].find((one) => one.checkVisibility({ visibilityProperty: true }));
}

/** On the page: which part of its frame holds more than can be seen of it, and cannot be scrolled. */
function cutOff() {
  const parts = [...document.querySelectorAll('body > :not(dialog, [hidden]), body > * > :is(main, header, nav, footer, div), #main > *')];
  const isCut = (part) => /hidden|clip/.test(getComputedStyle(part).overflowX) && part.clientWidth > 1 && part.scrollWidth > part.clientWidth + 1;
  const found = parts.find(isCut);
  return found && (found.id || found.className);
}

/** On the page: why a thumb does not reach the main act, if so. */
function outOfReach() {
  const act = globalThis.mainAct;
  if (!act?.isConnected) return null;
  const name = act.textContent.trim();
  if (!act.checkVisibility({ visibilityProperty: true })) return `${name} is not shown`;
  act.scrollIntoView({ block: 'center', behavior: 'instant' });
  const { left, right, top, bottom } = act.getBoundingClientRect();
  if (left < 0 || right > document.documentElement.clientWidth) return `${name} is beside the screen`;
  if (right - left < 24 || bottom - top < 24) return `${name} is too small`;
  const there = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  const found = act.contains(there) || there?.contains(act) ? null : `${name} lies under ${there?.className || there?.tagName}`;
  scrollTo({ top: 0, behavior: 'instant' });
  return found;
}

/** A tab that keeps what the console of the page it shows says. */
async function openTab(context) {
  const page = await context.newPage();
  const tab = { page, said: [], line: await context.newCDPSession(page) };
  // What the page before was still asking for is cut off when it goes, and no fault of the next one.
  page.on('framenavigated', (frame) => frame === page.mainFrame() && tab.said.splice(0));
  // That htmx waited too long for a part is said of the machine, not of the page.
  const isFault = (message) => ['error', 'warning'].includes(message.type()) && !message.text().startsWith('htmx: htmx:error: timeout');
  page.on('console', (message) => isFault(message) && tab.said.push(message.text()));
  page.on('pageerror', (error) => tab.said.push(String(error)));
  return tab;
}

/** A picture of what a tab shows on its screen, made by the quickest way there is. */
async function picture(line, path) {
  const { data } = await line.send('Page.captureScreenshot', { format: 'jpeg', quality: 80, optimizeForSpeed: true });
  writeFileSync(path, Buffer.from(data, 'base64'));
}

/** Looks at the page that a tab shows, in one language and some ways; axe looks in the careful one. */
async function lookAt({ page, said, line }, { asked, name, language, looks, isRefusal = false }) {
  const spoken = await page.getAttribute('html', 'lang');
  if (spoken !== language) findings.add(`${asked}: the page is in ${spoken}, not ${language}`);
  const keys = await untranslated(page);
  if (keys.length) findings.add(`${asked}, ${language}: texts are missing: ${keys.join(', ')}`);
  if (language !== 'en') {
    if (!/[ऀ-ॿ]/.test(await page.innerText('main'))) findings.add(`${asked}: nothing on it is in Hindi`);
    const date = (await page.content()).match(ENGLISH_DATE);
    if (date) findings.add(`${asked}, ${language}: a date is in English: ${date[0]}`);
    const english = await leftInEnglish(page);
    if (english.length) findings.add(`${asked}, ${language}: in English is still: ${english.join(' | ')}`);
  }
  await page.evaluate(AXE);
  await page.setViewportSize({ width: LOOKS[0].width, height: LOOKS[0].height });
  await page.evaluate(stand);
  for (const look of looks) {
    await page.setViewportSize({ width: look.width, height: look.height });
    await page.emulateMedia({ colorScheme: look.scheme, reducedMotion: 'reduce' });
    // The page has heard of its new width before the next picture of it.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    const where = `${asked}, ${look.name}-${language}`, careful = look === CAREFULLY[language];
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 1) findings.add(`${where}: ${wide} px wider than the screen`);
    const cut = await page.evaluate(cutOff);
    if (cut) findings.add(`${where}: ${cut} is cut off`);
    const hidden = look.width === PHONE && (await page.evaluate(outOfReach));
    if (hidden) findings.add(`${where}: ${hidden}`);
    const rules = careful ? undefined : OF_COLOURS;
    for (const violation of careful || look === COLOURS[language] ? await violations(page, rules) : []) findings.add(`${where}: ${violation}`);
    if (name) await picture(line, `${SCREENS}/${name}-${look.name}-${language}.jpg`);
  }
  // That the answer itself is a refusal is what the browser complains of, and what was asked for.
  const faults = said.filter((text) => !isRefusal || !text.startsWith('Failed to load resource'));
  if (faults.length) findings.add(`${asked}, ${language}: the console says ${faults.join(' | ')}`);
}

/** A page of somebody's: with care and in every way where it is the first of its kind, else briefly. */
async function visit(tab, visitor, { address, whole }, language) {
  const answer = await tab.page.goto(BASE + address, { waitUntil: 'load' });
  const asked = `${address} as ${visitor.role}`;
  if (answer.status() !== 200) findings.add(`${asked}: ${answer.status()} in the browser`);
  const name = whole && `${visitor.role}${kindOf(address).replaceAll('/', '-').replaceAll(/[{}?&=]/g, '')}`;
  await lookAt(tab, { asked, name, language, looks: whole ? LOOKS : [CAREFULLY[language]] });
}

/** A browser's context in which somebody is signed in, and speaks a language. */
async function contextOf(browser, visitor, language) {
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  context.setDefaultTimeout(PATIENCE);
  await visitor.speak(language);
  await context.addCookies(visitor.passport());
  return context;
}

/** Looks at all of somebody's pages in a context of their own, a few at a time. */
async function walk(browser, visitor, pages, language) {
  const context = await contextOf(browser, visitor, language);
  const left = [...pages];
  const go = async () => {
    const tab = await openTab(context);
    for (let next = left.shift(); next; next = left.shift()) await visit(tab, visitor, next, language);
  };
  await Promise.all(Array.from({ length: Math.min(TABS, left.length) }, go));
  await context.close();
}

/** Sends a form of the page as it is, whatever the page would say of it; the answer. */
async function send(page, selector, to) {
  const [answer] = await Promise.all([
    page.waitForResponse((one) => one.request().isNavigationRequest() && one.request().method() === 'POST'),
    page.waitForEvent('load'),
    page.locator(selector).first().evaluate((form, to) => {
      if (to) form.action = to;
      form.submit();
    }, to),
  ]);
  return answer;
}

/** Begins to act as the first admin of a company. */
async function actIn(root, slug) {
  const { text } = await root.get(`/admin/companies?q=${slug}`);
  const company = linksOf(text).find((address) => rowOf('GET', address)?.uri === '/admin/companies/{id}');
  const asked = await root.get(`${company}/act-as`);
  const { action, form } = formsOf(asked.text).find(({ action }) => action.endsWith('/act-as'));
  const begun = await root.send('POST', action, { form: { ...form, reason: 'a walk through the portals' } });
  if (begun.status !== 303) findings.add(`nobody can act in ${slug}: ${begun.status}`);
}

/** The pages that no link leads to: who meets each, how, and with which status it answers. */
const ASIDE = [
  { name: 'aside-not-there', as: 'company_admin', status: 404, make: ({ page }) => page.goto(`${BASE}/company/orders/00000000-0000-7000-8000-000000000000`) },
  { name: 'aside-no-page', as: 'public', status: 404, make: ({ page }) => page.goto(`${BASE}/there-is-no-such-page`) },
  { name: 'aside-forbidden', as: 'shop_staff', status: 403, make: ({ page }) => page.goto(`${BASE}/company/audit`) },
  {
    name: 'aside-refused-form',
    as: 'company_admin',
    status: 422,
    make: async ({ page }) => {
      await page.goto(`${BASE}/company/staff/new`);
      return send(page, 'main form[action="/company/staff"]');
    },
  },
  {
    name: 'aside-discard',
    as: 'super_admin',
    status: 200,
    make: async ({ page }) => {
      await page.goto(BASE + job);
      return send(page, 'form#act', '/admin/jobs/discard');
    },
  },
  {
    name: 'aside-other-company',
    as: 'both',
    status: 409,
    make: async ({ page, context, visitor }) => {
      await page.goto(`${BASE}/account`);
      const form = 'main form[method="post"]:not([enctype]):has(input[name="made_for"])';
      const here = await page.locator(`${form} input[name="made_for"]`).first().inputValue();
      const { text } = await visitor.get('/switch-company');
      const there = [...text.matchAll(/name="company" value="([^"]+)"/g)].map(([, id]) => id).find((id) => id !== here);
      await visitor.send('POST', '/switch-company', { form: { company: there } });
      await context.addCookies(visitor.passport());
      return send(page, form);
    },
  },
  {
    name: 'aside-acting',
    as: 'acting',
    status: 200,
    make: async ({ page }) => {
      const answer = await page.goto(`${BASE}/company/orders`);
      if (!(await page.locator('form[action="/admin/acting/end"]').count())) findings.add('no bar says that somebody acts in another\'s place');
      return answer;
    },
  },
];

/** Makes and looks at the pages that no link leads to, in every way. */
async function walkAside(browser) {
  const both = new Visitor({ role: 'both', email: 'tara@souk.test' });
  const acting = new Visitor({ role: 'acting', email: 'admin@souk.test' });
  for (const one of [both, acting]) if (!(await one.comeIn())) findings.add(`${one.email} cannot come in`);
  await actIn(acting, 'techhub');
  const who = (role) => [both, acting, ...visitors].find((one) => one.role === role);
  for (const language of LANGUAGES) {
    for (const { name, as, status, make } of ASIDE.filter(({ name }) => job || name !== 'aside-discard')) {
      const visitor = who(as);
      const context = await contextOf(browser, visitor, language);
      const tab = await openTab(context);
      const answer = await make({ page: tab.page, context, visitor });
      if (answer.status() !== status) findings.add(`${name} as ${as}: ${answer.status()}, not ${status}`);
      await lookAt(tab, { asked: `${name} as ${as}`, name, language, looks: LOOKS, isRefusal: status !== 200 });
      await context.close();
    }
  }
  await acting.send('POST', '/admin/acting/end', { form: {} });
  return ASIDE.length * LOOKS.length * LANGUAGES.length;
}

/** The page of a job that fails: somebody registers whose mailbox has no room for their welcome. */
async function failedJob() {
  const body = { email: `full${Date.now()}@example.com`, password: 'a-walk-of-words-42', name: 'Full Mailbox' };
  await api('POST', '/api/auth/register', { body });
  const root = new Visitor(PEOPLE.find(({ role }) => role === 'super_admin'));
  await root.comeIn();
  const found = await until(async () => linksOf((await root.get('/admin/jobs?kind=notifications.deliver')).text).find((address) => rowOf('GET', address)?.uri === JOB));
  if (!found) findings.add('a letter that cannot be delivered is not among the jobs in trouble');
  return found;
}

mkdirSync(SCREENS, { recursive: true });
const job = await failedJob();
const visitors = PEOPLE.map((person) => new Visitor(person));
const addresses = new Map();
for (const visitor of visitors) {
  const first = visitor.email ? await visitor.comeIn() : '/sign-in';
  const isStranger = ['customer', 'public'].includes(visitor.role);
  if (visitor.email && isStranger === Boolean(first)) findings.add(`${visitor.role} ${first ? 'comes in' : 'cannot come in'}`);
  if (visitor.role === 'customer') await visitor.forge();
  // A job that is being tried again is not in the list for that moment, so its page is not left to luck.
  const asked = await crawl(visitor, first, visitor.role === 'super_admin' && job ? [job] : []);
  // Of each kind one page, which opens if any does.
  visitor.pages = new Map(asked.toReversed().toSorted((a, b) => (b.answer.status !== 200) - (a.answer.status !== 200)).map((one) => [one.kind, one]));
  if (first && visitor.pages.get(kindOf(first))?.answer.status !== 200) findings.add(`${visitor.role} begins at ${first}, which does not open`);
  for (const { kind, address, answer } of asked) {
    if (answer.status >= 500) findings.add(`${address} as ${visitor.role}: ${answer.status}`);
    if (answer.status === 200 && !addresses.has(kind)) addresses.set(kind, address);
  }
}
let tried = 0;
for (const visitor of visitors) tried += await tryDoors(visitor, addresses);
await tryNeighbour(addresses);
for (const row of ROWS.filter((row) => row.method === 'GET' && row.uri.includes('{'))) {
  if (!addresses.has(row.uri)) findings.add(`no link leads to ${row.uri}`);
}
console.log(`${tried} doors tried after ${seconds()} s`);

// Each kind of page is looked at with care as the first who has it, and briefly as everybody else; axe looks at all of them.
const browser = await openBrowser();
const done = new Set();
let looks = 0;
for (const visitor of visitors) {
  const pages = [...visitor.pages.values()].filter(({ answer }) => answer.status === 200 && isPage(answer));
  const mine = pages.map(({ address }) => ({ address, whole: !done.has(kindOf(address)) }));
  const ours = mine.filter(({ address }) => isOf(visitor, rowOf('GET', address)));
  ours.forEach(({ address }) => done.add(kindOf(address)));
  // What somebody before has shown with care is opened in one language: the next in the other, and so for each person.
  for (const [index, language] of LANGUAGES.entries()) {
    const now = ours.filter(({ whole }, place) => whole || (place + visitors.indexOf(visitor)) % 2 === index);
    await walk(browser, visitor, now, language);
    looks += now.reduce((sum, { whole }) => sum + (whole ? LOOKS.length : 1), 0);
  }
  console.log(`${visitor.role}: ${ours.length} pages after ${seconds()} s: ${ours.map(({ address }) => kindOf(address)).join(' ')}`);
}
looks += await walkAside(browser);
await browser.close();
findings.end(`${looks} looks at ${done.size} pages and ${ASIDE.length} that no link leads to in ${seconds()} s: all open, silent and accessible`);
