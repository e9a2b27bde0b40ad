"""`make vendor`: the files of Swagger UI that /docs loads, from its package of the npm registry.

`make vendor VERSION=5.35.0` takes that version, without it the newest. It needs npm. The licences
come with the files. ORIGIN says the version and the integrity that npm has checked. SHA256SUMS has
the sums of the files as the package has them, so the sums do not depend on who packed them here.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

VENDORED = Path(__file__).parents[2] / "bridge/http/reference_page/assets/swagger-ui"
PACKAGE = "swagger-ui-dist"
PACKED = ("swagger-ui-bundle.js", "swagger-ui.css")
LICENCES = ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt")
SUMS, ORIGIN = "SHA256SUMS", "ORIGIN"
_NPM_TIMEOUT_S = 120


def fetched(version: str, folder: Path) -> tuple[str, dict[str, bytes]]:
    """The text of ORIGIN, and the files by name. Raises CalledProcessError where npm fails."""
    pack = ["npm", "pack", "--json", "--pack-destination", str(folder), f"{PACKAGE}@{version}"]
    said = subprocess.run(pack, check=True, capture_output=True, timeout=_NPM_TIMEOUT_S)
    [packed] = json.loads(said.stdout)
    with tarfile.open(folder / packed["filename"]) as archive:
        files = {
            name: member.read()
            for name in (*PACKED, *LICENCES)
            if (member := archive.extractfile(f"package/{name}")) is not None
        }
    return f"{PACKAGE} {packed['version']} {packed['integrity']}\n", files


def write(origin: str, files: Mapping[str, bytes], folder: Path) -> None:
    """Put the files of one version into `folder`, the large ones in gzip, with their sums."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, data in files.items():
        if name in PACKED:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        else:
            (folder / name).write_bytes(data)
    sums = [f"{hashlib.sha256(files[x]).hexdigest()}  {x}\n" for x in sorted(files)]
    (folder / SUMS).write_text("".join(sums))
    (folder / ORIGIN).write_text(origin)


def main(version: str) -> None:
    with tempfile.TemporaryDirectory(prefix="vendor-") as folder:
        origin, files = fetched(version or "latest", Path(folder))
    write(origin, files, VENDORED)
    print(origin, end="")


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
