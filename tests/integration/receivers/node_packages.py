"""Node.js and the packages of the lock beside this file, installed at the first use."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from bridge.testing.softphones.toolchain import ensure_programs

HERE = Path(__file__).parent
_BUILD = Path(__file__).parents[3] / "build" / "node"
_FILES = ("package.json", "package-lock.json")
_TIME_LIMIT_S = 90


def node_folder() -> Path:
    """A folder with `node_modules`. The lock has the hash of each package; none runs a script."""
    ensure_programs({"node": "nodejs", "npm": "npm"})
    locked = b"".join((HERE / x).read_bytes() for x in _FILES)
    folder = _BUILD / hashlib.sha256(locked).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "installed"
        if not done.exists():
            _install(folder)
            done.touch()
    return folder


def _install(folder: Path) -> None:
    for name in _FILES:
        shutil.copy(HERE / name, folder / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_TIME_LIMIT_S, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-2000:]}"
