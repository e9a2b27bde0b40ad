"""Passwords of people as hashes that are slow to guess (scrypt, RFC 7914).

Written as `$scrypt$ln=14,r=8,p=5$<salt>$<key>`, as PHC strings are. All have the same cost, so
that the time of a check tells nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata

MIN_CHARS = 8
MAX_CHARS = 256
_LN, _R, _P = 14, 8, 5  # 16 MiB; one of the costs that OWASP names as equal
_SALT_BYTES, _KEY_BYTES = 16, 32
_HEAD = f"$scrypt$ln={_LN},r={_R},p={_P}$"
_HASH = re.compile(re.escape(_HEAD) + r"([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})")


def hash_of(password: str) -> str:
    """The hash of a new password, with a salt of its own. Raises ValueError for its length."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise ValueError(f"the password must have {MIN_CHARS} to {MAX_CHARS} characters")
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"{_HEAD}{_text(salt)}${_text(_key(password, salt))}"


def fits(password: str, stored: str | None) -> bool:
    """Whether it is the password of `stored`: a hash, or a generated password as it is.

    It takes as long for each, and for None, which nothing fits: one hash is made.
    """
    hashed = _HASH.fullmatch(stored or "")
    salt = _bytes(hashed[1]) if hashed else bytes(_SALT_BYTES)
    made = _key(password, salt)
    expected = _bytes(hashed[2]) if hashed else _key_of_generated(stored or "")
    if not hashed:
        made = _key_of_generated(password)
    return hmac.compare_digest(made, expected) and bool(stored) and len(password) <= MAX_CHARS


def _key(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(_encoded(password), salt=salt, n=2**_LN, r=_R, p=_P, dklen=_KEY_BYTES)


def _key_of_generated(password: str) -> bytes:
    """It has 192 random bits, so that nobody can turn back a plain hash by guessing."""
    return hashlib.sha256(_encoded(password)).digest()


def _encoded(password: str) -> bytes:
    """Keyboards spell an accented letter in one or in two characters; both are the same here."""
    return unicodedata.normalize("NFC", password[:MAX_CHARS]).encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))
