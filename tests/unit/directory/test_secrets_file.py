"""Generated secrets: private, kept, never shown."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.config.secrets_file import SecretsFile, SecretsFileError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "secrets.json"


def test_made_private_and_kept(path: Path) -> None:
    old_mask = os.umask(0)
    try:
        secrets_file = SecretsFile.open(path)
        secret = secrets_file.get_or_create("ami")
    finally:
        os.umask(old_mask)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(secret) >= 32
    assert secret not in repr(secrets_file)
    assert SecretsFile.open(path).get_or_create("ami") == secret
    assert secrets_file.get_or_create("ari") != secret
    assert [one.name for one in path.parent.iterdir()] == ["secrets.json"]


def test_two_processes_agree(path: Path) -> None:
    one, other = SecretsFile.open(path), SecretsFile.open(path)
    first = one.get_or_create("ami")
    other.get_or_create("ari")
    assert other.get_or_create("ami") == first
    assert set(json.loads(path.read_text())) == {"ami", "ari"}


def test_many_at_once(path: Path) -> None:
    SecretsFile.open(path)

    def create(number: int) -> dict[str, str]:
        return SecretsFile.open(path).get_or_create_all(["shared", f"own/{number}"])

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(create, range(40)))
    kept = json.loads(path.read_text())
    assert len(kept) == 41
    for result in results:
        assert result.items() <= kept.items()


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": ""}', "hush: hush"])
def test_broken_file_is_left_alone(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(SecretsFileError, match=r"secrets\.json") as refused:
        SecretsFile.open(path)
    assert "hush" not in str(refused.value)
    assert path.read_text() == content


def test_file_that_others_may_read_is_refused(path: Path) -> None:
    SecretsFile.open(path)
    path.chmod(0o640)
    with pytest.raises(SecretsFileError, match="chmod 600"):
        SecretsFile.open(path)


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(SecretsFileError, match="cannot keep secrets here"):
        SecretsFile.open(tmp_path / "state" / "secrets.json")
