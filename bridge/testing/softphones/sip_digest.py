"""The credentials that a SIP server asks for (RFC 2617 with MD5, `qop=auth`)."""

from __future__ import annotations

import hashlib
import re
import secrets

from .sip_message import SipMessage


def credentials(user: str, secret: str, method: str, uri: str, challenge: SipMessage) -> str:
    """The header line that answers a 401 or 407."""
    asked = challenge.header("www-authenticate") or challenge.header("proxy-authenticate")
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', asked))
    count, mine = "00000001", secrets.token_hex(6)
    of_user = _md5(f"{user}:{given['realm']}:{secret}")
    proof = _md5(f"{of_user}:{given['nonce']}:{count}:{mine}:auth:{_md5(f'{method}:{uri}')}")
    opaque = f', opaque="{given["opaque"]}"' if "opaque" in given else ""
    proxy = "" if challenge.header("www-authenticate") else "Proxy-"
    return (
        f'{proxy}Authorization: Digest username="{user}", realm="{given["realm"]}", '
        f'nonce="{given["nonce"]}", uri="{uri}", response="{proof}", algorithm=MD5, '
        f'qop=auth, nc={count}, cnonce="{mine}"{opaque}\r\n'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - what SIP digest is made of
