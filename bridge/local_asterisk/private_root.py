"""A private root file system with Debian's Asterisk 22, made once from packages.

The version is pinned in asterisk-conf/asterisk-package; `make pin` renews it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from bridge.local_asterisk.build_commands import BuildCommands, BuildStopped
from bridge.local_asterisk.errors import NoAsteriskError

NEWEST_SUITE = "sid"
"""Debian 12 and 13 have no Asterisk."""

NEWEST = "newest"
"""Of BRIDGE_ASTERISK_PACKAGE: the version that the mirror has."""

_BUILDING = ".building-"
_OS_RELEASE = Path("/etc/os-release")
_MOUNTS = Path("/proc/self/mountinfo")


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


@dataclass(frozen=True, slots=True)
class RootSource:
    """The sources of a private root.

    `version`: of Debian's package asterisk, exactly; empty: what the mirror has. `stale_mirror`:
    package lists past their date count; without, an old list cannot be passed off as the present
    one.
    """

    suite: str = NEWEST_SUITE
    version: str = ""
    stale_mirror: bool = False


def root_source(package: str, pin: Path, *, stale_mirror: bool) -> RootSource:
    """`package` is BRIDGE_ASTERISK_PACKAGE; if it is empty, the file `pin` gives the version."""
    version = package or pin.read_text().strip()
    return RootSource(version="" if version == NEWEST else version, stale_mirror=stale_mirror)


async def private_root(
    folder: Path,
    report: Callable[[str], None],
    source: RootSource,
    step: Callable[[str], None] = lambda _: None,
) -> Path:
    """A root with the wanted version: at `folder`, or beside it if that has another one.

    It is made now if it is not there, and appears under its name only when complete; two builders
    wait for each other. One with another version may be in use, and is left. Cancelled, it ends
    what it has begun. `step` is told each step of the builder, and an empty text at its end.
    Raises NoAsteriskError.
    """
    if folder.is_dir() and source.version not in ("", version_in(folder)):
        report(f"{folder} holds another version of Asterisk than {source.version}.")
        folder = folder.with_name(f"{folder.name}-{source.version}")
    if not folder.is_dir():
        await _made(folder, report, source, step)
    return folder


async def newest_root(
    folder: Path,
    report: Callable[[str], None],
    source: RootSource,
    step: Callable[[str], None] = lambda _: None,
) -> Path:
    """A root with the version that the mirror has now, named `<folder>-<version>`.

    Raises as `private_root`.
    """
    new = folder.with_name(f"{folder.name}-newest")
    if new.is_dir():  # of a run that was ended between the two steps
        _remove(new)
    await _made(new, report, replace(source, version=""), step)
    named = folder.with_name(f"{folder.name}-{version_in(new)}")
    if named.is_dir() or version_in(folder) == version_in(new):
        present = named if named.is_dir() else folder
        _remove(new)
        return present
    return new.rename(named)


def remove_unused_roots(folder: Path, keep: Container[Path]) -> tuple[list[Path], list[Path]]:
    """Remove the roots beside `folder` but those to keep; returns those removed, and those in use.

    A root is in use while a process has one of its folders mounted. Raises NoAsteriskError.
    """
    removed, used = [], []
    for root in sorted(folder.parent.glob(f"{folder.name}*")):
        if not root.is_dir() or _BUILDING in root.name or root in keep:
            continue
        if _is_in_use(root):
            used.append(root)
        else:
            _remove(root)
            removed.append(root)
    return removed, used


async def _made(
    folder: Path, report: Callable[[str], None], source: RootSource, step: Callable[[str], None]
) -> None:
    commands = BuildCommands(step)
    try:
        await asyncio.to_thread(_make, folder, report, source, commands)
    except asyncio.CancelledError:
        commands.stop()
        raise


def version_in(root: Path) -> str:
    """The version of its package asterisk; empty if there is none."""
    try:
        status = (root / "var/lib/dpkg/status").read_text(errors="replace")
    except OSError:
        return ""
    found = re.search(r"^Package: asterisk\n(?:.+\n)*?Version: (.+)$", status, re.MULTILINE)
    return found[1] if found else ""


def _make(
    folder: Path, report: Callable[[str], None], source: RootSource, commands: BuildCommands
) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(folder.name + ".lock"), report, commands):
        if folder.is_dir():
            return
        for abandoned in folder.parent.glob(f"{folder.name}{_BUILDING}*"):
            _remove(abandoned)
        report("Making a private Asterisk from Debian packages, once (about 350 MB) ...")
        install_builder(report, commands)
        building = Path(tempfile.mkdtemp(prefix=folder.name + _BUILDING, dir=folder.parent))
        building.chmod(0o755)
        asterisk = f"asterisk={source.version}" if source.version else "asterisk"
        aged = ['--aptopt=Acquire::Check-Valid-Until "false"'] if source.stale_mirror else []
        try:
            commands.run(
                # The mounts that the builder needs are gone with it, however it ends.
                *("unshare", "--mount", "--propagation", "private"),
                *("mmdebstrap", "--variant=essential", f"--include={asterisk},ca-certificates"),
                *aged,
                *(source.suite, str(building)),
            )
            building.rename(folder)
        except BuildStopped:
            _remove(building)
            raise
        except NoAsteriskError as why:
            _remove(building)
            raise NoAsteriskError(f"{why}{_hint(str(why), source)}") from None
        except BaseException:
            _remove(building)
            raise


def _hint(failure: str, source: RootSource) -> str:
    if "expired" in failure:
        return (
            "\nThe mirror's package lists are past their date. If it is a stored copy that you "
            "trust: BRIDGE_STALE_MIRROR=true"
        )
    if source.version and f"'{source.version}'" in failure:
        return (
            f"\nThe mirror does not have the version {source.version}, with which this release is "
            "tested. BRIDGE_ASTERISK_PACKAGE=newest takes the one that it has."
        )
    return ""


def install_builder(report: Callable[[str], None], commands: BuildCommands) -> None:
    """Install mmdebstrap and the keys of Debian's archive, if this machine lacks them."""
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    if shutil.which("mmdebstrap") and keyring.exists():
        return
    report("Installing mmdebstrap and debian-archive-keyring ...")
    install = ("apt-get", "install", "--yes", "--no-install-recommends")
    packages = ("mmdebstrap", "debian-archive-keyring")
    try:
        commands.run(*install, *packages)
    except NoAsteriskError:  # the lists may be old or missing
        commands.check()
        commands.run("apt-get", "update")
        commands.run(*install, *packages)


def _is_in_use(root: Path) -> bool:
    """Whether any process has it mounted; each has mounts of its own."""
    parts = f"/{root.parent.name}/{root.name}/"
    for mounts in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):  # the process has ended
            if any(parts in f"{x.split()[3]}/" for x in mounts.read_text().splitlines()):
                return True
    return False


def _remove(folder: Path) -> None:
    """Remove a half-made root, but never through a mount into the machine's own files."""
    mounts = _MOUNTS.read_text().splitlines()
    if any(line.split()[4].startswith(f"{folder}/") for line in mounts):
        raise NoAsteriskError(f"{folder} has something mounted inside; unmount it and remove it")
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path, report: Callable[[str], None], commands: BuildCommands) -> Iterator[None]:
    with path.open("w") as lock:
        if not _lock(lock):
            report("Another process is making the private Asterisk; waiting for it ...")
            while not _lock(lock):
                commands.wait()
        yield


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _distribution() -> list[str]:
    """ID and ID_LIKE of this machine."""
    try:
        lines = _OS_RELEASE.read_text().splitlines()
    except FileNotFoundError:
        return []
    values = [line.partition("=")[2] for line in lines if line.startswith(("ID=", "ID_LIKE="))]
    return " ".join(values).replace('"', "").split()
