"""All instances have the same generated secrets, and the database shows none of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.cluster.shared_secrets import SharedSecrets
from bridge.config.secrets_file import SecretsFileError, UnknownSecretError
from bridge.faults import StorageUnavailable
from bridge.storage.cluster_tables import shared_changes, shared_secrets

from .sqlite_database import Clock, database, engine_in, instead_of_postgresql

URL = "postgresql+asyncpg://u:hidden@db/cluster"
OURS = "the same at all instances"


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    async with database(tmp_path):
        pass
    instead_of_postgresql(tmp_path, monkeypatch.setattr)
    return tmp_path


async def stored(folder: Path) -> dict[str, str]:
    async with engine_in(folder, Clock()).connect() as connection:
        return {x.name: x.sealed for x in await connection.execute(shared_secrets.select())}


async def test_what_one_has_made_the_other_has_too(folder: Path) -> None:
    one, two = SharedSecrets.open(URL, OURS), SharedSecrets.open(URL, OURS)
    made = one.get_or_create_all(["sip/2", "sip/1"])
    assert list(made) == ["sip/2", "sip/1"]
    assert len(set(made.values())) == 2
    assert two.names() == []
    assert two.get_or_create("sip/1") == made["sip/1"]
    assert SharedSecrets.open(URL, OURS).names() == ["sip/1", "sip/2"]


async def test_no_row_and_no_text_shows_a_secret(folder: Path) -> None:
    secrets = SharedSecrets.open(URL, OURS)
    made = secrets.get_or_create("ami")
    rows = await stored(folder)
    assert rows.keys() == {"ami", "cluster-secret"}
    assert made not in str(rows) + repr(secrets)
    assert "hidden" not in repr(secrets)
    assert "1 secrets" in repr(secrets)


async def test_those_of_the_time_alone_are_shared_unless_the_others_have_them(folder: Path) -> None:
    ami = SharedSecrets.open(URL, OURS).get_or_create("ami")
    own = {"ami": "mine", "sip/1": "kept", "cluster-secret": "no secret"}
    joined = SharedSecrets.open(URL, OURS, own)
    assert joined.get_or_create_all(joined.names()) == {"ami": ami, "sip/1": "kept"}
    assert SharedSecrets.open(URL, OURS).get_or_create("sip/1") == "kept"


async def test_an_instance_with_another_cluster_secret_gets_none(folder: Path) -> None:
    SharedSecrets.open(URL, OURS)
    with pytest.raises(SecretsFileError, match="BRIDGE_CLUSTER_SECRET must be the same"):
        SharedSecrets.open(URL, "another one", {"ami": "mine"})
    assert (await stored(folder)).keys() == {"cluster-secret"}


async def test_a_row_moved_to_another_name_opens_nothing(folder: Path) -> None:
    secrets = SharedSecrets.open(URL, OURS)
    secrets.get_or_create("sip/1")
    async with engine_in(folder, Clock()).begin() as connection:
        await connection.execute(text("UPDATE shared_secrets SET name = 'ami' WHERE name='sip/1'"))
    with pytest.raises(SecretsFileError, match="sealed with another cluster secret"):
        secrets.read_again()
    assert secrets.names() == ["sip/1"]


async def test_rotated_ones_are_new_for_all_once_they_are_told(folder: Path) -> None:
    one = SharedSecrets.open(URL, OURS)
    before = one.get_or_create_all(["ami", "sip/1"])
    two = SharedSecrets.open(URL, OURS)
    one.rotate(["sip/1"])
    after = one.get_or_create_all(["ami", "sip/1"])
    assert after["ami"] == before["ami"]
    assert after["sip/1"] != before["sip/1"]
    async with engine_in(folder, Clock()).connect() as connection:
        changes = (await connection.execute(shared_changes.select())).all()
    assert [x.kind for x in changes] == ["secrets"]
    assert two.get_or_create("sip/1") == before["sip/1"]
    two.read_again()
    assert two.get_or_create("sip/1") == after["sip/1"]


async def test_an_unknown_name_rotates_none(folder: Path) -> None:
    secrets = SharedSecrets.open(URL, OURS)
    secrets.get_or_create("sip/1")
    before = await stored(folder)
    with pytest.raises(UnknownSecretError):
        secrets.rotate(["sip/1", "sip/2"])
    assert await stored(folder) == before


async def test_without_the_database_the_fault_names_it(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = SharedSecrets.open(URL, OURS)
    known = secrets.get_or_create("ami")
    instead_of_postgresql(tmp_path_factory.mktemp("empty"), monkeypatch.setattr)
    with pytest.raises(SecretsFileError, match=r"cannot keep secrets: SQLite .*no such table"):
        secrets.get_or_create("sip/1")
    assert secrets.get_or_create("ami") == known  # what it knows needs no database
    with pytest.raises(StorageUnavailable, match="no such table"):
        SharedSecrets.open(URL, OURS)
