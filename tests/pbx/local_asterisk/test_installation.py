"""An Asterisk of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.local_asterisk.installation import Installation, installation_on_path
from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.lab.asterisk_ports import free_asterisk_ports

from .conftest import SECRETS
from .test_life import processes_below


async def test_an_asterisk_on_path_runs_without_chroot(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one of the private root, run through its own loader, as one installed here."""
    root = installation.root
    assert root is not None, "run the tests as root, so that there is a private root"
    loader = next((root / "usr").glob("lib*/ld-linux-*.so*"), None)
    libraries = root / "usr" / installation.modules_dir.parents[1].relative_to("/usr")
    assert loader is not None, "the loader of this architecture has another name"
    prefix = tmp_path / "usr"
    (prefix / "sbin").mkdir(parents=True)
    (prefix / "lib").symlink_to(root / "usr/lib")
    (prefix / "share").symlink_to(root / "usr/share")
    binary = prefix / "sbin/asterisk"
    binary.write_text(
        f'#!/bin/sh\nexec {loader} --library-path {libraries} {root}/usr/sbin/asterisk "$@"\n'
    )
    binary.chmod(0o755)
    # One that this user cannot read, as Debian's is for anybody but root.
    (prefix / "etc/asterisk/asterisk.conf").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{binary.parent}:{os.environ['PATH']}")

    found = await installation_on_path()
    assert (found.binary, found.root) == (str(binary), None)
    assert found.version == installation.version
    asterisk = LocalAsterisk(
        installation=found, state_dir=tmp_path / "s", ports=free_asterisk_ports(), secrets=SECRETS
    )
    await asterisk.start()
    assert "0 active channels" in await asterisk.pbx.console("core show channels")
    await asterisk.stop()
    assert processes_below(tmp_path) == []
