"""The service of the version after this one: it adds a step to the layout of the tables.

Run as a process by `COMMAND`, from the root of the repository.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import bridge
from bridge.storage import migrate

if TYPE_CHECKING:
    from alembic.config import Config

REVISION = "next"
VERSION = "next"
COMMAND = (
    *(sys.executable, "-W", "error", "-c"),
    "from tests.cluster.next_version import main; main()",
)
_VERSIONS = Path(__file__).with_name("versions")


def main() -> None:
    of_this_version = migrate.alembic_config

    def config() -> Config:
        made = of_this_version()
        of_now = Path(str(made.get_main_option("script_location"))) / "versions"
        made.set_main_option("version_locations", f"{of_now}{os.pathsep}{_VERSIONS}")
        return made

    bridge.__version__ = VERSION
    from bridge.cli import main as serve  # it reads the version

    with patch.multiple(migrate, alembic_config=config, HEAD=REVISION):
        serve()
