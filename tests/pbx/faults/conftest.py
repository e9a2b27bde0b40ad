"""The shipped Asterisk and a link to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.testing.lab.installation import test_installation

from .real_pbx import RealPbx, real_pbx


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[RealPbx]:
    async with real_pbx(await test_installation(), tmp_path / "s") as pbx:
        yield pbx
