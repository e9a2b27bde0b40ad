"""A private root file system with Debian's Asterisk 22, made once from packages."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge.local_asterisk.errors import NoAsteriskError

BUILD_TIMEOUT_S = 600
"""It takes 20 s with a near mirror."""

NEWEST_SUITE = "sid"
"""Debian 12 and 13 have no Asterisk."""

_BUILDING = ".building-"


def default_root() -> Path:
    """Shared by all state folders of this user: the image holds nothing of an instance."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "uapi-bridge" / "asterisk-root"


def why_no_root() -> str | None:
    """Why this machine cannot make and use a private root; None if it can."""
    if os.geteuid() != 0:
        return "not root"
    needed = ("unshare", "nsenter", "chroot", "setpriv")
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} missing"
    if not {"debian", "ubuntu"} & set(_distribution()):
        return "neither Debian nor Ubuntu"
    return None


async def private_root(
    folder: Path, report: Callable[[str], None], *, suite: str = NEWEST_SUITE
) -> Path:
    """The root at `folder`, made now from that suite of Debian if it is not there.

    It appears under its name only when complete, and two builders wait for each other.
    """
    if not folder.is_dir():
        await asyncio.to_thread(_make, folder, report, suite)
    return folder


def _make(folder: Path, report: Callable[[str], None], suite: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(folder.name + ".lock"), report):
        if folder.is_dir():
            return
        for abandoned in folder.parent.glob(f"{folder.name}{_BUILDING}*"):
            _remove(abandoned)
        report("Making a private Asterisk from Debian packages, once (about 350 MB) ...")
        _install_builder(report)
        building = Path(tempfile.mkdtemp(prefix=folder.name + _BUILDING, dir=folder.parent))
        building.chmod(0o755)
        try:
            _run(
                # The mounts that the builder needs are gone with it, however it ends.
                *("unshare", "--mount", "--propagation", "private"),
                *("mmdebstrap", "--variant=essential", "--include=asterisk,ca-certificates"),
                # A stored copy of the archive has a Release file past its date.
                '--aptopt=Acquire::Check-Valid-Until "false"',
                "--quiet",
                *(suite, str(building)),
            )
            building.rename(folder)
        except BaseException:
            _remove(building)
            raise


def _install_builder(report: Callable[[str], None]) -> None:
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    if shutil.which("mmdebstrap") and keyring.exists():
        return
    report("Installing mmdebstrap and debian-archive-keyring ...")
    install = ("apt-get", "install", "--yes", "--no-install-recommends")
    packages = ("mmdebstrap", "debian-archive-keyring")
    try:
        _run(*install, *packages)
    except NoAsteriskError:  # the lists may be old or missing
        _run("apt-get", "update")
        _run(*install, *packages)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=BUILD_TIMEOUT_S,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired as error:
        raise NoAsteriskError(f"{command[0]} took more than {BUILD_TIMEOUT_S} s") from error
    if done.returncode != 0:
        last = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-15:])
        raise NoAsteriskError(f"`{' '.join(command)}` failed:\n{last}")


def _remove(folder: Path) -> None:
    """Remove a half-made root, but never through a mount into the machine's own files."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    if any(line.split()[4].startswith(f"{folder}/") for line in mounts):
        raise NoAsteriskError(f"{folder} has something mounted inside; unmount it and remove it")
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path, report: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Another process is making the private Asterisk; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _distribution() -> list[str]:
    """ID and ID_LIKE of this machine."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except FileNotFoundError:
        return []
    values = [line.partition("=")[2] for line in lines if line.startswith(("ID=", "ID_LIKE="))]
    return " ".join(values).replace('"', "").split()
