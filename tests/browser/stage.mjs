// What the walks stand on: each has a program of its own with a copy of the demo, so that none meets what another did,
// and several walk beside each other. `founding@split` is the walk `founding` on two web processes and two workers over
// PostgreSQL and Redis, of which some are killed on its way; it is left out, with a word, where these are not to be had.
// node stage.mjs <program> <folder> <walk…>: ends with 1 when a walk found something, with 77 when no browser would start.
import { execFile, fork, spawn } from 'node:child_process';
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const [, , PROGRAM, WORK, ...asked] = process.argv;
const HERE = fileURLToPath(new URL('.', import.meta.url));
/** No walk takes so long; what hangs is ended, and told. */
const WALK_SECONDS = Number(process.env.WALK_SECONDS ?? 1500);
/** How long a program may take until it answers, or until it has ended. */
const START_SECONDS = 180;
/** So many walk beside each other: the long one keeps the machine busy, and a story mostly waits for a clock. */
const BESIDE = 3;
const POSTGRES = process.env.TEST_DATABASE_URL ?? 'postgres://root@127.0.0.1:5432/test';
const began = Date.now();
const houses = new Set();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const run = promisify(execFile);
const once = (make) => {
  let made;
  return () => (made ??= make());
};

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** Everything that was started and has not ended. */
const alive = new Set();

/** Starts something whose words go to a file. */
function begin(command, words, { env, cwd, log }) {
  const file = openSync(log, 'a');
  const child = spawn(command, words, { env, cwd, stdio: ['ignore', file, file] });
  closeSync(file);
  alive.add(child);
  child.ended = new Promise((resolve) => {
    child.on('error', resolve);
    child.on('exit', resolve);
  }).then(() => alive.delete(child));
  return child;
}

/** Asks something to end, and makes it end when it does not. */
async function end(child) {
  child.kill('SIGTERM');
  await Promise.race([child.ended, pause(20_000)]);
  child.kill('SIGKILL');
  await child.ended;
}

/** A mail server that keeps the letters in a folder: our own, or by this folder of Python's one of another make. */
async function mailServer(folder, aiosmtpd) {
  const told = `${folder}.port`, place = { cwd: WORK, log: `${folder}.log` };
  if (aiosmtpd) begin('python3', [`${HERE}/sink.py`, folder, told], { env: { ...process.env, PYTHONPATH: aiosmtpd }, ...place });
  else begin(process.execPath, [`${HERE}/sink.mjs`, folder, told], { env: process.env, ...place });
  for (const deadline = Date.now() + START_SECONDS * 1000; Date.now() < deadline; await pause(50)) {
    if (existsSync(told)) return `smtp://127.0.0.1:${readFileSync(told, 'utf8')}`;
  }
  throw new Error('the mail server does not start');
}

/** An installation: the settings of its processes, and whatever was started for it. */
class House {
  url = '';

  constructor(name, settings) {
    this.folder = `${WORK}/${name}`;
    mkdirSync(this.folder, { recursive: true });
    this.log = `${this.folder}/souk.log`;
    this.letters = `${this.folder}/letters`;
    houses.add(this);
    // Only what is said here may reach the program, not the settings of whoever walks.
    this.env = {
      PATH: process.env.PATH, HOME: this.folder, LOCO_ENV: 'development', HOST: '127.0.0.1', SOUK_RATE_LIMIT: 'off',
      SOUK_DATA_DIR: `${this.folder}/data`, ...settings,
    };
  }

  /** One process of the program that answers; a port that somebody else took meanwhile is no fault of it. */
  async start(words = [], fixed) {
    for (let left = 3; ; left -= 1) {
      const port = fixed ?? (await freePort());
      const url = `http://127.0.0.1:${port}`;
      const env = { SOUK_BASE_URL: url, ...this.env, PORT: String(port) };
      const child = begin(PROGRAM, ['start', ...words], { env, cwd: this.folder, log: this.log });
      Object.assign(child, { house: this, url, port, words });
      for (const deadline = Date.now() + START_SECONDS * 1000; Date.now() < deadline && alive.has(child); await pause(100)) {
        if (await fetch(`${url}/health`).then((answer) => answer.ok, () => false)) return child;
      }
      await end(child);
      if (left === 1) throw new Error(`the program does not start:\n${this.lately(40)}`);
    }
  }

  /** Runs one of the program's commands to its end; what it says. */
  async ask(words, settings = {}) {
    const env = { ...this.env, ...settings };
    const { stdout } = await run(PROGRAM, words, { env, cwd: this.folder, maxBuffer: 1 << 26 }).catch((error) => {
      throw new Error(`souk ${words.join(' ')}: ${error.stdout}${error.stderr}`);
    });
    return stdout;
  }

  lately(lines) {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').split('\n').slice(-lines).join('\n') : '';
  }

  async close() {
    houses.delete(this);
    await Promise.all([...alive].filter((one) => one.house === this).map(end));
  }
}

/** One program on a copy of the demo. */
class Alone extends House {
  static async open(name) {
    const house = new Alone(name, { SOUK_DEMO: 'small' });
    house.env.SMTP_URL = await mailServer(house.letters);
    cpSync(await demo(), `${house.folder}/data`, { recursive: true });
    house.url = (await house.start()).url;
    return house;
  }
}

/** The demo is loaded once, and copied when its work is done and nobody writes to it. */
const demo = once(async () => {
  const house = new House('demo', { SOUK_DEMO: 'small' });
  const program = await house.start();
  // A queue's line says how much is ready, waits and runs; a listener's how many events it is behind.
  const isBusy = (line) => /^\w+ +([1-9]|\d+ +\d+ +[1-9])|: [1-9]\d* events behind/.test(line);
  for (const deadline = Date.now() + START_SECONDS * 1000; Date.now() < deadline; await pause(200)) {
    if (!(await house.ask(['task', 'jobs'])).split('\n').some(isBusy)) break;
  }
  await end(program);
  return `${house.folder}/data`;
});

/** Two web processes and two workers over PostgreSQL and Redis, behind a proxy; empty but for one of the platform's people. */
class Split extends House {
  static DATABASE = `souk_walk_${process.pid}`;
  /** The tests of the queue use the ones below. */
  static REDIS = '15';

  static sql = (words) => run('psql', ['--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', POSTGRES, '--command', words], { timeout: 60_000 });
  static redis = (...words) => run('redis-cli', ['-n', Split.REDIS, ...words], { timeout: 60_000 });

  /** Why there is none, if so. */
  static async missing() {
    if (!(await Split.sql('SELECT 1').catch(() => null))) return `there is no PostgreSQL at ${POSTGRES}, or no psql`;
    if (!(await Split.redis('PING').catch(() => null))) return 'there is no Redis at 127.0.0.1:6379, or no redis-cli';
    return null;
  }

  static async open(name) {
    const house = new Split(name, { SOUK_DEMO: 'none', REDIS_URL: `redis://127.0.0.1:6379/${Split.REDIS}` });
    const url = new URL(POSTGRES);
    url.pathname = `/${Split.DATABASE}`;
    house.env.DATABASE_URL = url.href;
    // Jobs of a worker that was killed are others' sooner than in earnest.
    mkdirSync(`${house.folder}/config`);
    writeFileSync(`${house.folder}/config/development.yaml`, 'settings: { lease_seconds: 5 }');
    house.env.SMTP_URL = await mailServer(house.letters, process.env.SOUK_AIOSMTPD);
    if (!process.env.SOUK_AIOSMTPD) console.log(`${name}: its letters go to the walks' own mail server, python3 has no pip or cannot fetch aiosmtpd`);
    await Split.redis('FLUSHDB');
    await Split.sql(`CREATE DATABASE ${Split.DATABASE}`);
    house.isMade = true;
    await house.ask(['db', 'migrate']);
    await house.ask(['task', 'create_admin', 'email:admin@souk.test'], { SOUK_ADMIN_PASSWORD: 'demo-demo-demo' });
    await house.openProxy();
    house.processes = { web: [], worker: [] };
    for (const kind of ['web', 'web', 'worker', 'worker']) house.processes[kind].push(await house.start([kind === 'web' ? '--server' : '--worker']));
    return house;
  }

  /** Leads each connection to the next web process, and on to another one when that is gone. */
  async openProxy() {
    let turn = 0;
    this.proxy = createServer((visitor) => {
      const { web } = this.processes;
      const lead = (left) => {
        const process = web[(turn += 1) % web.length];
        const house = createConnection(process.port, '127.0.0.1');
        let isThere = false;
        house.on('connect', () => {
          isThere = true;
          visitor.pipe(house).pipe(visitor);
          visitor.on('close', () => house.destroy());
          house.on('close', () => visitor.destroy());
        });
        house.on('error', () => (isThere || left === 1 ? visitor.destroy() : lead(left - 1)));
      };
      visitor.on('error', () => visitor.destroy());
      lead(web.length);
    });
    await new Promise((resolve) => this.proxy.listen(0, '127.0.0.1', resolve));
    this.url = this.env.SOUK_BASE_URL = `http://127.0.0.1:${this.proxy.address().port}`;
  }

  /** Kills a process of a kind, the longest there, without a warning; another one takes its place a little later. */
  async kill(kind) {
    const row = this.processes[kind];
    const dead = row[0];
    dead.kill('SIGKILL');
    await dead.ended;
    const back = pause(2_000).then(async () => {
      row.push(await this.start(dead.words, dead.port));
      row.splice(row.indexOf(dead), 1);
    });
    this.back = Promise.all([this.back, back]);
  }

  async close() {
    this.proxy?.close();
    await this.back;
    await super.close();
    if (this.isMade) await Split.sql(`DROP DATABASE ${Split.DATABASE} WITH (FORCE)`);
    await Split.redis('FLUSHDB');
  }
}

/** Walks, and says what the walk says with its name in front; 0 when it came to its end and found nothing. */
async function walk(asked) {
  const [name, isSplit] = asked.split('@');
  const say = (text) => console.log(`${asked}: ${text}`);
  const missing = isSplit && (await Split.missing());
  if (missing) {
    say(`left out, ${missing}`);
    return 0;
  }
  const since = Date.now();
  const house = await (isSplit ? Split : Alone).open(asked.replace('@', '-'));
  const env = { ...process.env, SOUK_URL: house.url, SOUK_PROGRAM: PROGRAM, SOUK_LETTERS: house.letters, SOUK_SPLIT: isSplit ? 'yes' : '' };
  const child = fork(`${HERE}/${name}.mjs`, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  alive.add(child);
  child.ended = new Promise((resolve) => child.on('close', resolve)).finally(() => alive.delete(child));
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', say);
  child.on('message', async (kind) => child.send((await house.kill(kind)) ?? kind));
  const hanging = setTimeout(() => {
    say('does not come to its end');
    child.kill('SIGKILL');
  }, WALK_SECONDS * 1000);
  let code = await child.ended;
  clearTimeout(hanging);
  if (code === 0) {
    await house.ask(['task', 'verify']).catch((error) => {
      code = 1;
      say(error.message);
    });
  }
  if (code !== 0 && code !== 77) say(`ended with ${code}; what the program said last:\n${house.lately(20)}`);
  await house.close();
  say(`${code === 0 ? 'good' : 'not good'}, ${((Date.now() - since) / 1000).toFixed(0)} s`);
  return code;
}

/** Ends everything, and then itself. */
async function leave(code) {
  await Promise.all([...houses].map((house) => house.close()));
  await Promise.all([...alive].map(end));
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => leave(1));

const codes = [];
const left = [...asked];
const go = async () => {
  for (let name = left.shift(); name; name = left.shift()) {
    codes.push(await walk(name).catch((error) => {
      console.log(`${name}: ${error.stack}`);
      return 1;
    }));
  }
};
await Promise.all(Array.from({ length: BESIDE }, go));
console.log(`${asked.length} walks in ${((Date.now() - began) / 1000).toFixed(0)} s`);
await leave(codes.find((code) => code !== 0 && code !== 77) ?? Math.max(...codes));
