"""TLS towards a PBX on another machine, of AMI and ARI alike."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PbxTls:
    """`ca_file`: PEM certificates of the authorities that sign the PBX's certificate; None: the
    machine's own.

    `verify` False: the connection is encrypted, and nobody looks at whose certificate it is.
    """

    ca_file: Path | None = None
    verify: bool = True


@lru_cache
def ssl_context(tls: PbxTls) -> ssl.SSLContext:
    """Raises OSError for a CA file that cannot be read. Made once: it reads hundreds of CAs."""
    context = ssl.create_default_context(cafile=tls.ca_file)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
