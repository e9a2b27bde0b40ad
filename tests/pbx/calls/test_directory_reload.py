"""SIGHUP: the directory file takes force as a whole, on the API and on Asterisk, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.phone_observer import PhoneError
from tests.integration.storage.test_database_down import locked

pytestmark = pytest.mark.asyncio(loop_scope="session")

_RELOAD_LIMIT_S = 10.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    folder = tmp_path_factory.mktemp("reload")
    file = folder / "directory.yaml"
    file.write_text(EXAMPLE_FILE.read_text())
    lab = await open_lab(folder, {"directory_file": str(file)})
    yield lab
    await lab.close()


@pytest.fixture
def file(own_lab: RunningLab) -> Path:
    return own_lab.bridge.state_dir.parent / "directory.yaml"


async def logged(lab: RunningLab, wanted: Callable[[str], bool]) -> None:
    await eventually(
        lambda: any(wanted(str(x["event"])) for x in lab.bridge.log_lines()), _RELOAD_LIMIT_S
    )


def without_extension(text: str, number: str) -> str:
    """The file without that extension's entry: from its line to the next entry's.

    It is no agent of the queue then, either.
    """
    lines = text.replace(f", 0003*{number}", "").splitlines(keepends=True)
    [start] = [i for i, x in enumerate(lines) if x.strip().startswith("- number:") and number in x]
    indent = len(lines[start]) - len(lines[start].lstrip())
    end = start + 1
    while end < len(lines) and (
        not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent
    ):
        end += 1
    return "".join(lines[:start] + lines[end:])


async def test_given_a_phone_taken_out_of_the_file_when_reloaded_then_asterisk_refuses_it(
    own_lab: RunningLab, file: Path
) -> None:
    async with own_lab.phone("0003*214"):
        pass  # it registers
    file.write_text(without_extension(EXAMPLE_FILE.read_text(), "214"))

    # Also where nothing can be written.
    with locked(f"sqlite:///{own_lab.bridge.state_dir / 'bridge.db'}"):
        own_lab.bridge.reload()
        await logged(own_lab, lambda event: event == "directory_reloaded")
        await logged(own_lab, lambda event: event == "token_purge_put_off")

    with pytest.raises(PhoneError):
        await own_lab.phone("0003*214").start(timeout_s=2.0)
    async with own_lab.client() as api:
        answer = await api.create(["0003*214"], ["211"], extension="210")
        assert (answer.status, answer.code) == (400, "pc_source_invalid")
    async with own_lab.phone("0003*213"):
        pass  # the others are untouched


async def test_given_a_file_when_reloaded_then_the_log_says_what_it_changed_also_if_nothing(
    own_lab: RunningLab, file: Path
) -> None:
    def reloads() -> list[dict[str, object]]:
        return [x for x in own_lab.bridge.log_lines() if x["event"] == "directory_reloaded"]

    texts = (
        EXAMPLE_FILE.read_text(),
        EXAMPLE_FILE.read_text(),
        without_extension(EXAMPLE_FILE.read_text(), "213").replace("Bob Brown", "Robert", 1),
    )
    for text in texts:
        file.write_text(text)
        before = len(reloads())
        own_lab.bridge.reload()
        await eventually(lambda before=before: len(reloads()) > before, 10)  # type: ignore[misc]
    same, other = reloads()[-2:]
    assert (same["changed"], same["extensions"]) == (False, 12)
    assert other["changed"] is True
    assert (other["extensions"], other["extensions_removed"], other["users_changed"]) == (11, 1, 1)
    assert "extensions_added" not in other


async def test_given_an_invalid_file_when_reloaded_then_the_old_one_stays_in_force(
    own_lab: RunningLab, file: Path
) -> None:
    file.write_text("organizations: 3\n")

    own_lab.bridge.reload()
    await logged(own_lab, lambda event: event == "directory_not_reloaded")

    [error] = [
        x for x in own_lab.bridge.log_lines("error") if x["event"] == "directory_not_reloaded"
    ]
    assert f"{file}:1: organizations" in str(error["why"])
    async with own_lab.client() as api, own_lab.phone("0003*210", answer="auto"):
        call_id = await api.place(["210"], ["0003*00"])
        await api.wait_status(call_id, 5)
        assert (await api.hang_up("210", call_id)).status == 200
