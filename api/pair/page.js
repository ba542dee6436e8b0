'use strict';
// Leads a person through linking, and tells in plain words what each state of the bridge (/health)
// means. Texts of the API that are meant for programs are not shown. Everything that comes from the bridge is
// shown as text, never as HTML. The token stays in this tab: a reload keeps it, closing forgets it.

const POLL_MS = 1500;
const ASK_MS = 10000; // an answer takes milliseconds
const ACT_MS = 60000; // WhatsApp must answer first

const BY_ITSELF = 'The bridge tries again by itself; nothing is lost.';
// By status: the state, what to do about it, and the button that helps ('again': trying at once may help).
const STATES = {
  starting: ['The bridge is starting…', 'This takes a few seconds.'],
  connecting: ['Connecting to WhatsApp…', 'This takes a few seconds.'],
  pairing: ['Ready to be linked', 'Scan the QR code with the phone that has this number, or type a code on it.'],
  ok: ['Linked and connected', 'Everything works.'],
  disconnected: ['No connection to WhatsApp', BY_ITSELF + ' If it stays so, look at the network of the ' +
    'computer that the bridge runs on.', 'again'],
  replaced: ['Another program uses this link', 'Two programs cannot share one link. Stop the other one: perhaps a ' +
    'second bridge, or a copy of this one’s files on another computer. Then try again here.', 'again'],
  outdated: ['This bridge is too old for WhatsApp', 'Update the bridge. Until then it looks once an hour whether ' +
    'WhatsApp takes it after all.', 'again'],
  banned: ['WhatsApp has suspended this number for a while', 'WhatsApp on the phone says why. Before the suspension ' +
    'ends the bridge tries nothing; then it connects by itself. Send less, and to fewer people who do not know this ' +
    'number.', 'again'],
  login_failure: ['WhatsApp refuses to let the bridge in', 'It is tried again by itself, at most once an hour. Look ' +
    'whether WhatsApp still works on the phone, and whether there is a newer version of the bridge.', 'again'],
  logged_out: ['Not linked any more', 'The link was ended on the phone or by WhatsApp; WhatsApp on the phone may say ' +
    'why. The messages that were stored are kept. To go on, link anew.', 'pair'],
  store_error: ['The bridge cannot write its files', 'The disk is full or damaged, or its folder may not be written. ' +
    'Make room on the computer that the bridge runs on, or ask who looks after it. The bridge goes on by itself ' +
    'as soon as it can write; until then WhatsApp keeps what arrives.', 'again'],
};
// By reason, shown instead of `connecting` and `disconnected`. Without a connection, attempts may take most of the
// time: during an attempt, too, a person needs to read why the one before it failed.
const REASONS = {
  database_held: ['The bridge cannot write its files', 'Another program on the bridge’s computer is writing to the ' +
    'same database and does not finish. Close that program (a database viewer?), or end its transaction. The bridge ' +
    'goes on by itself; until then WhatsApp keeps what arrives.', 'again'],
  no_network: ['WhatsApp cannot be reached', 'Is the computer that the bridge runs on connected to the internet? Does a ' +
    'firewall block it? ' + BY_ITSELF, 'again'],
  name_lookup: ['WhatsApp’s address cannot be found', 'The name service (DNS) that the bridge’s computer uses does not ' +
    'answer, or does not know WhatsApp. ' + BY_ITSELF + ' If it stays so, look at the network settings of that ' +
    'computer.', 'again'],
  unreachable: ['WhatsApp cannot be reached', 'The bridge’s computer gets no connection to it: a firewall or proxy ' +
    'may be in the way, or the network is down. ' + BY_ITSELF, 'again'],
  no_answer: ['WhatsApp does not answer', 'There is a connection, but nothing comes. A firewall may be in the way, or ' +
    'WhatsApp has trouble of its own. ' + BY_ITSELF, 'again'],
  refused: ['What answers refuses the connection', 'A proxy, a firewall or another program may answer in WhatsApp’s ' +
    'place, or WhatsApp lets nobody in now. ' + BY_ITSELF + ' If it stays so, look at the network and the firewall of ' +
    'the computer that the bridge runs on.', 'again'],
  closed: ['WhatsApp has closed the connection', 'That is normal and happens often. ' + BY_ITSELF, 'again'],
  server_error: ['WhatsApp has trouble of its own', BY_ITSELF, 'again'],
  protocol_error: ['WhatsApp said something that the bridge does not understand', BY_ITSELF + ' If it stays so, update ' +
    'the bridge.', 'again'],
  rate_limited: ['WhatsApp asks for fewer connections', 'The bridge waits longer each time and then tries again by ' +
    'itself. Better do not hurry it.'],
  tls: ['The connection to WhatsApp is not secure', 'Something between here and WhatsApp takes the encryption apart, ' +
    'such as a company’s firewall or a virus scanner. Who looks after the network can exempt WhatsApp. ' +
    BY_ITSELF, 'again'],
  bad_certificate: ['What answers is not WhatsApp', 'Its certificate is not WhatsApp’s. Something between here and ' +
    'WhatsApp answers in its place. Who looks after the network can find out. ' + BY_ITSELF, 'again'],
  clock: ['The clock is wrong', 'Set date and time of the computer that the bridge runs on. Then it connects by itself.',
    'again'],
};
const PAIRING = {
  wrong_number: ['A phone with another number was used', 'Scan again, with the phone that has the number above.'],
  passkey_not_done: ['The step with the passkey was not finished', 'Scan again, or type a new code.'],
};
const LINKING = ['A phone is linking this bridge…', 'Keep WhatsApp open on the phone. It takes up to half a minute.'];
const PASSKEY_WORDS = {
  preparing: ['WhatsApp asks for a passkey', 'Its challenge is on the way.'],
  requested: ['WhatsApp waits for the passkey', 'The steps are below.'],
  sending: ['WhatsApp checks the answer…', 'This takes a few seconds.'],
  phone: ['The answer was taken', 'Look at the phone: it goes on there.'],
  confirm: ['One more look', 'Compare the code with the phone.'],
  finishing: ['The phone links this bridge…', 'Keep WhatsApp open on it.'],
};
const TOKEN = ['This bridge asks for its API token', 'It is in the file that the setting api_token_file names. If no token ' +
  'was set up, the bridge serves only the computer that it runs on: open this page there, or through a tunnel ' +
  '(ssh -L).'];
const BAD_TOKEN = ['That is not the API token', 'Copy all of it and nothing else. It is in the file that the setting ' +
  'api_token_file names.'];
const NO_ANSWER = ['The bridge does not answer', 'Is it running? Start it, or the tunnel (ssh -L) to it. This page looks ' +
  'again by itself.'];
const NOT_UNDERSTOOD = ['The bridge has trouble', 'It answers, but not with what this page knows. Load the page again; if ' +
  'that does not help, its log says more.'];
// What the page says when a button's call fails, by the API's error code.
const REFUSALS = {
  rate_limited: 'Too many codes were asked for. Wait some minutes, or scan the QR code.',
  refused: 'WhatsApp gives no code for this number now. Try again later, or scan the QR code.',
  not_connected: 'The connection to WhatsApp broke meanwhile. Try again in a moment.',
  conflict: 'That is not possible now. Look at what this page says, and try again in a moment.',
  bad_request: 'The bridge does not know the number. Start it with the setting phone.',
  unauthorized: 'The bridge wants its API token first.',
};
const PAIR_REFUSED = 'This is not possible now: the bridge is linked, is being unlinked, or its files hold links of ' +
  'other numbers too. Who set it up can give each number a folder of its own.';

const part = (id) => document.getElementById(id);
const show = (id, on) => { part(id).hidden = !on; };
// Writes only texts that change: a screen reader reads out everything that is written.
const say = (id, text) => { if (part(id).textContent !== text) part(id).textContent = text; };
let token = remembered();
let tokenWrong = false;
let qrText = '';
let qrUrl = '';
let snippet = '';
let codeWas = '';
let busy = false;
let statusWas = '';

// Can this be a token? A header takes no other characters, and neither does the setting.
function isToken(text) {
  return /^[\x21-\x7e]+$/.test(text);
}

function remembered() {
  let kept = '';
  try { kept = sessionStorage.getItem('token') || ''; } catch { /* then the page asks for the token */ }
  return isToken(kept) ? kept : '';
}
function remember() {
  try { sessionStorage.setItem('token', token); } catch { /* then a reload asks again */ }
}

function ask(method, path, body) {
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const signal = AbortSignal.timeout(method === 'GET' ? ASK_MS : ACT_MS);
  return fetch(path, { method, headers, body, cache: 'no-store', signal });
}

function problem(text) {
  say('problem', text);
  show('problem', Boolean(text));
}

function state([title, remedy, button]) {
  say('status', title);
  say('remedy', remedy);
  show('again', button === 'again');
  show('pair', button === 'pair');
  document.title = title + ' – WhatsApp bridge';
}

// ---- times --------------------------------------------------------------------------------------

function clock(unixSeconds) {
  const then = new Date(unixSeconds * 1000);
  const sameDay = then.toDateString() === new Date().toDateString();
  const time = { hour: '2-digit', minute: '2-digit' };
  return sameDay ? then.toLocaleTimeString([], time)
    : then.toLocaleString([], { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', ...time });
}

function span(seconds) {
  if (seconds < 90) return Math.max(1, Math.round(seconds)) + ' s';
  if (seconds < 5400) return Math.round(seconds / 60) + ' minutes';
  return seconds < 172800 ? Math.round(seconds / 3600) + ' hours' : Math.round(seconds / 86400) + ' days';
}

function times(health) {
  const now = Date.now() / 1000;
  const said = [];
  if (health.banned_until) said.push('The suspension ends: ' + clock(health.banned_until) + ', in ' +
    span(health.banned_until - now) + '.');
  if (health.restricted_until) said.push('WhatsApp has restricted this number until ' + clock(health.restricted_until) +
    ': before that only people who know it can be written to. WhatsApp on the phone says why; there is nothing to do ' +
    'but to wait.');
  if (health.next_attempt_in_s >= 0 && !health.banned_until) said.push('Next attempt in ' +
    span(health.next_attempt_in_s) + '.');
  if (health.status === 'ok' && health.connected_since) said.push('Connected since ' + clock(health.connected_since) + '.');
  say('times', said.join(' '));
  show('times', said.length > 0);
}

// ---- what is shown ------------------------------------------------------------------------------

async function showQr() {
  const answer = await ask('GET', '/api/qr');
  if (!answer.ok) {
    hideQr();
    say('qr-time', 'The next QR code is on its way.');
    return;
  }
  const qr = await answer.json();
  say('qr-time', 'Another one follows in ' + qr.expires_in + ' s, by itself.');
  if (qr.code === qrText) return;
  const picture = await ask('GET', '/api/qr.svg');
  if (!picture.ok) return;
  URL.revokeObjectURL(qrUrl);
  qrUrl = URL.createObjectURL(await picture.blob());
  qrText = qr.code;
  part('qr').src = qrUrl;
  show('qr', true);
}

function hideQr() {
  show('qr', false);
  qrText = '';
}

// Shows the code, whoever asked for it: this page (perhaps before a reload), another program, or --pair-code.
async function showCode() {
  const answer = await ask('GET', '/api/pair-code');
  const shown = answer.ok ? await answer.json() : null;
  show('code-line', Boolean(shown));
  if (shown) {
    say('code', shown.code);
    say('code-time', 'Good for one use, for another ' + span(shown.expires_in) + '.');
    codeWas = shown.code;
  } else if (codeWas) {
    say('qr-time', 'The code ' + codeWas + ' was used, or is too old. If the phone is not linked within a minute, ' +
      'ask for a new one.');
  }
}

function showPasskey(passkey) {
  const asked = passkey.state === 'requested';
  show('passkey', asked);
  show('confirm', passkey.state === 'confirm');
  if (asked && snippet !== passkey.snippet) {
    snippet = passkey.snippet;
    part('snippet').value = snippet;
    part('answer').value = '';
  }
  say('passkey-time', asked ? 'Time left: ' + passkey.expires_in + ' s.' : '');
  say('passkey-code', passkey.code || '');
}

// Hides what was shown, so that nobody uses it while it is unknown whether it still holds.
function nothing() {
  for (const id of ['scan', 'code-line', 'passkey', 'confirm', 'linked', 'times', 'phone-line']) show(id, false);
  hideQr();
  if (!busy) problem('');
}

function words(health, step) {
  if (step) return step;
  if (health.status === 'pairing') {
    return ['WAIT_PAIR_STORE', 'WAIT_PAIR_RESTART'].includes(health.state) ? LINKING
      : PAIRING[health.reason] || STATES.pairing;
  }
  if (health.reason === 'database_held') return REASONS.database_held;
  if (health.status === 'disconnected' || health.status === 'connecting') {
    return REASONS[health.reason] || STATES[health.status];
  }
  return STATES[health.status] || NOT_UNDERSTOOD;
}

async function look() {
  const answer = await ask('GET', '/health');
  show('token-form', answer.status === 401);
  if (answer.status === 401) {
    nothing();
    state(tokenWrong ? BAD_TOKEN : TOKEN);
    return;
  }
  const health = await answer.json();
  if (health.status === undefined) {
    nothing();
    state(NOT_UNDERSTOOD);
    return;
  }
  const passkey = await (await ask('GET', '/api/passkey')).json();
  const step = PASSKEY_WORDS[passkey.state];
  const linking = words(health, step) === LINKING;
  const pairing = health.status === 'pairing' && !step && !linking;
  say('phone', health.phone || '');
  show('phone-line', Boolean(health.phone));
  say('jid', health.phone || '');
  state(words(health, step));
  times(health);
  if (health.status !== statusWas) busy = false; // the answer to a button is out of date
  statusWas = health.status;
  if (!busy) problem(health.status !== 'ok' && passkey.problem ? sentence(passkey.problem) : '');
  show('scan', pairing);
  show('linked', health.status === 'ok');
  showPasskey(passkey);
  if (pairing) {
    await showQr();
    await showCode();
  } else {
    show('code-line', false);
    hideQr();
    if (health.status !== 'pairing') codeWas = '';
  }
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');

async function poll() {
  try {
    await look();
  } catch {
    nothing();
    state(NO_ANSWER);
    show('token-form', false);
  }
  setTimeout(poll, POLL_MS);
}

// ---- what a person asks for ---------------------------------------------------------------------

// Makes a call for a button. Its error stays on the page until the next call. The passkey's calls answer with a
// sentence for people; for the other calls the error code is put into words here.
async function act(button, path, body, refusals) {
  busy = true;
  button.disabled = true;
  problem('');
  try {
    const answer = await ask('POST', path, body);
    const said = await answer.json();
    if (answer.ok) busy = false;
    else problem(refusals ? refusals[said.error] || NOT_UNDERSTOOD.join('. ') : sentence(said.message));
  } catch {
    problem(NO_ANSWER.join('. '));
  } finally {
    button.disabled = false;
  }
}

function on(id, event, handler) {
  part(id).addEventListener(event, (what) => {
    what.preventDefault();
    handler(what);
  });
}

on('token-form', 'submit', () => {
  const typed = part('token').value.trim();
  tokenWrong = true; // so says the page if it has to ask once more
  if (!isToken(typed)) {
    state(BAD_TOKEN);
    return;
  }
  token = typed;
  remember();
});
on('new-code', 'click', () => act(part('new-code'), '/api/pair-code', '{}', REFUSALS));
on('pair', 'click', () => act(part('pair'), '/api/pair', undefined, { ...REFUSALS, conflict: PAIR_REFUSED }));
on('again', 'click', () => act(part('again'), '/api/reconnect', undefined, REFUSALS));
on('copy', 'click', async () => {
  part('snippet').select();
  if (navigator.clipboard) await navigator.clipboard.writeText(snippet);
});
on('answer-form', 'submit', (what) => {
  let credential;
  try {
    credential = JSON.parse(part('answer').value);
  } catch {
    busy = true;
    problem('This is not the answer that the console showed: it begins with { and ends with }.');
    return;
  }
  act(what.submitter || part('answer'), '/api/passkey/response',
    JSON.stringify({ credential, compare_code: part('compare').checked }));
});
on('same', 'click', () => act(part('same'), '/api/passkey/confirm',
  JSON.stringify({ code: part('passkey-code').textContent })));
on('other', 'click', () => act(part('other'), '/api/reconnect', undefined, REFUSALS));
poll();
