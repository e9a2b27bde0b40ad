"""`make pin`: the versions that the mirror and the registry have now become the pinned ones.

Of Asterisk the exact version of its package, of the base images their digests. Then run the tests,
look at the changes, and commit them. Where no registry answers, the images stay as they are.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from bridge.config.settings import Settings
from bridge.local_asterisk.errors import NoAsteriskError
from bridge.local_asterisk.local_asterisk import CONFIGURATION, PIN
from bridge.local_asterisk.private_root import RootSource, private_root, version_in
from tests.containers.command import CommandFailedError, run
from tests.containers.compose_system import DOCKERFILES

from .dockerfile import base_images_of, with_pinned

_PULL_TIMEOUT_S = 300.0


async def _newest_asterisk() -> str:
    with tempfile.TemporaryDirectory(prefix="pin-") as folder:
        source = RootSource(stale_mirror=Settings().stale_mirror)
        return version_in(await private_root(Path(folder) / "root", print, source))


def _digest(image: str) -> str:
    """Raises CommandFailedError."""
    run("docker", "pull", "--quiet", image, timeout_s=_PULL_TIMEOUT_S)
    named = "{{index .RepoDigests 0}}"
    said = run("docker", "image", "inspect", "--format", named, image, timeout_s=_PULL_TIMEOUT_S)
    return said.strip().partition("@")[2]


def main() -> int:
    try:
        version = asyncio.run(_newest_asterisk())
    except NoAsteriskError as why:
        print(f"Asterisk: {why}", file=sys.stderr)
        return 1
    (CONFIGURATION / PIN).write_text(version + "\n")
    print(f"Asterisk: {version}")
    texts = {file: file.read_text() for file in DOCKERFILES}
    for image in sorted({x for text in texts.values() for x in base_images_of(text)}):
        try:
            digest = _digest(image)
        except (CommandFailedError, OSError) as why:
            print(f"{image}: left as it is: {why}", file=sys.stderr)
            continue
        print(f"{image}: {digest}")
        texts = {file: with_pinned(text, image, digest) for file, text in texts.items()}
    for file, text in texts.items():
        file.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
