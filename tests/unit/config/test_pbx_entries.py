"""Several PBXs in the settings file: each has settings of its own."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bridge.config.pbx_entries import PbxEntry, settings_of_pbxs
from bridge.config.settings import Settings
from bridge.config.settings_reading import SettingsWrong, read_settings

CLUSTER = """
instance_name = "a"
instance_url = "http://127.0.0.1:8080"
cluster_secret = "0123456789abcdef0123456789abcdef"
database_url = "postgresql+asyncpg://u@h/x"
"""
TWO = """
[[pbx]]
name = "one"
host = "10.0.0.1"
ami_port = 5039
ami_secret = "s-one"

[[pbx]]
name = "two"
host = "10.0.0.2"
ari_prefix = "asterisk"
"""


def read(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Settings:
    for name in [x for x in os.environ if x.startswith("BRIDGE_")]:
        monkeypatch.delenv(name)
    (folder / "s.toml").write_text(text)
    monkeypatch.setenv("BRIDGE_SETTINGS_FILE", str(folder / "s.toml"))
    return read_settings()


def test_given_two_then_each_has_its_own_values_and_those_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f'ami_username = "theirs"\nari_port = 9000\n{CLUSTER}{TWO}'
    settings = read(tmp_path, monkeypatch, text)
    one, two = settings_of_pbxs(settings)
    assert (settings.pbx_name, settings.pbx_host) == ("one", "10.0.0.1")
    assert (one.pbx_name, one.pbx_host, one.ami_port) == ("one", "10.0.0.1", 5039)
    assert one.ami_secret.get_secret_value() == "s-one"
    assert (two.pbx_name, two.pbx_host, two.ami_port) == ("two", "10.0.0.2", 5038)
    assert two.ami_secret.get_secret_value() == ""
    assert (one.ari_prefix, two.ari_prefix) == ("", "/asterisk")
    assert {(x.ami_username, x.ari_port) for x in (one, two)} == {("theirs", 9000)}
    assert "s-one" not in str(settings.pbx)


def test_given_none_then_the_settings_are_those_of_the_one_pbx() -> None:
    settings = Settings.model_validate({"pbx_host": "192.0.2.1"})
    assert settings_of_pbxs(settings) == (settings,)


def test_given_one_table_then_it_is_as_the_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read(tmp_path, monkeypatch, TWO.partition('\n[[pbx]]\nname = "two"')[0])
    [only] = settings_of_pbxs(settings)
    assert only.model_dump() == settings.model_dump()
    assert only.pbx_name == "one"


def test_given_the_example_of_the_docs_then_both_pbxs_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "cluster.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    settings = read(tmp_path, monkeypatch, example)
    assert [x.pbx_host for x in settings_of_pbxs(settings)] == ["10.0.0.21", "10.0.0.22"]
    named = set(re.findall(r"`(\w+)`", page.partition("- A table has")[2].partition("\n- ")[0]))
    assert named == set(PbxEntry.model_fields)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f'pbx_host = "10.0.0.9"\n{CLUSTER}{TWO}', "are for one PBX"),
        (f"{CLUSTER}{TWO}".replace('"two"', '"one"'), "two tables [[pbx]] have the same name"),
        (TWO, "need BRIDGE_INSTANCE_NAME"),
        (
            f"{CLUSTER}{TWO}".replace('host = "10.0.0.2"', 'host = ""'),
            "s.toml: table 2 of [[pbx]]: host: ",
        ),
        (f"{CLUSTER}{TWO}colour = 1\n", "table 2 of [[pbx]]: colour: "),
        ("pbx = 3\n", "pbx: "),
        ("pbx = [3]\n", "BRIDGE_PBX_0"),
    ],
)
def test_given_wrong_tables_then_the_start_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    with pytest.raises(SettingsWrong, match=why.replace("[", r"\[")):
        read(tmp_path, monkeypatch, text)
