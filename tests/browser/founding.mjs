// A company from nothing: the platform's people make a plan and open the company with an admin; by the
// letters' links the admin comes, opens a shop with hours, invites staff, adds ten products with pictures; the
// shop takes goods in by the scanner, sells its first order, and works it off by keys. What it owes is
// reminded of, a missed payment is noticed and limits it, and being paid lifts that; the audit knows all of
// it. On an installation of several processes some are killed on the way, and no letter comes twice.
import { readFileSync, readdirSync } from 'node:fs';
import { ARRIVAL, BASE, Findings, PATIENCE, ROWS, answered, api, openBrowser, signIn, until } from './house.mjs';

const NEEDS = ['/admin/companies/new', '/invitation', '/company/shops/new', '/company/staff/new', '/company/products/new', '/shop/stock', '/admin/plans/new', '/admin/debts/new', '/company/debts'];
const findings = new Findings();
for (const uri of NEEDS.filter((uri) => !ROWS.some((row) => row.method === 'GET' && row.uri === uri))) findings.add(`there is no page ${uri}`);
if (findings.all.length) process.exit(1);

const check = (is, text) => is || findings.add(text);
const stamp = Date.now().toString(36);
const slug = `walk-${stamp}`;
const ADMIN = { email: `founder@${slug}.test`, password: 'founding-words-4-all' };
const CLERK = { email: `clerk@${slug}.test`, password: 'counting-words-4-all' };
const PRODUCTS = Array.from({ length: 10 }, (_, number) => ({
  name: `Clay cup ${number + 1}`,
  sku: `CUP-${number + 1}`,
  barcode: `89012345${String(67_000 + number).padStart(5, '0')}`,
  price: String(120 + number * 10),
}));

/** The text of a letter, decoded. */
function plain(letter) {
  const boundary = letter.match(/boundary="?([^"\n;]+)/)?.[1];
  const part = letter.split(`--${boundary}`).find((one) => /Content-Type: text\/plain/i.test(one)) ?? letter;
  const gap = part.indexOf('\n\n');
  const [head, body] = [part.slice(0, gap), part.slice(gap + 2)];
  if (/base64/i.test(head)) return Buffer.from(body, 'base64').toString('utf8');
  if (!/quoted-printable/i.test(head)) return body;
  const bytes = body.replace(/=\n/g, '').replace(/=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Every letter that came so far, as it came; the newest first. */
const allLetters = () => {
  const folder = process.env.SOUK_LETTERS;
  const names = readdirSync(folder).filter((name) => name.endsWith('.eml')).sort().reverse();
  return names.map((name) => readFileSync(`${folder}/${name}`, 'utf8').replaceAll('\r\n', '\n'));
};
const lettersTo = (email) => allLetters().filter((letter) => new RegExp(`^To: .*${email}`, 'mi').test(letter)).map(plain);

/** The link to a place in somebody's newest letter that has one. */
const linkFor = (email, place) =>
  until(() => lettersTo(email).flatMap((text) => text.match(/https?:\/\/\S+/g) ?? []).find((one) => one.includes(`/${place}?`)));

/** A letter to somebody that says all of this, or a finding. */
const told = async (email, ...words) => {
  const letter = await until(() => lettersTo(email).find((text) => words.every((one) => text.includes(one))), { within: 2 * ARRIVAL });
  check(letter, `no letter to ${email} says ${words.join(' and ')}`);
};

/** Kills a process of a kind where there are several, without a warning. */
const kills = [];
const kill = async (kind) => {
  if (!process.env.SOUK_SPLIT) return;
  kills.push(kind);
  process.send(kind);
  await new Promise((resolve) => process.once('message', resolve));
};

const browser = await openBrowser();
const desk = async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  context.setDefaultTimeout(PATIENCE);
  return context.newPage();
};
/** A code from a scanner: its keys bear the moments at which a scanner presses them, however busy this machine is. */
const scan = async (page, code) => {
  const keys = await page.context().newCDPSession(page);
  const begun = Date.now() / 1000;
  const press = async (key, place) => {
    const text = key === 'Enter' ? '\r' : key;
    const said = { key, text, timestamp: begun + place * 0.004, windowsVirtualKeyCode: text.charCodeAt(0) };
    await keys.send('Input.dispatchKeyEvent', { type: 'keyDown', ...said });
    await keys.send('Input.dispatchKeyEvent', { type: 'keyUp', ...said });
  };
  for (const [place, key] of [...code, 'Enter'].entries()) await press(key, place);
  await keys.detach();
};
/** Sends the form around a field, and waits for the page that answers. */
const submit = async (page, selector) => {
  await answered(page, () => page.locator(selector).first().evaluate((field) => field.form.requestSubmit()));
  const refused = await page.locator('.sk-flash.tone-bad').allInnerTexts();
  if (refused.length) throw new Error(`${page.url()} refuses: ${refused.join(' ')}`);
};

// The platform's people make a plan, and open the company with it.
const root = await desk();
await signIn(root, 'admin@souk.test');
await root.goto(`${BASE}/admin/plans/new`);
const plan = { name: `Walkers ${stamp}`, code: `walkers-${stamp}`, price: '499', shops: '2' };
for (const [name, value] of Object.entries(plan)) await root.fill(`main [name="${name}"]`, value);
await submit(root, 'main [name="code"]');
await root.goto(`${BASE}/admin/companies/new`);
const form = { name: 'Walk Mart', slug, adminName: 'Farah Founder', adminEmail: ADMIN.email };
for (const [name, value] of Object.entries(form)) await root.fill(`main [name="${name}"]`, value);
await root.selectOption('main [name="plan"]', plan.code);
await submit(root, 'main [name="slug"]');
// Whoever is about to send the letter dies.
await kill('worker');
check((await root.innerText('main')).includes('Walk Mart'), 'the platform does not show the company it opened');

// The admin comes by the letter.
const arrive = async (person, name) => {
  const link = await linkFor(person.email, 'invitation');
  if (!link) throw new Error(`no letter with an invitation came to ${person.email}`);
  const page = await desk();
  await page.goto(link.replace(/^https?:\/\/[^/]+/, BASE));
  await page.fill('main [name="name"]', name);
  await page.fill('main [name="password"]', person.password);
  await page.fill('main [name="againPassword"]', person.password);
  await submit(page, 'main [name="password"]');
  return page;
};
const office = await arrive(ADMIN, 'Farah Founder');
check(new URL(office.url()).pathname.startsWith('/company'), `the admin's first page is ${office.url()}`);

/** The platform's people note down what the company owes: of what, how much, and in how many days. */
const owes = async (reference, amount, days) => {
  const due = new Date(Date.now() + days * 86_400_000).toLocaleDateString('en-CA', { timeZone: 'Asia/Kolkata' });
  await root.goto(`${BASE}/admin/debts/new`);
  for (const [name, value] of Object.entries({ company: slug, amount, dueDate: due, reference })) await root.fill(`main [name="${name}"]`, value);
  await submit(root, 'main [name="reference"]');
  return root.url().match(/\/admin\/debts\/([0-9a-f-]{36})/)?.[1];
};
// It is due in some days: the admin is reminded.
await owes('Signs for the shop', '800', 5);
const reminded = told(ADMIN.email, '₹800.00 to pay', 'Signs for the shop');

// A shop with hours.
await office.goto(`${BASE}/company/shops/new`);
await office.fill('main [name="name"]', 'Walk Mart Main Road');
await office.fill('main [name="slug"]', 'main-road');
await submit(office, 'main [name="slug"]');
const shop = office.url().match(/\/company\/shops\/([0-9a-f-]{36})/)?.[1];
check(shop, `after opening a shop the page is ${office.url()}`);
const hours = office.locator('form[action$="/hours"]');
await hours.locator('[name="always"]').uncheck(); // A new shop is open day and night until somebody says when.
for (const [number, field] of (await hours.locator('tbody tr td:nth-child(2) input[type=time]').all()).entries()) await field.fill(number % 2 ? '21:00' : '09:00');
await submit(office, 'form[action$="/hours"] input[type=time]');
check((await office.locator('form[action$="/hours"] input[type=time]').first().inputValue()) === '09:00', 'the hours are not kept');

// Somebody for the shop.
await office.goto(`${BASE}/company/staff/new`);
await office.fill('main [name="email"]', CLERK.email);
await office.fill('main [name="name"]', 'Chandra Clerk');
await office.selectOption('main [name="role"]', 'shop_staff');
await office.check(`main [name="shopIds"][value="${shop}"]`);
await submit(office, 'main [name="email"]');
const till = await arrive(CLERK, 'Chandra Clerk');
check(new URL(till.url()).pathname.startsWith('/shop'), `the clerk's first page is ${till.url()}`);

// Ten products, each with a picture.
for (const [number, product] of PRODUCTS.entries()) {
  if (number === 5) await kill('web');
  await office.goto(`${BASE}/company/products/new`);
  const picture = await office.screenshot({ type: 'png', clip: { x: number * 20, y: 40, width: 480, height: 360 } });
  await office.fill('#editor [name="name"]', product.name);
  for (const name of ['sku', 'barcode', 'price']) await office.locator(`#variants [name$=".${name}"]`).first().fill(product[name]);
  await office.selectOption('#editor [name="status"]', 'active');
  await office.setInputFiles('main [name="pictures"]', { name: `${product.sku}.png`, mimeType: 'image/png', buffer: picture });
  await submit(office, '#editor [name="name"]');
}
const shown = (await api('GET', '/api/products?limit=100', { company: slug })).data;
check(shown.length === PRODUCTS.length, `customers see ${shown.length} products, not ${PRODUCTS.length}`);
check(shown.every((product) => product.media?.length > 0), 'a product has no picture');

// A payment was missed some days ago: the admin has notice of it, by letter and on each page.
await reminded;
const missed = await owes('Shelves', '1200', -4);
const noticed = told(ADMIN.email, 'has not paid ₹1,200.00', 'Shelves');

// Goods come in over the counter: the scanner types a code, F2 receives, F9 books.
await till.goto(`${BASE}/shop/stock`);
await answered(till, () => scan(till, PRODUCTS[0].barcode));
await answered(till, () => till.keyboard.press('F2'));
await till.waitForSelector('form#act[action$="/receive"]');
await till.fill('form#act [name="quantity"]', '25');
await answered(till, () => till.keyboard.press('F9'));
const stocked = await until(async () => {
  const { data } = await api('GET', '/api/products?limit=100', { company: slug });
  const variant = data.flatMap(({ variants }) => variants).find(({ sku }) => sku === PRODUCTS[0].sku);
  return variant?.availability.some(({ available }) => available === 25) && variant;
});
if (!stocked) throw new Error('what was received is not there to be sold');

// The first order is bought by the API, and rings without reload.
await office.goto(`${BASE}/company/orders`);
await till.goto(`${BASE}/shop/orders`);
await kill('web');
await kill('worker');
const buyer = await api('POST', '/api/auth/register', { company: slug, body: { email: `buyer@${stamp}.test`, password: 'a-walk-of-words-42', name: 'First Buyer' } });
const placed = await api('POST', '/api/orders', {
  token: buyer.accessToken,
  headers: { 'idempotency-key': `first-${stamp}` },
  body: {
    shippingAddress: { name: 'First Buyer', line1: '1 Road', city: 'Pune', postalCode: '411001', country: 'IN' },
    gateway: 'test',
    paymentMethod: 'tok_ok',
    items: [{ variantId: stocked.id, shopId: shop, quantity: 2 }],
  },
});
const { id, orderNumber } = placed.orders[0];
const arrives = (page, selector, who) => page.waitForSelector(selector, { timeout: ARRIVAL }).catch(() => findings.add(`${who} does not see ${orderNumber} without reload`));
await arrives(office, `#order-${id}`, 'the company');
await arrives(till, `#ticket-${id}`, 'the shop');
for (const status of ['processing', 'packed', 'shipped', 'delivered']) {
  await till.goto(`${BASE}/shop/orders`);
  await till.focus(`#ticket-${id} [data-digit]`);
  const digit = await till.getAttribute(`#ticket-${id} [data-digit]`, 'data-digit');
  await answered(till, () => till.keyboard.press(digit));
  const now = await until(async () => (await api('GET', `/api/orders/${id}`, { token: buyer.accessToken })).status === status);
  if (!now) throw new Error(`after its key the order is not ${status}`);
}

// A payment that has been missed for long holds the company back: nothing can be added, and all else goes on.
await noticed;
const owing = async () => (await office.locator('[data-owing]').allInnerTexts()).join(' ');
await office.goto(`${BASE}/company`);
check((await owing()).includes('overdue'), 'no page of the company says that a payment is overdue');
const late = await owes('Scales', '3000', -8);
await told(ADMIN.email, 'has not paid ₹4,200.00', 'no shop, person or product can be added');
await office.goto(`${BASE}/company`);
check((await owing()).includes('Limited'), 'no page of the company says that it is limited');
const openShop = async () => {
  await office.goto(`${BASE}/company/shops/new`);
  await office.fill('main [name="name"]', 'Walk Mart Station');
  await office.fill('main [name="slug"]', 'station');
  await answered(office, () => office.locator('main [name="slug"]').evaluate((field) => field.form.requestSubmit()));
  return /\/company\/shops\/[0-9a-f-]{36}/.test(office.url());
};
check(!(await openShop()), 'a company that is held back opens a shop');
// One is paid by the company itself and the other is recorded by the platform's people: that lifts it.
await office.goto(`${BASE}/company/debts/${late}`);
await submit(office, '#pay [name="amount"]');
await root.goto(`${BASE}/admin/debts/${missed}`);
await submit(root, '#pay [name="amount"]');
await office.goto(`${BASE}/company`);
check(!(await owing()).includes('overdue'), 'what was paid is still asked for');
check(await openShop(), 'a company that has paid opens no shop');
await told(ADMIN.email, 'nothing of Walk Mart is held back any more');

// Who did what is in the audit.
for (const [resource, who] of [[`order&id=${id}`, 'Chandra Clerk'], ['shop', 'Farah Founder'], ['product', 'Farah Founder'], [`debt&id=${late}`, 'Farah Founder']]) {
  await office.goto(`${BASE}/company/audit?resource=${resource}`);
  check((await office.innerText('#results')).includes(who), `the audit does not say what ${who} did to the ${resource}`);
}
// Each letter came once. One that a worker was sending when it died may come again, but under the same Message-ID.
const letters = allLetters().map((letter) => {
  const said = (name) => letter.match(new RegExp(`^${name}: *(.*)`, 'im'))?.[1];
  return { id: said('Message-ID'), words: [said('To'), said('Subject'), plain(letter)].join('\n') };
});
check(letters.every(({ id }) => id), 'a letter has no Message-ID');
const each = new Map(letters.map((one) => [one.id, one]));
const again = letters.length - each.size;
check(again <= kills.filter((kind) => kind === 'worker').length, `${again} letters came again under their Message-ID`);
check(new Set([...each.values()].map(({ words }) => words)).size === each.size, 'a letter came again under another Message-ID');
await browser.close();
findings.end(`${slug} was founded, sold ${orderNumber} and paid what it owed; ${letters.length} letters, ${again} of them again${kills.length ? `, killed on the way: ${kills.join(', ')}` : ''}`);
process.disconnect?.();
