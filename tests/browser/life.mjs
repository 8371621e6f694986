// One order's life through the three portals: a customer buys, the shop's board rings and works it off
// by keys, the company sees it without reload and finds it in its audit, and so do the platform's people,
// whose figures count it.
import { ARRIVAL, BASE, Findings, PATIENCE, answered, api, openBrowser, signIn, until } from './house.mjs';

const findings = new Findings();
const check = (is, text) => is || findings.add(text);

const browser = await openBrowser();
const at = async (email, path) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  await signIn(page, email);
  await page.goto(BASE + path);
  return page;
};
const board = await at('staff@techhub.test', '/shop/orders');
const office = await at('admin@techhub.test', '/company/orders');
const shop = await board.evaluate(() => document.querySelector('input[name=shop]')?.value);

const root = await at('admin@souk.test', '/admin');
/** How many orders of a company the platform's first page counts. */
const counted = async () => {
  await root.goto(`${BASE}/admin`);
  const rows = await root.locator('section[aria-labelledby="best-t"] tbody tr').allInnerTexts();
  return Number(rows.find((row) => /techhub/i.test(row))?.split('\t').find((cell) => /^\d+$/.test(cell.trim())) ?? 0);
};
const before = await counted();
// What asks for itself and is not answered is a lost line, said at once; its next good answer takes that back.
for (const [page, who] of [[board, 'the shop'], [office, 'the company']]) {
  const ours = (url) => url.origin === new URL(BASE).origin && !url.pathname.startsWith('/static');
  await page.route(ours, (route) => route.abort());
  await page.waitForSelector('#offline:visible').catch(() => findings.add(`${who} is not told that the line is lost`));
  await page.unroute(ours);
  await page.waitForSelector('#offline', { state: 'hidden' }).catch(() => findings.add(`${who} is not told that the line is back`));
}

const found = await api('GET', '/api/products?inStock=true&limit=100');
const variant = found.data
  .flatMap((product) => product.variants)
  .find((one) => one.price < 4_000_000 && one.availability.some((place) => place.available > 3 && (!shop || place.shopId === shop)));
const place = variant.availability.find((one) => one.available > 3 && (!shop || one.shopId === shop));
const buyer = await api('POST', '/api/auth/register', {
  body: { email: `walk${Date.now()}@example.com`, password: 'a-walk-of-words-42', name: 'Walking Buyer' },
});
const placed = await api('POST', '/api/orders', {
  token: buyer.accessToken,
  headers: { 'idempotency-key': `walk-${Date.now()}` },
  body: {
    shippingAddress: { name: 'Walking Buyer', line1: '1 Road', city: 'Pune', postalCode: '411001', country: 'IN' },
    gateway: 'test',
    paymentMethod: 'tok_ok',
    items: [{ variantId: variant.id, shopId: place.shopId, quantity: 1 }],
  },
});
const { id, orderNumber } = placed.orders[0];
check(placed.orders[0].paymentStatus === 'paid', 'the order is not paid');

const arrives = async (page, selector, who) => {
  await page.waitForSelector(selector, { timeout: ARRIVAL }).catch(() => findings.add(`${who} does not see ${orderNumber} without reload`));
};
await arrives(office, `#order-${id}`, 'the company');
await arrives(board, `#ticket-${id}`, 'the shop');
await arrives(board, `#ticket-${id}.is-unseen [data-unseen]`, 'whoever looks at the board');
await board.hover(`#ticket-${id} h3`);
await board.waitForSelector(`#ticket-${id}:not(.is-unseen)`).catch(() => findings.add('what was looked at is still marked as new'));

const sheet = await at('admin@techhub.test', `/company/orders/${id}`);
const told = await sheet.locator('#order-timeline li').count();
for (const status of ['processing', 'packed', 'shipped', 'delivered']) {
  await board.goto(`${BASE}/shop/orders?shop=${place.shopId}`);
  await board.focus(`#ticket-${id} [data-digit]`);
  const digit = await board.getAttribute(`#ticket-${id} [data-digit]`, 'data-digit');
  await answered(board, () => board.keyboard.press(digit));
  const now = await until(async () => {
    const order = await api('GET', `/api/orders/${id}`, { token: buyer.accessToken });
    return order.status === status && order;
  });
  check(now, `after the key ${digit} the order is not ${status}`);
  if (!now) break;
}
await sheet.waitForFunction((before) => document.querySelectorAll('#order-timeline li').length > before, told)
  .catch(() => findings.add("the order's own page does not follow what becomes of it"));
await office.goto(`${BASE}/company/orders/${id}`);
check((await office.innerText('main')).includes(orderNumber), 'the company does not find the order');
// What went well is said in passing, and what was taken away comes back.
await office.goto(`${BASE}/company/orders?status=delivered`);
await office.click('#chips summary');
await office.fill('#view-name', 'Walked');
await answered(office, () => office.press('#view-name', 'Enter'));
check(await office.locator('.sk-toast.tone-ok').count(), 'a view that is kept is not said in passing');
await office.goto(`${BASE}/company/orders?status=delivered`);
await answered(office, () => office.click('#chips form[action$="/delete"] button'));
check(!(await office.innerText('#views')).includes('Walked'), 'the view is still there');
await answered(office, () => office.click('.sk-toast [data-undo]'));
check((await office.innerText('#views')).includes('Walked'), 'a view that was taken away does not come back');
await answered(office, () => office.click('#chips form[action$="/delete"] button'));
await office.goto(`${BASE}/company/audit?resource=order&id=${id}`);
check((await office.innerText('#results')).includes('Kiran Patel'), 'the audit does not say who worked the order off');
check(await until(async () => (await counted()) > before, { within: ARRIVAL }), `the platform's figures do not count ${orderNumber}`);
await root.goto(`${BASE}/admin/audit?company=techhub&resource=order&id=${id}`);
check((await root.innerText('#results')).includes('Kiran Patel'), 'the platform does not see in the audit who worked the order off');
await root.goto(`${BASE}/admin/audit?company=*&resource=order&id=${id}`);
check(/techhub/i.test(await root.innerText('#results')), 'the audit of all companies does not say whose order it is');
await browser.close();
findings.end(`${orderNumber} lived through the portals`);
