"""One Asterisk process, played by a script: how its start can fail, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.local_asterisk.errors import AsteriskStartError, LocalAsteriskError
from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.process import FALSE_WARNING, AsteriskProcess
from bridge.testing.eventually import eventually

from .programs import program

BOOTED = 'touch "$folder/run/asterisk.ctl"; exec sleep 100'
SAYS_BOOTED = "echo 'Asterisk has fully booted.'"
STUBBORN = """trap 'touch "$folder/asked"' TERM
touch "$folder/run/asterisk.ctl"
for turn in $(seq 1200); do sleep 0.05 & wait; done"""


def process(
    folder: Path,
    runs: str = BOOTED,
    console: str = SAYS_BOOTED,
    *,
    renders: str = 'mkdir -p "$2"; env > "$2/values"',
    start_timeout_s: float = 10.0,
) -> AsteriskProcess:
    """`runs`: what the daemon does, `console` what its remote console does, `renders` render.sh."""
    asterisk = program(
        folder,
        "asterisk",
        f'folder={folder}/pbx\ncase "$3" in\n-rx) {console} ;;\n*) {runs} ;;\nesac',
    )
    return AsteriskProcess(
        name="Asterisk",
        installation=Installation("22.10.1", str(asterisk), Path("/modules"), Path("/data")),
        folder=folder / "pbx",
        render=program(folder, "render.sh", renders),
        templates=folder,
        values={"AMI_PORT": "5038"},
        start_timeout_s=start_timeout_s,
        stop_timeout_s=1.0,
    )


async def test_given_one_that_boots_when_stopped_then_it_ends_and_its_state_stays(
    tmp_path: Path,
) -> None:
    pbx = process(tmp_path)
    assert pbx.problems() == []
    assert pbx.pid is None
    await pbx.start()
    first = pbx.pid
    await pbx.start()  # it runs already
    assert pbx.pid == first
    assert (tmp_path / "pbx/pid").read_text() == f"{first}\n"
    values = (tmp_path / "pbx/conf/values").read_text().splitlines()
    assert {"AMI_PORT=5038", "ASTERISK_VERSION=22.10.1", "MODULE_DIR=/modules"} <= {*values}
    assert await pbx.console("core show version") == "Asterisk has fully booted.\n"
    await pbx.stop()
    assert pbx.pid is None
    assert not (tmp_path / "pbx/pid").exists()
    await pbx.stop()  # once more does no harm
    with pytest.raises(LocalAsteriskError, match="Asterisk: console command failed: it does not"):
        await pbx.console("core show version")


async def test_given_one_that_ignores_the_end_when_stopped_then_it_is_killed(
    tmp_path: Path,
) -> None:
    pbx = process(tmp_path, STUBBORN)
    await pbx.start()
    ended = asyncio.ensure_future(pbx.ended())
    await pbx.stop()
    assert (tmp_path / "pbx/asked").exists()
    await eventually(ended.done)
    assert pbx.pid is None


@pytest.mark.parametrize(
    ("runs", "console", "limit_s", "says"),
    [
        (
            'echo "cannot read modules.conf" >> "$folder/log/messages.log"; exit 3',
            SAYS_BOOTED,
            10.0,
            ["Asterisk ended at once (code 3).", "log/messages.log:", "  cannot read modules.conf"],
        ),
        ("echo no; exit 1", SAYS_BOOTED, 10.0, ["(code 1).", "log/console.log:", "  no"]),
        ("exit 1", SAYS_BOOTED, 10.0, ["ended at once (code 1).\nIt logged nothing."]),
        (
            BOOTED,
            "echo 'Unable to connect'; exit 1",
            0.5,
            ["was not ready within 0.5 s.\nIt logged"],
        ),
        (
            f'echo "[x] ERROR[1] loader.c: x - Required" >> "$folder/log/messages.log"; {BOOTED}',
            SAYS_BOOTED,
            10.0,
            ["Asterisk lacks modules.", "x - Required"],
        ),
    ],
    ids=["ends_with_a_log", "ends_with_output", "ends_silently", "never_boots", "lacks_modules"],
)
async def test_given_one_that_does_not_get_ready_then_its_last_lines_are_told_and_nothing_stays(
    tmp_path: Path, runs: str, console: str, limit_s: float, says: list[str]
) -> None:
    pbx = process(tmp_path, runs, console, start_timeout_s=limit_s)
    with pytest.raises(AsteriskStartError) as failed:
        await pbx.start()
    for each in says:
        assert each in str(failed.value)
    assert pbx.pid is None
    assert not (tmp_path / "pbx/pid").exists()


async def test_given_values_that_cannot_be_rendered_then_the_reason_is_told(tmp_path: Path) -> None:
    pbx = process(tmp_path, renders="echo 'AMI_SECRET is missing' >&2; exit 1")
    with pytest.raises(AsteriskStartError, match=r"^Asterisk: AMI_SECRET is missing$"):
        await pbx.start()
    assert pbx.pid is None


async def test_given_a_long_folder_then_it_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    pbx = process(tmp_path / ("a" * 100))
    with pytest.raises(LocalAsteriskError, match=r"too long for a Unix socket.*than 107 bytes"):
        await pbx.start()
    assert not pbx.folder.exists()


async def test_given_a_start_when_it_is_cancelled_then_nothing_stays(tmp_path: Path) -> None:
    pbx = process(tmp_path, console="exec sleep 100")
    starting = asyncio.ensure_future(pbx.start())
    await eventually(lambda: (tmp_path / "pbx/run/asterisk.ctl").exists())
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert pbx.pid is None


async def test_given_an_earlier_run_when_started_then_its_log_and_its_secrets_are_put_in_order(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "pbx"
    for name, text in (("log/messages.log", "old"), ("var/astdb.sqlite3", ""), ("conf/old", "")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "var/astdb.sqlite3").chmod(0o644)
    pbx = process(tmp_path)
    await pbx.start()
    assert (folder / "log/messages.log.1").read_text() == "old"
    assert (folder / "var/astdb.sqlite3").stat().st_mode & 0o777 == 0o600
    assert not (folder / "conf/old").exists()
    lines = [f"[x] WARNING[1] {FALSE_WARNING}", "[x] ERROR[1] true", "[x] NOTICE[1] n"]
    pbx.log_file.write_text("\n".join(lines))
    assert pbx.problems() == ["[x] ERROR[1] true"]
    await pbx.kill()


@pytest.mark.parametrize("text", ["", "no number", None])
async def test_given_no_pid_of_an_orphan_when_it_is_looked_for_then_nothing_is_done(
    tmp_path: Path, text: str | None
) -> None:
    pbx = process(tmp_path)
    pbx.folder.mkdir()
    if text is not None:
        (pbx.folder / "pid").write_text(text)
    await pbx.stop_orphan()
    assert not (pbx.folder / "pid").exists()
