// Runs the bridge's own page script, and the snippet it shows, without a browser: elements are the ids of
// the page, requests go to the bridge as a page of it would send them. Commands come as JSON lines:
//   {"set": id, "value"}  {"check": id}  {"event": id, "kind"}   what a person types and clicks
//   {"snippet": text}                             run in the console of a browser at WhatsApp Web
//   {"credential": {...}}                         the authenticator's answer to the snippet's request
// Events go out: {"page": {id: {...}}} whenever it has changed, {"request": ...}, {"answer": text}.
import { createInterface } from 'node:readline';
import vm from 'node:vm';

const base = process.argv[2];
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n');
const html = await (await fetch(base + '/pair')).text();
const script = await (await fetch(base + '/pair.js')).text();

// ---- the page ---------------------------------------------------------------------------------

const elements = new Map();
for (const [tag, id] of html.matchAll(/<[^>]*\bid="([^"]+)"[^>]*>/g)) {
  const listeners = {};
  elements.set(id, {
    hidden: /\shidden\b/.test(tag), textContent: '', value: '', src: '', checked: false, disabled: false,
    addEventListener: (kind, handler) => { listeners[kind] = handler; },
    select() {},
    listeners,
  });
}
function visible() {
  const shown = {};
  for (const [id, one] of elements) {
    shown[id] = { hidden: one.hidden, text: one.textContent, value: one.value, src: Boolean(one.src) };
  }
  return shown;
}
const own = (path, options) => fetch(base + path, {
  ...options, headers: { ...options.headers, Origin: base },
});
vm.runInNewContext(script, {
  document: { getElementById: (id) => elements.get(id) ?? null },
  navigator: {}, fetch: own, setTimeout: (fn, ms) => setTimeout(fn, ms / 10), JSON, URL, Promise, Boolean,
  AbortSignal,
}, { filename: 'pair.js' });
let last = '';
setInterval(() => {
  const now = JSON.stringify(visible());
  if (now !== last) say({ page: visible() });
  last = now;
}, 50);

// ---- the owner's browser ----------------------------------------------------------------------

const text = (bytes) => Buffer.from(bytes).toString('base64url');
const bytes = (value) => Uint8Array.from(Buffer.from(value, 'base64url')).buffer;
let answerRequest = null;
function runSnippet(snippet) {
  const get = ({ publicKey }) => {
    say({ request: { ...publicKey, challenge: text(publicKey.challenge),
      allowCredentials: publicKey.allowCredentials.map((one) => ({ ...one, id: text(one.id) })) } });
    return new Promise((resolve) => { answerRequest = resolve; });
  };
  vm.runInNewContext(snippet, {
    navigator: { credentials: { get } }, atob, btoa, Uint8Array, JSON, Object, String,
    console: { log: (answer) => say({ answer }) }, alert: (problem) => say({ alert: problem }),
    document: { createElement: () => ({ style: {}, focus() {}, select() {} }), body: { append() {} } },
  }, { filename: 'snippet.js' });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  if (command.set) elements.get(command.set).value = command.value;
  if (command.check) elements.get(command.check).checked = true;
  if (command.event) elements.get(command.event).listeners[command.kind]({ preventDefault() {} });
  if (command.snippet) runSnippet(command.snippet);
  if (command.credential) {
    const { id, rawId, type, response } = command.credential;
    const parts = Object.fromEntries(Object.entries(response).map(([name, one]) => [name, bytes(one)]));
    answerRequest({ id, rawId: bytes(rawId), type, response: { userHandle: null, ...parts } });
  }
}).on('close', () => process.exit(0));
