'use strict';
// Leads a person through linking. Everything that comes from the bridge is shown as text, never as
// HTML. The token stays in this page's memory.

const POLL_MS = 1500;
const PASSKEY_WORDS = {
  preparing: 'WhatsApp asks for a passkey; its challenge is on the way.',
  requested: 'WhatsApp waits for the passkey.',
  sending: 'WhatsApp checks the answer…',
  phone: 'Taken. Look at the phone: it goes on there.',
  confirm: 'Compare the code with the phone.',
  finishing: 'The phone links this bridge…',
};
const part = (id) => document.getElementById(id);
const show = (id, on) => { part(id).hidden = !on; };
let token = '';
let qrText = '';
let qrUrl = '';
let snippet = '';
let codeShown = false;
let busy = false;

async function ask(method, path, body) {
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const answer = await fetch(path, { method, headers, body, cache: 'no-store' });
  if (answer.status === 401) show('token-form', true);
  return answer;
}

function problem(text) {
  part('problem').textContent = text;
  show('problem', Boolean(text));
}

async function showQr() {
  const answer = await ask('GET', '/api/qr');
  if (!answer.ok) {
    show('qr', false);
    part('qr-time').textContent = 'The next code is on the way.';
    return;
  }
  const qr = await answer.json();
  part('qr-time').textContent = 'Another one follows in ' + qr.expires_in + ' s.';
  if (qr.code === qrText) return;
  const picture = await ask('GET', '/api/qr.svg');
  if (!picture.ok) return;
  URL.revokeObjectURL(qrUrl);
  qrUrl = URL.createObjectURL(await picture.blob());
  qrText = qr.code;
  part('qr').src = qrUrl;
  show('qr', true);
}

async function showCode() {
  const answer = codeShown ? await ask('GET', '/api/pair-code') : null;
  codeShown = Boolean(answer && answer.ok);
  show('code-line', codeShown);
  if (codeShown) part('code').textContent = (await answer.json()).code;
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
  part('passkey-time').textContent = asked ? 'Time left: ' + passkey.expires_in + ' s.' : '';
  part('passkey-code').textContent = passkey.code || '';
}

async function look() {
  const health = await (await ask('GET', '/health')).json();
  if (health.status === undefined) {
    part('status').textContent = health.message || 'The bridge does not answer.';
    return;
  }
  show('token-form', false);
  const passkey = await (await ask('GET', '/api/passkey')).json();
  const step = PASSKEY_WORDS[passkey.state];
  const pairing = health.status === 'pairing' && !step;
  part('phone').textContent = health.phone || '';
  part('jid').textContent = health.jid || '';
  part('status').textContent = health.status === 'ok' ? '' : step || health.detail;
  if (!busy) problem(health.status === 'ok' ? '' : passkey.problem || '');
  show('scan', pairing);
  show('linked', health.status === 'ok');
  show('unlinked', health.status === 'logged_out');
  showPasskey(passkey);
  if (pairing) await Promise.all([showQr(), showCode()]);
}

async function poll() {
  try {
    await look();
  } catch (failure) {
    part('status').textContent = 'The bridge does not answer: ' + failure.message;
  }
  setTimeout(poll, POLL_MS);
}

// A call that the person asked for: what it answers stays on the page until the next one.
async function act(button, path, body) {
  busy = true;
  button.disabled = true;
  problem('');
  try {
    const answer = await ask('POST', path, body);
    const said = await answer.json();
    if (!answer.ok) problem(said.message);
    else busy = false;
    return answer.ok;
  } catch (failure) {
    problem('The bridge does not answer: ' + failure.message);
    return false;
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

on('token-form', 'submit', () => { token = part('token').value; });
on('new-code', 'click', async () => {
  codeShown = await act(part('new-code'), '/api/pair-code', '{}');
});
on('pair', 'click', () => act(part('pair'), '/api/pair'));
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
on('other', 'click', () => act(part('other'), '/api/reconnect'));
poll();
