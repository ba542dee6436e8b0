#!/usr/bin/env python3
"""Writes webauthn.txt: one assertion as a browser makes it, and each way in which one can be wrong, with
what wa-mock says of it. ECDSA is the plain integers of tests/peers/harness/passkey.py.

    python3 tests/vectors/gen_passkey.py        (in the project's folder; the output is committed)
"""
import copy
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "peers"))

from harness.passkey import PRESENT, VERIFIED, Authenticator, b64  # noqa: E402


def main():
    owner, stranger = Authenticator(b"owner"), Authenticator()
    challenge = bytes(range(32))
    options = {"challenge": b64(challenge), "rpId": "whatsapp.com"}
    good = owner.get(options)

    def changed(**fields):
        other = copy.deepcopy(good)
        other["response"].update(fields.pop("response", {}))
        other.update(fields)
        return other

    cases = [
        ("", good),
        ("not a JSON object", []),
        ("type is not public-key", changed(type="password")),
        ("another credential", stranger.get(options)),
        ("another credential", changed(id=b64(stranger.id))),
        ("another credential", changed(rawId=good["rawId"] + "=")),
        ("clientDataJSON, authenticatorData or signature is missing", changed(response={"signature": 1})),
        ("clientDataJSON is not a JSON object", changed(response={"clientDataJSON": b64(b"[]")})),
        ("type is not webauthn.get", owner.get(options, kind="webauthn.create")),
        ("another challenge", owner.get(options, challenge=b64(bytes(32)))),
        ("another origin", owner.get(options, origin="https://notwhatsapp.com")),
        ("authenticatorData is too short", changed(response={"authenticatorData": b64(bytes(36))})),
        ("another relying party", owner.get(options, rp_id="web.whatsapp.com")),
        ("nobody was present", owner.get(options, flags=VERIFIED)),
        ("the user was not verified", owner.get(options, flags=PRESENT)),
        ("the signature does not verify", owner.get(options, spoil=True)),
    ]
    with open(HERE / "webauthn.txt", "w", encoding="ascii") as file:
        file.write("# WebAuthn assertions, made by gen_passkey.py.\n")
        for problem, credential in cases:
            file.write(f'\nproblem = "{problem}"\nchallenge = {challenge.hex()}\n'
                       f"credential_id = {owner.id.hex()}\npublic_key = {owner.public.hex()}\n"
                       f"credential = {json.dumps(credential).encode().hex()}\n")


if __name__ == "__main__":
    main()
