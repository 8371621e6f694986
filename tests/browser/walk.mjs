// Every page of every portal, found in the program's own table: it opens for whom it should and for
// nobody else. In the browser it is silent, axe finds nothing, nothing is wider than the screen and no
// text is missing; at a desk and at a tablet, light and dark, in both languages.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { BASE, Findings, PATIENCE, PEOPLE, ROWS, SCREENS, Visitor, api, crawl, isPage, kindOf, linksOf, openBrowser, rowOf, until, untranslated } from './house.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TABS = Number(process.env.SOUK_TABS ?? 3);
/** A page is asked for once in each language, and then looked at in two ways. */
const LOOKS = {
  en: [
    { name: '1280-light-en', width: 1280, height: 800, scheme: 'light' },
    { name: '1024-dark-en', width: 1024, height: 768, scheme: 'dark' },
  ],
  hi: [
    { name: '1280-dark-hi', width: 1280, height: 800, scheme: 'dark' },
    { name: '1024-light-hi', width: 1024, height: 768, scheme: 'light' },
  ],
};
const JOB = '/admin/jobs/{companyId}/{id}';
const findings = new Findings();
const began = Date.now();
const seconds = () => ((Date.now() - began) / 1000).toFixed(1);

/** Whether a person may stand on a page: the table's word, but for the platform's people, who are in no company. */
function expected(row, { role }) {
  if (row.permission === 'anyone') return [200, 303, 422];
  if (role === 'public' || role === 'customer') return ['door'];
  if (!row.roles.includes(role)) return [403];
  return role === 'super_admin' && /^\/(company|shop)/.test(row.uri) ? [200, 303, 400, 403, 404] : [200, 303];
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
    if (row.roles.includes(visitor.role) && !allowed(row, visitor)) findings.add(`${row.uri} is open to ${visitor.role}`);
    const own = visitor.pages?.get(row.uri)?.address;
    const address = own ?? addresses.get(row.uri) ?? (row.uri.includes('{') ? null : row.uri);
    if (!address) continue;
    const answer = await visitor.get(address);
    const door = answer.status === 303 && answer.to?.startsWith('/sign-in');
    // A page about a thing at another shop is not there for whom that shop is not theirs.
    const fits = expected(row, visitor).some((one) => (one === 'door' ? door : one === answer.status && (!door || one !== 303 || row.uri === '/')));
    const elsewhere = answer.status === 404 && !own && row.uri.includes('{') && row.roles.includes(visitor.role);
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

/** What axe finds on a page, and in each of its dialogs. */
const violations = (page) => page.evaluate(async () => {
  const found = [];
  const ask = async (part, place) => {
    const { violations } = await globalThis.axe.run(part, { resultTypes: ['violations'] });
    for (const one of violations) found.push(`${place}${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(' | ')}`);
  };
  await ask(document, '');
  for (const dialog of document.querySelectorAll('main dialog, body > dialog')) {
    if (dialog.open) continue;
    dialog.showModal();
    await ask(dialog, `#${dialog.id}: `);
    dialog.close();
  }
  return found;
});

/** Waits, on the page, until its colours have come over from one scheme to the other; one change brings on the next. */
async function settled() {
  for (let quiet = 0, left = 250; quiet < 3 && left > 0; left -= 1) {
    const moving = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime < Infinity);
    moving.forEach((one) => one.finish());
    quiet = moving.length ? 0 : quiet + 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A tab that keeps what the console of the page it shows says. */
async function openTab(context) {
  const page = await context.newPage();
  const tab = { page, said: [] };
  // What the page before was still asking for is cut off when it goes, and no fault of the next one.
  page.on('framenavigated', (frame) => frame === page.mainFrame() && tab.said.splice(0));
  // That htmx waited too long for a part is said of the machine, not of the page.
  const isFault = (message) => ['error', 'warning'].includes(message.type()) && !message.text().startsWith('htmx: htmx:error: timeout');
  page.on('console', (message) => isFault(message) && tab.said.push(message.text()));
  page.on('pageerror', (error) => tab.said.push(String(error)));
  return tab;
}

/** A page in one language and both its looks. */
async function visit({ page, said }, visitor, { address, whole }, language) {
  const looks = LOOKS[language];
  const dress = async ({ width, height, scheme }) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
  };
  await dress(looks[0]);
  const answer = await page.goto(BASE + address, { waitUntil: 'load' });
  const asked = `${address} as ${visitor.role}`;
  if (answer.status() !== 200) findings.add(`${asked}: ${answer.status()} in the browser`);
  const spoken = await page.getAttribute('html', 'lang');
  if (spoken !== language) findings.add(`${asked}: the page is in ${spoken}, not ${language}`);
  const keys = await untranslated(page);
  if (keys.length) findings.add(`${asked}, ${language}: texts are missing: ${keys.join(', ')}`);
  if (language === 'hi' && !/[ऀ-ॿ]/.test(await page.innerText('main'))) findings.add(`${asked}: nothing on it is in Hindi`);
  // A language changes nothing that axe sees, so one is enough for it.
  const strict = whole && language === 'en';
  if (strict) await page.evaluate(AXE);
  const name = `${visitor.role}${kindOf(address).replaceAll('/', '-').replaceAll(/[{}?&=]/g, '')}`;
  for (const [number, one] of looks.entries()) {
    if (number > 0) await dress(one);
    const where = `${asked}, ${one.name}`;
    await page.evaluate(settled);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 1) findings.add(`${where}: ${wide} px wider than the screen`);
    for (const violation of strict ? await violations(page) : []) findings.add(`${where}: ${violation}`);
    if (whole) await page.screenshot({ path: `${SCREENS}/${name}-${one.name}.png`, fullPage: strict });
  }
  if (said.length) findings.add(`${asked}, ${language}: the console says ${said.join(' | ')}`);
}

/** Looks at all of somebody's pages in a context of their own, a few at a time. */
async function walk(browser, visitor, pages, language) {
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  context.setDefaultTimeout(PATIENCE);
  await visitor.speak(language);
  await context.addCookies(visitor.passport());
  const left = [...pages];
  const go = async () => {
    const tab = await openTab(context);
    for (let next = left.shift(); next; next = left.shift()) await visit(tab, visitor, next, language);
  };
  await Promise.all(Array.from({ length: Math.min(TABS, left.length) }, go));
  await context.close();
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
  visitor.pages = await crawl(visitor, first, visitor.role === 'super_admin' && job ? [job] : []);
  if (first && visitor.pages.get(kindOf(first))?.answer.status !== 200) findings.add(`${visitor.role} begins at ${first}, which does not open`);
  for (const [kind, { address, answer }] of visitor.pages) {
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

// Each kind of page is looked at with care as the first who has it, and opened as everybody else.
const browser = await openBrowser();
const done = new Set();
let looks = 0;
for (const visitor of visitors) {
  const pages = [...visitor.pages.values()].filter(({ answer }) => answer.status === 200 && isPage(answer));
  const mine = pages.map(({ address }) => ({ address, whole: !done.has(kindOf(address)) }));
  const ours = mine.filter(({ address }) => isOf(visitor, rowOf('GET', address)));
  ours.forEach(({ address }) => done.add(kindOf(address)));
  // What somebody before has shown with care is opened in one language, another for each person.
  const languages = Object.keys(LOOKS);
  for (const language of languages) {
    const now = ours.filter(({ whole }) => whole || language === languages[visitors.indexOf(visitor) % 2]);
    await walk(browser, visitor, now, language);
    looks += now.length * LOOKS[language].length;
  }
  console.log(`${visitor.role}: ${ours.length} pages after ${seconds()} s: ${ours.map(({ address }) => kindOf(address)).join(' ')}`);
}
await browser.close();
findings.end(`${looks} looks at ${done.size} pages in ${seconds()} s: all open, silent and accessible`);
