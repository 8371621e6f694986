// Every form of every portal, sent by whoever must not: another site, nobody, a role without the right,
// and the neighbour's admin with this company's ids in paths and fields. Nothing moves, nothing is told.
import { Findings, PEOPLE, ROWS, Visitor, api, crawl, formsOf, isPage, linksOf, mayDo, plain, rowOf } from './house.mjs';

const findings = new Findings();
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
/** What a page of this company says and the neighbour's never does. */
const MARK = /techhub/i;
/** Rows for whoever comes by a letter, or by none. */
const BY_LETTER = /^\/(sign-in|forgotten|new-password|verify-email|unsubscribe|invitation)/;
/** Whether an answer tells of this company more than what was typed in the form that it answers. */
const tells = ({ text }, form) => {
  const typed = Object.values(form).filter((value) => MARK.test(value));
  return MARK.test(typed.reduce((left, value) => left.replaceAll(value, ''), plain(text)));
};

/** Comes in and collects one form for each row, with the ids of the rows that can be chosen beside it. */
async function collect(person) {
  const visitor = new Visitor(person);
  const first = await visitor.comeIn();
  if (!first) findings.add(`${person.email} cannot come in`);
  const forms = new Map();
  const pages = await crawl(visitor, first);
  for (const { address, answer } of pages) {
    if (!isPage(answer)) continue;
    const ids = [...answer.text.matchAll(/\sname="ids" value="([^"]+)"/g)].map(([, id]) => id);
    for (const { action: whole, form } of formsOf(answer.text)) {
      // Whoever means harm leaves out for which company a form was made, which would be enough to refuse it.
      delete form.made_for;
      const action = whole.replace(/[?&]made_for=[^&]*/, '');
      const row = rowOf('POST', action);
      if (!row) findings.add(`a form of ${address} goes to ${action}, which nobody answers`);
      else if (!forms.has(row.uri) || Object.keys(form).length > Object.keys(forms.get(row.uri).form).length) {
        forms.set(row.uri, { row, action, form: ids.length && !Object.keys(form).length ? { ids: ids[0] } : form });
      }
    }
  }
  return { visitor, forms, pages };
}

/** What people lately did in this company. */
async function acts(token) {
  const { data } = await api('GET', '/api/audit/logs?limit=100', { token });
  return data.filter(({ userId, resource }) => userId && resource !== 'session');
}

const houses = {};
for (const person of PEOPLE.filter(({ role }) => !['public', 'customer'].includes(role))) houses[person.role] = await collect(person);
const neighbour = await collect({ role: 'company_admin', email: 'admin@greenbasket.test' });
const nobody = new Visitor({ role: 'public' });
const forms = new Map();
for (const { visitor, forms: own } of Object.values(houses)) {
  for (const [uri, form] of own) {
    // The platform's people are in no company: its forms come from its own people.
    if (visitor.role === 'super_admin' && /^\/(company|shop)(\/|$)/.test(uri)) continue;
    if (!forms.has(uri)) forms.set(uri, { ...form, of: visitor });
  }
}
// What nothing offers in the state that it is in can be asked of it all the same, or of something that is not there.
const known = Object.values(houses).flatMap(({ visitor, pages }) => pages.flatMap(({ address, answer }) => [address, ...linksOf(answer.text)].map((one) => [one, visitor])));
let unoffered = 0;
for (const row of ROWS.filter((row) => row.method === 'POST' && !forms.has(row.uri) && !BY_LETTER.test(row.uri))) {
  const [, thing, act] = row.uri.match(/^(.*{[^}]*})?(.*)$/);
  const pattern = thing && new RegExp(`^${thing.replace(/{[^}]*}/g, '[^/?]+')}(?=[/?]|$)`);
  const [address, visitor] = known.find(([address, { role }]) => (role === 'super_admin') === row.uri.startsWith('/admin') && (!thing || ID.test(address.match(pattern)?.[0]))) ?? [];
  const place = !thing ? '' : address ? address.match(pattern)[0] : thing.replace(/{[^}]*}/g, '00000000-0000-7000-8000-000000000000');
  forms.set(row.uri, { row, action: place + act, form: {}, of: visitor ?? houses.company_admin.visitor });
  unoffered += 1;
}
const { accessToken: token } = await api('POST', '/api/auth/login', { body: { email: 'admin@techhub.test', password: 'demo-demo-demo' } });
const before = new Set((await acts(token)).map(({ id }) => id));

let tried = 0;
const send = async (who, visitor, action, form, options, fits) => {
  const answer = await visitor.send('POST', action, { form, ...options });
  tried += 1;
  if (answer.status >= 500 || !fits(answer)) findings.add(`POST ${action} by ${who}: ${answer.status} ${answer.to ?? ''}`);
  return answer;
};
const toTheDoor = ({ status, to }) => status === 403 || (status === 303 && to.startsWith('/sign-in'));
for (const { row, action, form, of } of forms.values()) {
  const forbidden = ({ status }) => status === 403;
  await send('another site', of, action, form, { own: false, headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } }, forbidden);
  await send('who does not say whence', of, action, form, { own: false }, forbidden);
  if (row.permission === 'anyone') continue;
  await send('nobody', nobody, action, form, {}, toTheDoor);
  for (const { visitor } of Object.values(houses)) {
    if (!mayDo(row, visitor)) await send(visitor.role, visitor, action, form, {}, forbidden);
  }
  const named = (text) => ID.test(text);
  if (row.uri === '/sign-out' || !(named(action) || Object.values(form).some(named))) continue;
  const answer = await send('the neighbour', neighbour.visitor, action, form, {}, ({ status }) => status !== 200 || !named(action));
  const next = answer.to ? await neighbour.visitor.get(answer.to) : answer;
  if (tells(answer, form) || tells(next, form)) findings.add(`POST ${action} tells the neighbour of this company`);
  // Their own thing, with what this company's form says in its fields.
  const own = neighbour.forms.get(row.uri);
  if (own && Object.values(form).some(named)) {
    const mixed = await send('the neighbour about their own', neighbour.visitor, own.action, { ...own.form, ...form }, {}, () => true);
    if (tells(mixed, form)) findings.add(`POST ${own.action} with this company's ids tells the neighbour of it`);
  }
}
for (const { id, action, resource, resourceId } of await acts(token)) {
  if (!before.has(id)) findings.add(`a stranger's form was an act in this company: ${action} of ${resource} ${resourceId}`);
}
findings.end(`${tried} forms by strangers, for ${unoffered} acts made up since no page offered them: none moved anything`);
