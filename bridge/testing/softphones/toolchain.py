"""The programs that the phones are made of: baresip, SIPp and sox."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PACKAGES = {"baresip": "baresip-core", "sipp": "sip-tester", "sox": "sox"}
"""Debian and Ubuntu package that brings each program."""

_APT_TIMEOUT_S = 600
_APT_LOCK_WAIT_S = 300


class PhoneToolsMissingError(RuntimeError):
    """A program is absent and cannot be installed; the message names the packages."""


def ensure_phone_tools() -> None:
    """Make sure that baresip, sipp and sox can be run; as ensure_programs."""
    ensure_programs(PACKAGES)


def ensure_programs(packages: Mapping[str, str]) -> None:
    """Make sure that these programs can be run; each with the package that brings it.

    Installs what is missing when running as root on a system with apt-get (Debian, Ubuntu);
    safe to call from several processes at once. Raises PhoneToolsMissingError otherwise.
    """
    if not _missing(packages):
        return
    with installing():
        missing = _missing(packages)  # another process may have installed them meanwhile
        if missing:
            install(missing)


@contextmanager
def installing() -> Iterator[None]:
    """One test process at a time: apt-get does not wait for the lock of its package lists."""
    lock_path = Path(tempfile.gettempdir()) / f"phone-tools-{os.getuid()}.lock"
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _missing(packages: Mapping[str, str]) -> dict[str, str]:
    return {name: package for name, package in packages.items() if not shutil.which(name)}


def install(programs: dict[str, str]) -> None:
    packages = programs.values()
    advice = f"{', '.join(programs)} not found: apt-get install {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise PhoneToolsMissingError(f"{advice} (as root on Debian or Ubuntu)")
    apt = ["apt-get", "-q", "-y", "-o", f"DPkg::Lock::Timeout={_APT_LOCK_WAIT_S}"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--no-install-recommends", *packages]):
        try:
            done = subprocess.run(
                [*apt, *step],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_APT_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise PhoneToolsMissingError(
                f"{advice}; apt-get {step[0]} took more than {_APT_TIMEOUT_S} s"
            ) from None
        if done.returncode != 0 and step[0] == "install":
            output = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
            raise PhoneToolsMissingError(f"{advice}; doing so here failed:\n{output}")
    if _missing(programs):
        raise PhoneToolsMissingError(f"{advice}; the packages are installed but not on PATH")


@cache
def baresip_module_folder() -> Path:
    """The folder in which the distribution keeps baresip's modules.

    Raises PhoneToolsMissingError if none of the usual places has them.
    """
    program = shutil.which("baresip")
    prefix = Path(program).resolve().parent.parent if program else Path("/usr")
    candidates = [
        prefix / "lib" / "baresip" / "modules",
        *sorted(prefix.glob("lib/*/baresip/modules")),
        prefix / "lib64" / "baresip" / "modules",
    ]
    for folder in candidates:
        if (folder / "ctrl_tcp.so").is_file():
            return folder
    raise PhoneToolsMissingError(
        f"baresip's modules (ctrl_tcp.so) are not in {', '.join(map(str, candidates))}"
    )
