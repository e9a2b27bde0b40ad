"""The console of an Asterisk that another process has started: `uapi-bridge console`."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.local_asterisk.local import PBX_FOLDER, PUBLIC_NETWORK_FOLDER


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
        raise LocalAsteriskError(
            f"no Asterisk runs with the state folder {state_dir}, or not for this user; of one in "
            "a container: docker compose exec"
        ) from None
    arguments = ["-C", str(config), "-rx", command]
    if own_root:
        return ["nsenter", f"--target={process.name}", "--mount", "--root", "asterisk", *arguments]
    return [str(binary), *arguments]
