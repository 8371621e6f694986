// A company from nothing: the platform's people open it with an admin and a plan; by the letters' links
// the admin comes, opens a shop with hours, invites staff, adds ten products with pictures; the shop
// takes goods in by the scanner, sells its first order, and works it off by keys; the audit knows all of it.
import { readFileSync, readdirSync } from 'node:fs';
import { ARRIVAL, BASE, Findings, PATIENCE, ROWS, answered, api, openBrowser, signIn, until } from './house.mjs';

const NEEDS = ['/admin/companies/new', '/invitation', '/company/shops/new', '/company/staff/new', '/company/products/new', '/shop/stock'];
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

/** The link to a place in somebody's newest letter that has one. */
const linkFor = (email, place) =>
  until(() => {
    const folder = process.env.SOUK_LETTERS;
    const letters = readdirSync(folder).filter((name) => name.endsWith('.eml')).sort().reverse();
    for (const name of letters) {
      const letter = readFileSync(`${folder}/${name}`, 'utf8');
      if (!new RegExp(`^To: .*${email}`, 'mi').test(letter)) continue;
      const link = plain(letter).match(/https?:\/\/\S+/g)?.find((one) => one.includes(`/${place}?`));
      if (link) return link;
    }
    return null;
  });

const browser = await openBrowser();
const desk = async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  context.setDefaultTimeout(PATIENCE);
  return context.newPage();
};
/** Sends the form around a field, and waits for the page that answers. */
const submit = async (page, selector) => {
  await answered(page, () => page.locator(selector).first().evaluate((field) => field.form.requestSubmit()));
  const refused = await page.locator('.sk-flash.tone-bad').allInnerTexts();
  if (refused.length) throw new Error(`${page.url()} refuses: ${refused.join(' ')}`);
};

// The platform's people open the company.
const root = await desk();
await signIn(root, 'admin@souk.test');
await root.goto(`${BASE}/admin/companies/new`);
const form = { name: 'Walk Mart', slug, adminName: 'Farah Founder', adminEmail: ADMIN.email };
for (const [name, value] of Object.entries(form)) await root.fill(`main [name="${name}"]`, value);
const plans = await root.locator('main [name="plan"] option').evaluateAll((all) => all.map((one) => one.value).filter(Boolean));
if (plans.length) await root.selectOption('main [name="plan"]', plans.at(-1));
await submit(root, 'main [name="slug"]');
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

// Goods come in over the counter: the scanner types a code, F2 receives, F9 books.
await till.goto(`${BASE}/shop/stock`, { waitUntil: 'networkidle' });
await till.keyboard.type(PRODUCTS[0].barcode, { delay: 2 });
await answered(till, () => till.keyboard.press('Enter'));
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

// Who did what is in the audit.
for (const [resource, who] of [[`order&id=${id}`, 'Chandra Clerk'], ['shop', 'Farah Founder'], ['product', 'Farah Founder']]) {
  await office.goto(`${BASE}/company/audit?resource=${resource}`);
  check((await office.innerText('#results')).includes(who), `the audit does not say what ${who} did to the ${resource}`);
}
await browser.close();
findings.end(`${slug} was founded, and sold ${orderNumber}`);
