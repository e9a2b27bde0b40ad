"""What make notices before it does anything."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["plain", "with space"])
@pytest.mark.parametrize("moved", [True, False])
def test_given_a_checkout_that_was_moved_when_made_then_its_venv_is_made_anew(
    tmp_path: Path, name: str, moved: bool
) -> None:
    """Every command in a venv names the folder that it was made in."""
    folder = tmp_path / name
    venv = folder / ".venv"
    venv.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    (venv / "pyvenv.cfg").touch()
    (venv / "installed").write_text("/where/it/was\n" if moved else f"{folder}\n")

    done = subprocess.run(
        ["make", "-n", "install"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert venv.exists() is not moved, done.stdout + done.stderr
    assert ("This checkout was in /where/it/was" in done.stdout) is moved
