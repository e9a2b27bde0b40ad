"""`make vendor`: the files of others that our pages load, from their packages of the npm registry.

`make vendor PACKAGE=preact VERSION=11.2.0` takes that version, without it the newest; without
PACKAGE all packages. It needs npm. The licences come with the files. ORIGIN says the version and
the integrity that npm has checked. SHA256SUMS has the sums of the files as the package has them, so
the sums do not depend on who packed them here.
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
from dataclasses import dataclass
from pathlib import Path

_TOP = Path(__file__).parents[2]
SUMS, ORIGIN = "SHA256SUMS", "ORIGIN"
_NPM_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Vendored:
    """The files of one package that are kept here, by their path in the package.

    `packed` are kept in gzip, as they are large. `newest`: the version to take where none is named.
    """

    package: str
    folder: Path
    plain: tuple[str, ...] = ()
    packed: tuple[str, ...] = ()
    newest: str = "latest"

    @property
    def paths(self) -> tuple[str, ...]:
        """All of them, by path in the package."""
        return (*self.packed, *self.plain)

    @property
    def names(self) -> set[str]:
        """All of them, by the name that they have here."""
        return {Path(x).name for x in self.paths}

    def contents(self, name: str) -> bytes:
        """A file that is kept here, unpacked."""
        file = self.folder / name
        if file.exists():
            return file.read_bytes()
        return gzip.decompress(file.with_name(f"{name}.gz").read_bytes())


SWAGGER_UI = Vendored(
    "swagger-ui-dist",
    _TOP / "bridge/http/reference_page/assets/swagger-ui",
    plain=("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"),
    packed=("swagger-ui-bundle.js", "swagger-ui.css"),
)
_CONSOLE = _TOP / "bridge/console/assets/vendor"
PACKAGES = (
    SWAGGER_UI,
    Vendored(
        "preact",
        _CONSOLE / "preact",
        plain=("LICENSE", "dist/preact.mjs", "hooks/dist/hooks.mjs"),
    ),
    Vendored("htm", _CONSOLE / "htm", plain=("LICENSE", "dist/htm.mjs")),
    Vendored(
        "uplot",
        _CONSOLE / "uplot",
        plain=("LICENSE", "dist/uPlot.min.css"),
        packed=("dist/uPlot.esm.js",),
    ),
    # No version after this one has the file for browsers in its package.
    Vendored(
        "jssip",
        _CONSOLE / "jssip",
        plain=("LICENSE",),
        packed=("dist/jssip.min.js",),
        newest="3.12.0",
    ),
    # Its licence, MIT, stands at the head of the file; the package has no file of it.
    Vendored("qrcode-generator", _CONSOLE / "qrcode-generator", packed=("dist/qrcode.mjs",)),
    Vendored(
        "axe-core",
        _TOP / "tests/lab/axe-core",
        plain=("LICENSE", "LICENSE-3RD-PARTY.txt"),
        packed=("axe.min.js",),
    ),
)


def fetched(vendored: Vendored, version: str, folder: Path) -> tuple[str, dict[str, bytes]]:
    """The text of ORIGIN, and the files by name. Raises CalledProcessError where npm fails."""
    name = f"{vendored.package}@{version}"
    pack = ["npm", "pack", "--json", "--pack-destination", str(folder), name]
    said = subprocess.run(pack, check=True, capture_output=True, timeout=_NPM_TIMEOUT_S)
    [packed] = json.loads(said.stdout)
    with tarfile.open(folder / packed["filename"]) as archive:
        files = {
            Path(path).name: member.read()
            for path in vendored.paths
            if (member := archive.extractfile(f"package/{path}")) is not None
        }
    return f"{vendored.package} {packed['version']} {packed['integrity']}\n", files


def write(vendored: Vendored, origin: str, files: Mapping[str, bytes]) -> None:
    """Put the files of one version into their folder, the large ones in gzip, with their sums."""
    folder, packed = vendored.folder, {Path(x).name for x in vendored.packed}
    folder.mkdir(exist_ok=True, parents=True)
    for old in folder.iterdir():
        old.unlink()
    for name, data in files.items():
        if name in packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        else:
            (folder / name).write_bytes(data)
    sums = [f"{hashlib.sha256(files[x]).hexdigest()}  {x}\n" for x in sorted(files)]
    (folder / SUMS).write_text("".join(sums))
    (folder / ORIGIN).write_text(origin)


def main(package: str = "", version: str = "") -> None:
    wanted = [x for x in PACKAGES if package in ("", x.package)]
    if not wanted:
        sys.exit(f"{package} is none of {', '.join(x.package for x in PACKAGES)}")
    for vendored in wanted:
        with tempfile.TemporaryDirectory(prefix="vendor-") as folder:
            origin, files = fetched(vendored, version or vendored.newest, Path(folder))
        write(vendored, origin, files)
        print(origin, end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
