"""A CA of a test's own, and what it signs."""

from __future__ import annotations

import subprocess
from pathlib import Path

_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def make_ca(folder: Path, name: str = "ca") -> Path:
    """The file of its certificate; its key is beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = folder / f"{name}.pem"
    _openssl(
        *f"req -x509 {_KEY} -days 2 -subj /CN=test-{name}".split(),
        *("-keyout", str(folder / f"{name}.key"), "-out", str(certificate)),
    )
    return certificate


def sign(ca: Path, names: str) -> tuple[Path, Path]:
    """Certificate and key for `names`, as in `IP:127.0.0.1,DNS:pbx.test`."""
    certificate, key = ca.with_name("server.pem"), ca.with_name("server.key")
    _openssl(
        *f"req -x509 {_KEY} -days 2 -subj /CN=server".split(),
        *("-addext", f"subjectAltName={names}", "-addext", "basicConstraints=CA:FALSE"),
        *("-CA", str(ca), "-CAkey", str(ca.with_suffix(".key"))),
        *("-keyout", str(key), "-out", str(certificate)),
    )
    return certificate, key


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)
