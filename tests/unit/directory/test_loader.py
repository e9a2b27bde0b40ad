"""The directory file: what it makes, and when."""

import uuid
from pathlib import Path

import pytest
import yaml

from bridge.access.password_hash import hash_of
from bridge.config.secrets_file import SecretsFile, ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory, load_directory
from bridge.directory.model import AccountLevel, ExtensionType, RecordingMode
from bridge.directory.problems import DirectoryError
from bridge.directory.yaml_tree import read_yaml
from bridge.queues.agent import member_of

from .small_directory import SMALL, changed, load


def test_example_has_what_it_should() -> None:
    directory = load_directory(EXAMPLE_FILE, ThrowawaySecrets())
    assert [(one.id, one.prefix) for one in directory.organizations.values()] == [
        (3, "0003"),
        (4, "0004"),
    ]
    assert directory.organizations["0003"].name == "Default Organization"
    phones = {
        user.id: [
            one.number
            for one in directory.extensions_of(user)
            if one.type is ExtensionType.PHONE_TERMINAL
        ]
        for user in directory.users.values()
    }
    assert phones == {
        12: ["0003*210", "0003*211", "0003*212", "0003*213", "0003*214", "0003*215"],
        13: ["0003*220"],
        21: ["0004*210"],
    }
    kinds = {number: directory.extensions[f"0003*{number}"].type for number in (300, 400, 500, 600)}
    assert kinds == {
        300: ExtensionType.QUEUE,
        400: ExtensionType.IVR,
        500: ExtensionType.CONFERENCE,
        600: ExtensionType.CALLBACK,
    }
    assert [(app.level, app.user_id, app.organization) for app in directory.apps.values()] == [
        (AccountLevel.USER, 12, "0003"),
        (AccountLevel.USER, 13, "0003"),
        (AccountLevel.ORGANIZATION, None, "0003"),
        (AccountLevel.ORGANIZATION, None, "0004"),
        (AccountLevel.ADMINISTRATOR, None, None),
    ]
    assert not directory.extensions["0003*213"].may_set_caller_id
    assert not directory.extensions["0003*214"].may_call_public
    assert directory.extensions["0003*214"].recording is RecordingMode.ALWAYS
    assert len(directory.provisioned_phones()) == 8


def test_behind_several_edges_each_phone_that_the_service_makes_has_several_addresses() -> None:
    """So a queue, too, rings it by the dialplan that knows the edges."""
    secrets = ThrowawaySecrets()
    for several in (False, True):
        directory = CurrentDirectory(EXAMPLE_FILE, secrets, several_edges=several).directory
        phone, queue = (directory.extensions[f"0003*{x}"] for x in (210, 300))
        assert phone.rings_several is several
        assert not queue.rings_several
        assert member_of(phone).interface.startswith("Local/") is several


def test_example_holds_no_secret() -> None:
    tree = yaml.safe_load(EXAMPLE_FILE.read_text(encoding="utf-8"))
    assert not [app for app in tree["apps"] if "client_secret" in app]
    extensions = [one for each in tree["organizations"] for one in each["extensions"]]
    assert not [one for one in extensions if "sip_secret" in one]


def test_indexes() -> None:
    directory = load_directory(EXAMPLE_FILE, ThrowawaySecrets())
    phone = directory.extensions["0003*210"]
    assert directory.extensions_by_endpoint["PJSIP/0003*210"] is phone
    assert directory.extensions_by_public_number["5550003210"] is phone
    assert phone in directory.extensions_by_user[12]
    assert "" not in directory.extensions_by_endpoint
    with pytest.raises(TypeError):
        directory.extensions["x"] = phone  # type: ignore[index]


def test_numbers_mean_what_is_written(tmp_path: Path) -> None:
    """YAML itself would read 0003 as octal 3."""
    directory = load(tmp_path, SMALL)
    assert list(directory.organizations) == ["0003"]
    extension = directory.extensions["0003*210"]
    assert (extension.caller_name, extension.caller_number) == ("", "0003*210")


def test_existing_phone_and_literal_secrets(tmp_path: Path) -> None:
    text = changed("type: Phone Terminal", "type: Phone Terminal\n        endpoint: PJSIP/alice")
    extension = load(tmp_path, text).extensions["0003*210"]
    assert (extension.dial, extension.endpoint) == ("PJSIP/alice", "PJSIP/alice")
    assert not extension.provisioned
    text = changed(
        "type: Phone Terminal", "type: Phone Terminal\n        sip_secret: s3cret-s3cret"
    )
    directory = load(tmp_path, changed("name: App", "name: App\n    client_secret: 12345678", text))
    extension = directory.extensions["0003*210"]
    assert (extension.sip_secret, extension.secret_name) == ("s3cret-s3cret", None)
    assert directory.apps["app"].client_secret == "12345678"
    assert "s3cret" not in repr(directory)
    assert "12345678" not in repr(directory)


def test_password_of_a_user(tmp_path: Path) -> None:
    assert load(tmp_path, SMALL).clients.keys() == {"app"}
    generated = load(tmp_path, changed("name: Alice", "name: Alice, password: generated"))
    user, client = generated.users[12], generated.clients["user/12"]
    assert (user.secret_name, user.password) == ("user/12", client.client_secret)
    assert len(client.client_secret) >= 32
    assert (client.level, client.user_id, client.organization) == (AccountLevel.USER, 12, "0003")
    assert client.client_secret not in repr(generated)
    assert generated.apps.keys() == {"app"}
    hashed = hash_of("kT7-wq0ZpR4xUe2L")
    directory = load(tmp_path, changed("name: Alice", f'name: Alice, password: "{hashed}"'))
    assert (directory.users[12].password, directory.users[12].secret_name) == (hashed, None)
    assert hashed not in repr(directory)


def test_passwords_of_the_documentation(tmp_path: Path) -> None:
    text = Path("docs/console.md").read_text(encoding="utf-8")
    shown = text.partition("```yaml\n")[2].partition("```")[0]
    users = "".join(f"    {line}\n" for line in shown.splitlines())
    written = "    users:\n      - {id: 12, name: Alice}\n"
    directory = load(tmp_path, changed(written, users))
    assert directory.clients.keys() == {"app", "user/12", "user/13"}


def test_dial_of_a_queue(tmp_path: Path) -> None:
    text = changed("type: Phone Terminal", "type: Queue\n        dial: Local/7@mine/n")
    assert load(tmp_path, text).extensions["0003*210"].dial == "Local/7@mine/n"
    text = changed("type: Phone Terminal", "type: Queue") + "services_context: mine\n"
    assert load(tmp_path, text).extensions["0003*210"].dial == "Local/0003*210@mine/n"


def test_reload_keeps_the_old_one_when_the_file_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "directory.yaml"
    path.write_text(SMALL, encoding="utf-8")
    current = CurrentDirectory(path, ThrowawaySecrets())
    old = current.directory
    path.write_text(changed("user: 12\n", "user: 13\n"), encoding="utf-8")
    with pytest.raises(DirectoryError):
        current.reload()
    assert current.directory is old
    path.write_text(changed("name: One", "name: Two"), encoding="utf-8")
    assert current.reload() is current.directory
    assert current.directory.organizations["0003"].name == "Two"


def test_secrets_left_out_are_generated_once_and_only_for_a_valid_file(tmp_path: Path) -> None:
    secrets_file = SecretsFile.open(tmp_path / "secrets.json")
    before = (tmp_path / "secrets.json").read_text()
    path = tmp_path / "directory.yaml"
    path.write_text(changed("user: 12\n", "user: 13\n"), encoding="utf-8")
    with pytest.raises(DirectoryError):
        load_directory(path, secrets_file)
    assert (tmp_path / "secrets.json").read_text() == before
    path.write_text(SMALL, encoding="utf-8")
    first = load_directory(path, secrets_file)
    again = load_directory(path, SecretsFile.open(tmp_path / "secrets.json"))
    phone = first.extensions["0003*210"]
    assert phone == again.extensions["0003*210"]
    assert phone.secret_name == "sip/0003*210"
    assert phone.sip_secret == secrets_file.get_or_create("sip/0003*210")
    assert first.apps["app"].client_secret == secrets_file.get_or_create("app/app")
    assert again.apps == first.apps


VERBA = (
    SMALL
    + """
verba_keys:
  - name: erasure
    key: 74c8eea0-50c6-40b2-9f3e-252ed501c3c8
    networks: [127.0.0.0/8, "::1"]
  - {name: desk, organization: 0003, needs_login: yes}
verba_users:
  - name: supervisor
"""
)


def test_keys_and_users_of_the_verba_api_are_generated_or_given(tmp_path: Path) -> None:
    directory = load(tmp_path, VERBA)
    erasure, desk = directory.verba_keys
    assert (erasure.name, erasure.organization, erasure.needs_login) == ("erasure", None, False)
    assert erasure.key == "74c8eea0-50c6-40b2-9f3e-252ed501c3c8"
    assert [str(one) for one in erasure.networks] == ["127.0.0.0/8", "::1/128"]
    assert str(uuid.UUID(desk.key)) == desk.key
    assert (desk.organization, desk.needs_login) == ("0003", True)
    assert directory.verba_users["supervisor"].password != desk.key


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("key: 74c8eea0", "key: x74c8eea0", "GUID"),
        ("organization: 0003", "organization: 0009", "no organization with the prefix 0009"),
        ("name: desk", "name: erasure", "taken already"),
        ("127.0.0.0/8", "127.0.0.300", "not a valid"),
    ],
)
def test_wrong_keys_of_the_verba_api(tmp_path: Path, old: str, new: str, reason: str) -> None:
    with pytest.raises(DirectoryError, match=reason):
        load(tmp_path, changed(old, new, VERBA))


def test_retention_of_an_organization(tmp_path: Path) -> None:
    kept = changed("    name: One\n", "    name: One\n    recording_retention_days: 30\n")
    assert load(tmp_path, kept).organizations["0003"].retention_days == 30
    assert load(tmp_path, SMALL).organizations["0003"].retention_days is None


def test_given_no_libyaml_when_read_then_values_and_lines_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = EXAMPLE_FILE.read_text(encoding="utf-8") + "again: ~\nagain: ''\n"
    assert yaml.__with_libyaml__, "the locked PyYAML brings it: nothing would be compared"
    fast = read_yaml(text)

    monkeypatch.setattr("bridge.directory.yaml_tree.PARSER", yaml.SafeLoader)

    assert read_yaml(text) == fast


def test_a_public_number_is_found_without_its_plus(tmp_path: Path) -> None:
    old = "        user: 12\n"
    directory = load(tmp_path, changed(old, old + '        public_number: "+5551"\n'))
    assert directory.extensions_by_public_number["5551"].number == "0003*210"
