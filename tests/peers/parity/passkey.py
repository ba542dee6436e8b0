"""What a client sends in the passkey step of pairing, in a form in which two runs are equal: keys,
nonces, proofs and signatures become their sizes, ids and texts of the server become what they are."""

import json

from harness.passkey import unb64

from . import canonical, protobuf

PROLOGUE = {1: ("identity", {1: ("key", ("fixed", 32)), 2: ("deviceType", "int"), 3: ("ref", "str")}),
            2: ("commitment", {1: ("hash", ("fixed", 32))})}
REQUEST = {1: ("ciphertext", ("fixed", 118)), 2: ("iv", ("fixed", 12))}


def _json_form(value, name, credential):
    """Members in their order."""
    if isinstance(value, dict):
        return {key: _json_form(inner, key, credential) for key, inner in value.items()}
    if name in ("id", "rawId"):
        return "credential id" if unb64(value) == credential else "another id"
    if name == "signature" and isinstance(value, str):
        return "DER" if unb64(value)[0] == 0x30 else "not DER"
    if name in ("clientDataJSON", "authenticatorData") and isinstance(value, str):
        assert "=" not in value, value
        return "base64url of the authenticator's bytes"
    return value


def _content(node, credential, ref):
    if node.tag == "credential_id":
        return "credential id" if bytes.fromhex(node.text) == credential else "another id"
    if node.tag == "webauthn_assertion":
        form = json.loads(bytes.fromhex(node.text))
        return json.dumps(_json_form(form, "", credential))
    if node.tag == "prologue_payload":
        shown = json.dumps(protobuf.tree(bytes.fromhex(node.text), PROLOGUE))
        return shown.replace(ref, "server's ref") if ref else shown
    if node.tag == "encrypted_pairing_request":
        return json.dumps(protobuf.tree(bytes.fromhex(node.text), REQUEST))
    return f"{len(node.text) // 2} bytes" if node.text else ""


def _form(node, names, credential, ref):
    return {"tag": node.tag,
            "attrs": {key: names.get(value, "own id") if key == "id" else value
                      for key, value in sorted(node.attrs.items())},
            "content": _content(node, credential, ref),
            "children": [_form(child, names, credential, ref) for child in node.children]}


def sent(trace_path, credential):
    """[form] of what the client sent from the first demand to pair-success; keepalive pings, which are a
    matter of time, left out."""
    stanzas, _ = canonical.read_trace(trace_path)
    names, ref, forms, asked = {}, "", [], False
    for one in stanzas:
        node = one.node
        if not one.sent:
            asked = asked or node.attrs.get("type") == "passkey_prologue_request"
            if node.tag == "notification" and asked:
                names[node.attrs["id"]] = "id of " + node.attrs["type"]
            if node.child("ref") is not None:
                ref = bytes.fromhex(node.child("ref").text).decode()
            if node.child("pair-success") is not None:
                return forms
        elif node.tag == "ack" and node.attrs.get("id") not in names:
            continue  # of what came before
        elif asked and node.attrs.get("xmlns") != "w:p":
            forms.append(_form(node, names, credential, ref))
    raise AssertionError("no pair-success in " + trace_path)


def by_kind(forms):
    """Acks may leave before or after a request: each kind has its own order."""
    acks = [form for form in forms if form["tag"] == "ack"]
    return {"acks": acks, "requests": [form for form in forms if form["tag"] != "ack"]}
