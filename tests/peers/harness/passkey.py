"""The account owner's browser and authenticator: makes a real WebAuthn assertion with P-256.

Plain integers: slow, small, and independent of the libraries that check it."""

import base64
import hashlib
import json
import secrets

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
ORIGIN = "https://web.whatsapp.com"
PRESENT, VERIFIED = 1, 4


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(n, point):
    total = None
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def der_int(value):
    data = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes([2, len(data)]) + data


class Authenticator:
    """One passkey of one person, and the browser in which it is used."""

    def __init__(self, user_handle=None):
        self.private = secrets.randbelow(N - 1) + 1
        x, y = times(self.private, BASE)
        self.public = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
        self.id = secrets.token_bytes(20)
        self.user_handle = user_handle

    def registration(self):
        """The credential that wa-mock registers."""
        return {"credential_id": b64(self.id), "public_key": b64(self.public)}

    def sign(self, message):
        digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
        k = secrets.randbelow(N - 1) + 1
        r = times(k, BASE)[0] % N
        s = pow(k, -1, N) * (digest + r * self.private) % N
        body = der_int(r) + der_int(s)
        return bytes([0x30, len(body)]) + body

    def get(self, options, origin=ORIGIN, challenge=None, rp_id=None, flags=PRESENT | VERIFIED,
            kind="webauthn.get", spoil=False):
        """navigator.credentials.get({publicKey: options}).toJSON(), or the answer of a browser that
        does something wrong."""
        client = json.dumps({"type": kind, "challenge": challenge or options["challenge"],
                             "origin": origin, "crossOrigin": False}).encode()
        data = hashlib.sha256((rp_id or options["rpId"]).encode()).digest() + bytes([flags, 0, 0, 0, 9])
        signature = self.sign(data + hashlib.sha256(client).digest() + (b"x" if spoil else b""))
        response = {"authenticatorData": b64(data), "clientDataJSON": b64(client),
                    "signature": b64(signature)}
        if self.user_handle is not None:
            response["userHandle"] = b64(self.user_handle)
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key",
                "authenticatorAttachment": "platform", "clientExtensionResults": {},
                "response": response}
