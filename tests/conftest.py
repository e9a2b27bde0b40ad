"""`--compose`: the tests of calls against the containers of docker-compose.yml.

`--office-long`: the stories of the office on Asterisk 16 as well; `--office-on-path`: on the
`asterisk` on PATH instead, of whatever version. `--cluster-long`: more rounds of claims
at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.compose_system import ComposeSystem
from tests.containers.opening import open_compose_system
from tests.containers.progress import said_on_terminal
from tests.order_of_files import put_long_files_first

pytest_plugins = ["tests.integration.storage.databases", "pytester"]

# With --compose: what is left out, and why. Everything else of tests/pbx/calls runs.
NOT_IN_CONTAINERS = {
    "test_database_hangs.py": "starts services with databases of its own",
    "test_directory_reload.py": "edits the directory file of a service of its own",
    "test_limits_of_calls.py": "starts services with limits of its own",
    "test_limits_of_requests.py": "starts services with limits of its own",
    "test_link_to_pbx.py": "puts a proxy between service and AMI, which is closed to the outside",
    "test_joined_calls.py": "an AMI client of somebody else, and AMI is closed to the outside",
    "test_restart_of_service.py": "the same proxy; test_restarts.py restarts the containers",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--compose",
        action="store_true",
        help="run the tests of calls, and tests/containers, against docker-compose.yml",
    )
    parser.addoption(
        "--office-long",
        action="store_true",
        help="play the stories of the office on Asterisk 16 as well",
    )
    parser.addoption(
        "--office-on-path",
        action="store_true",
        help="play the stories of the office on the Asterisk on PATH as well",
    )
    parser.addoption(
        "--cluster-long",
        action="store_true",
        help="the tests of several instances in their long forms",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without the options nobody needs Docker, or minutes more."""
    if collection_path == Path(__file__).parent / "containers":
        return None if config.getoption("--compose") else True
    if collection_path.name == "test_more_restarts_as_takeover.py":
        return None if config.getoption("--cluster-long") else True
    if collection_path.name == "test_old_office.py":
        asked = config.getoption("--office-long") or config.getoption("--office-on-path")
        return None if asked else True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # of xdist
        put_long_files_first(items)
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
def compose_system(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposeSystem]:
    """Built and up. When it is gone, so is all that it brought."""
    with (
        said_on_terminal(pytestconfig) as say,
        open_compose_system(tmp_path_factory.mktemp("compose"), say) as system,
    ):
        yield system
