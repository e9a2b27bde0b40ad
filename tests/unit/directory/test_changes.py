"""What the log of a reload says of the new directory file."""

from pathlib import Path

from bridge.directory.changes import changes

from .small_directory import SMALL, changed, load

# Nothing is generated: generated secrets differ from load to load.
WHOLE = changed(
    "        user: 12\n",
    "        user: 12\n        endpoint: PJSIP/a\n",
    changed(
        "    account: user 12\n", "    account: user 12\n    client_secret: geheimes1\n", SMALL
    ),
)


def test_a_reload_of_the_same_file_changes_nothing(tmp_path: Path) -> None:
    found = changes(load(tmp_path, WHOLE), load(tmp_path, WHOLE))
    assert found == {"changed": False, "extensions": 1, "users": 1, "apps": 1}


def test_what_came_went_and_is_another_is_counted(tmp_path: Path) -> None:
    before = load(tmp_path, WHOLE)
    text = changed("name: Alice}", "name: Alicia}\n      - {id: 13, name: Bob}", WHOLE)
    after = load(tmp_path, changed("0003*210", "0003*211", text))
    assert changes(before, after) == {
        "changed": True,
        "extensions": 1,
        "extensions_added": 1,
        "extensions_removed": 1,
        "users": 2,
        "users_added": 1,
        "users_changed": 1,
        "apps": 1,
    }
