"""An installed Asterisk: its place, and the commands that run it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.local_asterisk.errors import NoAsteriskError

OLDEST_MAJOR = 16

# Runs Asterisk in a root of its own, inside a private mount namespace. However the process ends,
# the kernel removes the mounts. Arguments: $1 root, $2 empty folder for the new root, $3 folder of
# the instance, then the command. The folder $3 has the same path inside, so that file names mean
# the same on both sides. The image is mounted read-only: several instances share it. /etc is a
# copy, with the name of this machine in its hosts file: Asterisk asks for its own name with every
# audio session, and a DNS server that does not answer would hold its SIP thread for seconds.
_ENTER_ROOT = """
image=$1 new=$2 instance=$3; shift 3
mount -t tmpfs -o mode=755 tmpfs "$new"
# bring PATH: that folder of the image, read-only. One that the instance lies in is opened up: its
# parts are brought one by one, so that there is room for the instance beside them.
bring() {
    case $instance/ in
    "$1"/*)
        mkdir "$new$1"
        for inside in "$image$1"/*; do
            if [ -L "$inside" ]; then cp -P "$inside" "$new$1"
            elif [ -d "$inside" ]; then bring "${inside#"$image"}"
            elif [ -f "$inside" ]; then
                part=${inside#"$image"}
                : > "$new$part"; mount --bind -o ro "$inside" "$new$part"
            fi
        done ;;
    *) mkdir "$new$1"; mount --bind -o ro "$image$1" "$new$1" ;;
    esac
}
bring /usr
bring /var
cp -a "$image/etc" "$new/etc"
echo "127.0.0.1 localhost $(uname -n)" > "$new/etc/hosts"
for link in bin lib lib32 lib64 libx32 sbin; do
    if [ -L "$image/$link" ]; then cp -P "$image/$link" "$new/$link"
    elif [ -d "$image/$link" ]; then
        mkdir "$new/$link"; mount --bind -o ro "$image/$link" "$new/$link"
    fi
done
mkdir "$new/dev" "$new/proc" "$new/tmp"
mount --rbind /dev "$new/dev"
mount -t proc proc "$new/proc"
mkdir -p "$new$instance"
mount --rbind "$instance" "$new$instance"  # with a disk that is mounted below it
exec chroot "$new" "$@"
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """Paths are as Asterisk sees them; `root` is None if it runs without chroot."""

    version: str
    binary: str
    modules_dir: Path
    data_dir: Path
    root: Path | None = None

    @property
    def modules_dir_here(self) -> Path:
        """As this process sees it."""
        return (self.root or Path("/")) / self.modules_dir.relative_to("/")

    def command(self, instance: Path, arguments: Sequence[str]) -> list[str]:
        """The command line; every step of it execs, so Asterisk has its pid."""
        asterisk = [self.binary, *arguments]
        if self.root is None:
            return asterisk
        new_root = instance / "root"
        return [
            *("unshare", "--mount", "--propagation", "private"),
            *("sh", "-euc", _ENTER_ROOT, "enter-root"),
            *(str(self.root), str(new_root), str(instance)),
            *asterisk,
        ]

    def command_beside(self, pid: int, arguments: Sequence[str]) -> list[str]:
        """One that finds what the Asterisk `pid` has: its root and its mounts, if they are own."""
        asterisk = [self.binary, *arguments]
        if self.root is None:
            return asterisk
        return ["nsenter", f"--target={pid}", "--mount", "--root", "--wd", *asterisk]


async def asterisk_version(*command: str) -> str:
    """The output of `asterisk -V`, e.g. "22.10.1"; NoAsteriskError if it says nothing usable."""
    process = await asyncio.create_subprocess_exec(
        *command,
        "-V",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), timeout=10)
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()
        raise
    found = re.search(rb"Asterisk (?:certified[/-])?(\d+(?:\.\d+)*)", output)
    if found is None:
        raise NoAsteriskError(f"{' '.join(command)} -V does not name a version: {output[-200:]!r}")
    return found.group(1).decode()


async def installation_on_path() -> Installation:
    """The `asterisk` on PATH; NoAsteriskError says why it cannot be used."""
    binary = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise NoAsteriskError("there is no `asterisk` on PATH")
    version = await asterisk_version(binary)
    if int(version.split(".")[0]) < OLDEST_MAJOR:
        raise NoAsteriskError(f"{binary} is {version}, older than {OLDEST_MAJOR}")
    modules, data = _folders_of(Path(binary).resolve())
    return Installation(version=version, binary=binary, modules_dir=modules, data_dir=data)


async def installation_in_root(root: Path) -> Installation:
    """The Asterisk inside a private root file system."""
    return Installation(
        version=await asterisk_version("chroot", str(root), "asterisk"),
        binary="asterisk",
        modules_dir=Path("/", _modules_below(root / "usr").relative_to(root)),
        data_dir=Path("/usr/share/asterisk"),
        root=root,
    )


def _folders_of(binary: Path) -> tuple[Path, Path]:
    """Modules and data: as configured by the packager, else looked for below the prefix."""
    prefix = binary.parent.parent
    configured: dict[str, str] = {}
    for config in (prefix / "etc/asterisk/asterisk.conf", Path("/etc/asterisk/asterisk.conf")):
        with contextlib.suppress(OSError):  # not there, or not for this user
            text = config.read_text(errors="replace")
            configured = dict(re.findall(r"^\s*(ast\w+dir)\s*=>?\s*([^\s;]+)", text, re.MULTILINE))
            break
    modules = Path(configured.get("astmoddir", "")) if "astmoddir" in configured else None
    if modules is None or not (modules / "chan_pjsip.so").is_file():
        modules = _modules_below(prefix)
    data = Path(configured.get("astdatadir", str(prefix / "share/asterisk")))
    if not data.is_dir():
        data = Path("/var/lib/asterisk")
    return modules, data


def _modules_below(prefix: Path) -> Path:
    """The module folder: Debian has it below the name of the architecture."""
    for pattern in ("lib/*/asterisk/modules", "lib64/asterisk/modules", "lib/asterisk/modules"):
        for folder in sorted(prefix.glob(pattern)):
            if (folder / "chan_pjsip.so").is_file():
                return folder
    raise NoAsteriskError(f"no Asterisk modules (chan_pjsip.so) below {prefix}")
