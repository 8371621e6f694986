// A mail server that keeps what it takes: each letter is a file of the folder. Mailboxes that are called
// `full` never have room. node sink.mjs <folder> <file for the port>
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [, , folder, told] = process.argv;
mkdirSync(folder, { recursive: true });
let taken = 0;

const server = createServer((socket) => {
  let rest = '';
  let letter = null;
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  const say = (line) => socket.write(`${line}\r\n`);
  const hear = (line) => {
    if (letter && line === '.') {
      const name = String((taken += 1)).padStart(5, '0');
      // Whoever looks into the folder sees whole letters only.
      writeFileSync(`${folder}/${name}.part`, letter.join('\n'));
      renameSync(`${folder}/${name}.part`, `${folder}/${name}.eml`);
      letter = null;
      return say('250 2.0.0 taken');
    }
    if (letter) return letter.push(line.startsWith('.') ? line.slice(1) : line);
    const verb = line.split(/[ :]/)[0].toUpperCase();
    if (verb === 'EHLO') return say('250-sink.test\r\n250-8BITMIME\r\n250 SMTPUTF8');
    if (verb === 'DATA') {
      letter = [];
      return say('354 go on');
    }
    if (/^RCPT TO:\s*<full[^@]*@/i.test(line)) return say('452 4.2.2 the mailbox is full');
    if (verb === 'QUIT') return socket.end('221 bye\r\n');
    return say('250 ok');
  };
  say('220 sink.test ESMTP');
  socket.on('data', (text) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop();
    lines.forEach(hear);
  });
});
server.listen(0, '127.0.0.1', () => {
  writeFileSync(`${told}.part`, String(server.address().port));
  renameSync(`${told}.part`, told);
});
