(async () => {
  const options = @OPTIONS@;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const allowed = (options.allowCredentials || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const made = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: allowed },
  });
  const { clientDataJSON, authenticatorData, signature, userHandle } = made.response;
  const answer = JSON.stringify({
    id: made.id, rawId: base64url(made.rawId), type: made.type,
    response: {
      clientDataJSON: base64url(clientDataJSON), authenticatorData: base64url(authenticatorData),
      signature: base64url(signature), userHandle: userHandle ? base64url(userHandle) : null,
    },
  });
  console.log(answer);
  const box = document.createElement('textarea');
  box.value = answer;
  box.readOnly = true;
  Object.assign(box.style, { position: 'fixed', inset: '10%', zIndex: '2147483647', color: '#000', background: '#fff' });
  document.body.append(box);
  box.focus();
  box.select();
})().catch((problem) => alert('No passkey answer: ' + problem));
