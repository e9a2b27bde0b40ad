"""The images that the Dockerfiles name with FROM: pulled, or made from Debian packages."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.pinning.dockerfile import base_images_of

from .command import CommandFailedError, run
from .debian_mirror import APT_OPTIONS
from .engine import Docker
from .progress import Say, step

_PULL_TIMEOUT_S = 120.0
_BUILD_TIMEOUT_S = 600.0
_VARIABLES = {"trixie": "BRIDGE_COMPOSE_DEBIAN", "sid": "BRIDGE_COMPOSE_DEBIAN_SID"}
_CERTIFICATES = Path("/usr/local/share/ca-certificates")


@contextmanager
def base_images(docker: Docker, dockerfiles: list[Path], say: Say) -> Iterator[dict[str, str]]:
    """They are there; those that were not before are gone afterwards. `say` is told each of those.

    The variables of docker-compose.yml that name them: an image that had to be made is not the one
    that is pinned by its digest.
    """
    images = {image for file in dockerfiles for image in base_images_of(file.read_text())}
    absent = sorted(images - docker.names()["image"])
    try:
        for image in absent:
            with step(say, f"getting the image {image.partition('@')[0]}"):
                _get(docker, image)
        yield {_VARIABLES[_suite(x)]: x for x in images}
    finally:
        for image in absent:
            docker("image", "rm", "--force", image, check=False)


def _suite(image: str) -> str:
    found = re.match(r"debian:([a-z]+)-slim", image)
    return found[1] if found else ""


def _get(docker: Docker, image: str) -> None:
    try:
        docker("pull", "--quiet", image, timeout_s=_PULL_TIMEOUT_S)
        return
    except CommandFailedError as why:
        if not _suite(image):
            raise CommandFailedError(f"no registry, and no way to make {image}: {why}") from None
    _import_debian(docker, image, _suite(image))


def _import_debian(docker: Docker, image: str, suite: str) -> None:
    """What Debian's own images are: its minimal set of packages."""
    hooks = []
    if any(_CERTIFICATES.glob("*.crt")):
        # What this machine trusts beyond the usual, a build on it must trust as well.
        hooks = [
            '--customize-hook=mkdir -p "$1/usr/local/share/ca-certificates"',
            f'--customize-hook=cp {_CERTIFICATES}/*.crt "$1/usr/local/share/ca-certificates/"',
        ]
    builder = subprocess.Popen(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase", *hooks),
            *(*APT_OPTIONS, suite, "-"),
        ],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert builder.stdout is not None
    try:
        done = subprocess.run(
            ["docker", "import", "-", image],
            stdin=builder.stdout,
            env={**os.environ, **docker.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=_BUILD_TIMEOUT_S,
        )
        builder.stdout.close()
        code = builder.wait(_BUILD_TIMEOUT_S)
    except BaseException:
        builder.kill()
        builder.wait()
        raise
    if code != 0 or done.returncode != 0:
        raise CommandFailedError(f"cannot make {image}: {done.stderr}")


def pip_configuration(folder: Path) -> Path:
    """This machine's pip settings as a pip.conf for the build; files it names stay behind."""
    pairs = {}
    for line in run("python3", "-m", "pip", "config", "list", timeout_s=60, check=False).split(
        "\n"
    ):
        if found := re.fullmatch(r"(?:global|:env:|install)\.([\w-]+)='(.*)'", line):
            pairs[found[1]] = found[2]
    urls = {
        name: " ".join(x for x in pairs.get(name, "").split() if x.startswith("http"))
        for name in ("index-url", "extra-index-url", "trusted-host")
    }
    urls["trusted-host"] = pairs.get("trusted-host", "")
    file = folder / "pip.conf"
    file.write_text("[global]\n" + "".join(f"{k} = {v}\n" for k, v in urls.items() if v))
    file.chmod(0o600)
    return file
