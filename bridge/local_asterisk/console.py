"""The console of an Asterisk that another process has started: `uapi-bridge console`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bridge.local_asterisk.docker_engine import (
    ASTERISK_SERVICE,
    PUBLIC_NETWORK_SERVICE,
    project_of,
)
from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.local_asterisk.local_asterisk import PBX_FOLDER, PUBLIC_NETWORK_FOLDER


def console_command(state_dir: Path, command: str, *, public_network: bool = False) -> list[str]:
    """The command line that has the Asterisk of this state folder do `command`.

    Raises LocalAsteriskError where none runs.
    """
    folder = state_dir / (PUBLIC_NETWORK_FOLDER if public_network else PBX_FOLDER)
    config = folder.absolute() / "conf" / "asterisk.conf"
    try:
        process = Path("/proc", str(int((folder / "pid").read_text())))
        if os.fsencode(config) not in (process / "cmdline").read_bytes().split(b"\0"):
            raise FileNotFoundError
        binary, own_root = (process / "exe").readlink(), (process / "root").readlink() != Path("/")
    except (OSError, ValueError):
        service = PUBLIC_NETWORK_SERVICE if public_network else ASTERISK_SERVICE
        container = _container(project_of(state_dir), service)
        if container:
            return ["docker", "exec", container, "asterisk", "-rx", command]
        raise LocalAsteriskError(
            f"no Asterisk runs with the state folder {state_dir}, or not for this user; of one "
            "that `docker compose up` has started: docker compose exec asterisk asterisk -rx …"
        ) from None
    arguments = ["-C", str(config), "-rx", command]
    if own_root:
        inside = ("--mount", "--root", "--wd")  # our folder is not there
        return ["nsenter", f"--target={process.name}", *inside, "asterisk", *arguments]
    return [str(binary), *arguments]


def _container(project: str, service: str) -> str:
    """The id of the running container of that service; empty if there is none."""
    if shutil.which("docker") is None:
        return ""
    label = "label=com.docker.compose"
    asked = subprocess.run(
        [
            *("docker", "ps", "--quiet"),
            *("--filter", f"{label}.project={project}"),
            *("--filter", f"{label}.service={service}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.split("\n")[0].strip()
