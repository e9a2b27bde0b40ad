"""`--compose`: the tests of calls against the containers of docker-compose.yml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.compose_system import ComposeSystem
from tests.compose.opening import open_compose_system

pytest_plugins = ["tests.storage.databases"]

# With --compose: what is left out, and why. Everything else of tests/calls runs.
NOT_IN_CONTAINERS = {
    "test_directory_reload.py": "edits the directory file of a service of its own",
    "test_limits_of_calls.py": "starts services with limits of its own",
    "test_limits_of_requests.py": "starts services with limits of its own",
    "test_link_to_pbx.py": "puts a proxy between service and AMI, which is closed to the outside",
    "test_restart_of_service.py": "the same proxy; test_restarts.py restarts the containers",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--compose",
        action="store_true",
        help="run the tests of calls, and tests/compose, against docker-compose.yml",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without the option nobody needs Docker."""
    if collection_path == Path(__file__).parent / "compose":
        return None if config.getoption("--compose") else True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--compose"):
        return
    left_out = [item for item in items if item.path.name in NOT_IN_CONTAINERS]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_report_header(config: pytest.Config) -> list[str]:
    if not config.getoption("--compose"):
        return []
    return [f"not in containers: {file}: {why}" for file, why in NOT_IN_CONTAINERS.items()]


@pytest.fixture(scope="session")
def compose_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeSystem]:
    """Built and up. When it is gone, so is all that it brought."""
    with open_compose_system(tmp_path_factory.mktemp("compose")) as system:
        yield system
