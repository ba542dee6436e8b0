#!/usr/bin/env python3
"""Writes noise_whatsapp.txt, pairing.txt, passkey.txt and xeddsa_sign.txt: a second implementation, simple and
slow, of what crypto/ does, from the descriptions in docs/protocol/. Curve25519 and XEdDSA are plain
integers here; AES comes from the `cryptography` package.

    python3 tests/vectors/gen_crypto.py        (in the project's folder; the output is committed)
"""
import hashlib
import hmac
import pathlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = pathlib.Path(__file__).parent
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493


def seq(label, n=32):
    """Reproducible 'random' bytes that cannot be mistaken for another label's."""
    out = b""
    while len(out) < n:
        out += hashlib.sha256(f"{label}/{len(out)}".encode()).digest()
    return out[:n]


# ---- X25519 (RFC 7748, section 5), affine-free Montgomery ladder ----

def clamp(k):
    k = bytearray(k)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    return bytes(k)


def x25519(k, u):
    k = int.from_bytes(clamp(k), "little")
    x1 = int.from_bytes(u, "little") % 2**255 % P
    x2, z2, x3, z3 = 1, 0, x1, 1
    for t in reversed(range(255)):
        bit = k >> t & 1
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a, c * b
        x3, z3 = pow(da + cb, 2, P), x1 * pow(da - cb, 2, P) % P
        aa, bb = a * a % P, b * b % P
        x2, z2 = aa * bb % P, (aa - bb) * (aa + 121665 * (aa - bb)) % P
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


class Pair:
    def __init__(self, label):
        self.priv = clamp(seq(label))
        self.pub = x25519(self.priv, (9).to_bytes(32, "little"))

    def dh(self, pub):
        return x25519(self.priv, pub)


# ---- XEdDSA as Signal first shipped it ----

D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202


def add(p, q):
    k = D * p[0] * q[0] * p[1] * q[1] % P
    return ((p[0] * q[1] + p[1] * q[0]) * pow(1 + k, P - 2, P) % P,
            (p[1] * q[1] + p[0] * q[0]) * pow(1 - k, P - 2, P) % P)


def times(n, p):
    r = (0, 1)
    while n:
        if n & 1:
            r = add(r, p)
        p = add(p, p)
        n >>= 1
    return r


def encode(p):
    return (p[1] | (p[0] & 1) << 255).to_bytes(32, "little")


def h512(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def xeddsa_sign(priv, message, random):
    a = int.from_bytes(priv, "little")
    A = encode(times(a, (BASE_X, BASE_Y)))
    r = h512(b"\xfe" + b"\xff" * 31, priv, message, random)
    R = encode(times(r, (BASE_X, BASE_Y)))
    s = (r + h512(R, A, message) * a) % L
    sig = bytearray(R + s.to_bytes(32, "little"))
    sig[63] |= A[31] & 0x80
    return bytes(sig)


# ---- HKDF, Noise ----

def hkdf(ikm, salt, info, n):
    prk = hmac.new(salt or bytes(32), ikm, "sha256").digest()
    out = t = b""
    while len(out) < n:
        t = hmac.new(prk, t + info + bytes([len(out) // 32 + 1]), "sha256").digest()
        out += t
    return out[:n]


def gcm(key, counter, text, ad):
    return AESGCM(key).encrypt(bytes(8) + counter.to_bytes(4, "big"), text, ad)


class Noise:
    def __init__(self, prologue):
        self.ck = b"Noise_XX_25519_AESGCM_SHA256" + bytes(4)
        self.h = hashlib.sha256(self.ck + prologue).digest()

    def mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def mix_key(self, secret):
        okm = hkdf(secret, self.ck, b"", 64)
        self.ck, self.key, self.n = okm[:32], okm[32:], 0

    def seal(self, text):
        out = gcm(self.key, self.n, text, self.h)
        self.n += 1
        self.mix_hash(out)
        return out


def record(f, **fields):
    f.write("\n")
    for name, value in fields.items():
        f.write(f"{name} = {value.hex() if isinstance(value, bytes) else value}\n")


def noise_vectors(f):
    f.write("# WhatsApp's Noise XX handshakes and three transport frames each way, made by gen_crypto.py.\n")
    for case, payload2, payload3 in [(1, b"certificate chain", b"client payload"),
                                     (2, b"", b""), (3, seq("chain", 700), seq("payload", 900))]:
        ci, si = Pair(f"noise client {case}"), Pair(f"noise server {case}")
        ce, se = Pair(f"client ephemeral {case}"), Pair(f"server ephemeral {case}")
        n = Noise(b"WA\x06\x03")
        h0 = n.h
        n.mix_hash(ce.pub)
        n.mix_hash(se.pub)
        n.mix_key(ce.dh(se.pub))
        static2 = n.seal(si.pub)
        n.mix_key(ce.dh(si.pub))
        sealed2 = n.seal(payload2)
        static3 = n.seal(ci.pub)
        n.mix_key(ci.dh(se.pub))
        sealed3 = n.seal(payload3)
        keys = hkdf(b"", n.ck, b"", 64)
        frames = {}
        for i in range(3):
            frames[f"client_frame_{i}"] = gcm(keys[:32], i, f"from client {i}".encode(), b"")
            frames[f"server_frame_{i}"] = gcm(keys[32:], i, f"from server {i}".encode(), b"")
        record(f, client_static=ci.priv, server_static=si.priv, client_ephemeral=ce.priv,
               server_ephemeral=se.priv, hash_after_prologue=h0, e_1=ce.pub, e_2=se.pub,
               static_2=static2, payload_2=payload2, sealed_2=sealed2, static_3=static3,
               payload_3=payload3, sealed_3=sealed3, handshake_hash=n.h, **frames)


def sign_vectors(f):
    f.write("# XEdDSA signatures with given random bytes, made by gen_crypto.py.\n")
    for case, n in enumerate([0, 1, 33, 64, 200, 1000]):
        pair, message, random = Pair(f"signer {case}"), seq(f"message {case}", n), seq(f"z {case}", 64)
        record(f, private=pair.priv, public=pair.pub, message=message, random=random,
               signature=xeddsa_sign(pair.priv, message, random))


def link_key(code, salt):
    return hashlib.pbkdf2_hmac("sha256", code.encode(), salt, 131072, 32)


def pairing_vectors(f):
    f.write("# Pairing: ADV signatures and one link code exchange, made by gen_crypto.py.\n")
    account, identity = Pair("account"), Pair("companion identity")
    secret, details = seq("adv secret"), seq("adv details", 19)
    z = seq("adv z", 64)
    for hosted in (0, 1):
        front = b"\x06\x05" if hosted else b"\x06\x00"
        mac = hmac.new(secret, (front if hosted else b"") + details, "sha256").digest()
        record(f, kind='"adv"', hosted=f"%{hosted}", adv_secret=secret, details=details, random=z,
               hmac=mac, account_private=account.priv, identity_private=identity.priv,
               account_signature=xeddsa_sign(account.priv, front + details + identity.pub, z),
               device_signature=xeddsa_sign(identity.priv, b"\x06\x01" + details + identity.pub +
                                            account.pub, z))

    for raw, text in [(b"\xde\xad\xbe\xef\x01", "VTPVXVR2"), (bytes(5), "11111111"),
                      (b"\xff" * 5, "ZZZZZZZZ")]:
        record(f, kind='"code"', random=raw, text=f'"{text}"')

    eph, phone_eph, phone = Pair("companion ephemeral"), Pair("phone ephemeral"), account
    code, salt, iv = "ABCD2345", seq("salt"), seq("iv", 16)
    ctr = Cipher(algorithms.AES(link_key(code, salt)), modes.CTR(iv)).encryptor()
    wrapped = salt + iv + ctr.update(eph.pub)
    r, bundle_salt, nonce = seq("bundle random"), seq("bundle salt"), seq("bundle nonce", 12)
    s1, s2 = eph.dh(phone_eph.pub), identity.dh(phone.pub)
    key = hkdf(s1, bundle_salt, b"link_code_pairing_key_bundle_encryption_key", 32)
    bundle = bundle_salt + nonce + AESGCM(key).encrypt(nonce, identity.pub + phone.pub + r, None)
    record(f, kind='"link"', code=f'"{code}"', wrap_random=salt + iv, wrapped_key=wrapped,
           ephemeral_private=eph.priv, identity_private=identity.priv,
           phone_ephemeral_private=phone_eph.priv, phone_identity_private=phone.priv,
           finish_random=r + bundle_salt + nonce, bundle=bundle,
           adv_secret=hkdf(s1 + s2 + r, b"", b"adv_secret", 32))


def pb(number, value):
    """A length-delimited field shorter than 128 bytes, or a small number."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def code_text(bits):
    n = int.from_bytes(bits, "big")
    return "".join("123456789ABCDEFGHJKLMNPQRSTVWXYZ"[n >> 35 - 5 * i & 31] for i in range(8))


def passkey_vectors(f):
    f.write("# The passkey step of pairing, made by gen_crypto.py.\n")
    for case, (device_type, ref) in enumerate([(0, "2@abcDEF"), (7, "r" * 50)]):
        own, phone = Pair(f"passkey companion {case}"), Pair(f"passkey phone {case}")
        secret, nonce = seq(f"passkey adv {case}"), seq(f"passkey nonce {case}")
        phone_nonce, new_secret = seq(f"passkey phone nonce {case}"), seq(f"passkey new adv {case}")
        noise, identity_key = seq(f"passkey noise {case}"), seq(f"passkey identity {case}")
        iv = seq(f"passkey iv {case}", 12)
        identity = pb(1, own.pub) + pb(2, device_type) + pb(3, ref.encode())
        commitment = hashlib.sha256(identity + nonce).digest()
        prologue = pb(1, identity) + pb(2, pb(1, commitment))
        handoff = hkdf(secret, b"", b"shortcake-passkey-handoff-v1", 32)
        digest = hashlib.sha256(nonce + phone.pub).digest()
        key = hkdf(own.dh(phone.pub), f"Companion Pairing {device_type} with ref {ref}".encode(),
                   b"Pairing Information Encryption Key", 32)
        request = pb(1, noise) + pb(2, identity_key) + pb(3, new_secret)
        sealed = AESGCM(key).encrypt(iv, request, None)
        record(f, device_type=f"%{device_type}", ref=f'"{ref}"', own_private=own.priv,
               phone_private=phone.priv, adv_secret=secret, nonce=nonce, phone_nonce=phone_nonce,
               identity=identity, commitment=commitment, prologue=prologue, handoff_key=handoff,
               proof=hmac.new(handoff, prologue, "sha256").digest(), request_key=key,
               code=f'"{code_text(bytes(a ^ b for a, b in zip(phone_nonce, digest[:5])))}"',
               phone_identity=pb(1, phone.pub) + pb(2, phone_nonce), noise=noise,
               identity_key=identity_key, new_secret=new_secret, iv=iv, request=request,
               sealed=pb(1, sealed) + pb(2, iv))


def main():
    for name, write in [("noise_whatsapp.txt", noise_vectors), ("xeddsa_sign.txt", sign_vectors),
                        ("pairing.txt", pairing_vectors), ("passkey.txt", passkey_vectors)]:
        with open(HERE / name, "w") as f:
            write(f)


if __name__ == "__main__":
    main()
