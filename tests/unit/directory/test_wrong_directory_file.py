"""What is said of a wrong directory file: line, path and reason of everything in it."""

from pathlib import Path

import pytest

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import load_directory
from bridge.directory.problems import DirectoryError

from .small_directory import changed, load, problems

ALICE = "organizations[0].users[0].password"


@pytest.mark.parametrize(
    ("old", "new", "line", "where", "reason"),
    [
        ("    name: One\n", "", 2, "organizations[0].name", "is required"),
        ("    name: One", "    nam: One\n    name: x", 4, "organizations[0].nam", "unknown key"),
        ("id: 3", "id: 3\n    id: 4", 3, "organizations[0].id", "is written twice"),
        ("id: 3", "id: three", 2, "organizations[0].id", "whole number"),
        ("user: 12\n", "user: 13\n", 10, "organizations[0].extensions[0].user", "no user 13"),
        ("0003*210", "0004*210", 8, "organizations[0].extensions[0].number", "prefix of its org"),
        ("0003*210", "0003*00", 8, "organizations[0].extensions[0].number", "sandbox"),
        ("0003*210", "210", 8, "organizations[0].extensions[0].number", "extended number"),
        ("Phone Terminal", "Phone", 9, "organizations[0].extensions[0].type", "'Phone Terminal'"),
        ("account: user 12", "account: user 9", 14, "apps[0].account", "no user 9"),
        ("account: user 12", "account: organization 9", 14, "apps[0].account", "no organization"),
        ("account: user 12", "account: me", 14, "apps[0].account", "administrator"),
        ("name: Alice", "name: Alice, password: kT7-wq0Z", 6, ALICE, "`uapi-bridge secret hash`"),
        ("name: Alice", "name: Alice, password: $scrypt$", 6, ALICE, "must be 'generated'"),
        ("client_id: app", "client_id: a:b", 12, "apps[0].client_id", "letters, digits"),
    ],
)
def test_problem_has_line_path_and_reason(
    tmp_path: Path, old: str, new: str, line: int, where: str, reason: str
) -> None:
    [(found_line, found_where, found_reason)] = problems(tmp_path, changed(old, new))
    assert (found_line, found_where) == (line, where)
    assert reason in found_reason


@pytest.mark.parametrize(
    ("line", "key", "reason"),
    [
        ('caller_id: "John\\tDoe <1>"', "caller_id", "must not contain '\\t'"),
        ("may_set_caller_id: perhaps", "may_set_caller_id", "must be yes or no"),
        ("recording: sometimes", "recording", "'never', 'always' or 'on demand'"),
        ("public_number: 5/5", "public_number", "must be digits"),
        ("endpoint: SIP/alice", "endpoint", "PJSIP/alice"),
        ("endpoint: PJSIP/a&PJSIP/b", "endpoint", "PJSIP/alice"),
        ("dial: Local/1@x/n", "dial", "not for a Phone Terminal"),
        ("sip_secret: short", "sip_secret", "must be 8 to 80"),
        ("sip_secret: [a]", "sip_secret", "must be"),
        ("forward: {always: 1-2}", "forward.always", "an extension as in 211"),
        ("forward: {never: 211}", "forward.never", "unknown key"),
        ("forward: {busy: 210}", "forward.busy", "the extension itself"),
        ("forward: {busy: 0003*210}", "forward.busy", "the extension itself"),
        ("forward: {busy: 0003*299}", "forward.busy", "no such extension"),
        ("forward: {no_answer: 3235550200}", "forward.no_answer", "may not call public"),
        ("forward: {no_answer_s: 0}", "forward.no_answer_s", "greater than or equal to 1"),
    ],
)
def test_problem_of_an_extension(tmp_path: Path, line: str, key: str, reason: str) -> None:
    text = changed("        user: 12\n", f"        user: 12\n        {line}\n")
    [(found_line, where, found_reason)] = problems(tmp_path, text)
    assert (found_line, where) == (11, f"organizations[0].extensions[0].{key}")
    assert reason in found_reason


PHONES = """\
organizations:
  - {id: 3, prefix: 1, name: A, users: [{id: 1, name: A}], extensions: [
      {number: 1*1, type: Phone Terminal, user: 1, forward: {always: 2}},
      {number: 1*2, type: Phone Terminal, user: 1, forward: {always: 1*3}},
      {number: 1*3, type: Phone Terminal, user: 1, forward: {%s: 1}},
      {number: 1*4, type: Phone Terminal, user: 1, forward: {always: 1}},
      {number: 1*5, type: IVR, user: 1, forward: {always: 1}},
      {number: 1*6, type: Phone Terminal, user: 1, may_call_public: yes, forward: {busy: 190055}}]}
public_numbers: {min_digits: 3, blocked_prefixes: [1900]}
"""


def test_forwards_that_ring_nobody_or_that_must_not_be(tmp_path: Path) -> None:
    found = {where: reason for _, where, reason in problems(tmp_path, PHONES % "always")}
    extension = "organizations[0].extensions[{}].forward"
    assert {x for x, reason in found.items() if "is a loop" in reason} == {
        extension.format(x) + ".always" for x in (0, 1, 2)
    }
    assert "only for a Phone Terminal" in found[extension.format(4)]
    assert "no outbound_route" in found[extension.format(5) + ".busy"]
    with_route = PHONES % "busy" + "outbound_route: {dial: 'PJSIP/{number}@trunk'}\n"
    found = {where: reason for _, where, reason in problems(tmp_path, with_route)}
    # Where a phone rings in between, the PBX ends the round.
    assert not any("is a loop" in x for x in found.values())
    assert "blocked" in found[extension.format(5) + ".busy"]


TWO_ORGANIZATIONS = """\
organizations:
  - {id: 3, prefix: 1, name: A, users: [{id: 1, name: A}], extensions: [
      {number: 1*1, type: Phone Terminal, user: 1, may_call_public: yes, public_number: 5550001,
       forward: {%s}},
      {number: 1*2, type: Phone Terminal, user: 1, may_call_public: yes, public_number: 5550002,
       forward: {no_answer: 5550003}}]}
  - {id: 4, prefix: 2, name: B, users: [{id: 2, name: B}], extensions: [
      {number: 2*1, type: Phone Terminal, user: 2, may_call_public: yes, public_number: "+5550003",
       forward: {always: 5550004, busy: 2*2}},
      {number: 2*2, type: Phone Terminal, user: 2, may_call_public: yes,
       forward: {busy: "005550001"}}]}
outbound_route: {dial: 'PJSIP/{number}@trunk'}
"""


@pytest.mark.parametrize(
    ("forward", "wrong"),
    [
        ("busy: 5550001", {"[0].extensions[0].forward.busy": "the public number of 1*1"}),
        (
            "always: +5550002",
            {
                "[0].extensions[0].forward.always": "the public number of 1*2",
                "[0].extensions[1].forward.no_answer": "1*2 → 5550003 (2*1) → 2*2 → 1*1 → 1*2",
                "[1].extensions[1].forward.busy": "2*2 → 005550001 (1*1) → 1*2 → 2*1 → 2*2",
            },
        ),
        (
            "busy: 2",
            {
                "[0].extensions[1].forward.no_answer": "1*2 → 5550003 (2*1) → 2*2 → 1*1 → 1*2",
                "[1].extensions[1].forward.busy": "2*2 → 005550001 (1*1) → 1*2 → 2*1 → 2*2",
            },
        ),
        (
            "unregistered: 5550003",
            {
                "[0].extensions[0].forward.unregistered": "1*1 → 5550003 (2*1) → 2*2 → 1*1",
                "[1].extensions[1].forward.busy": "2*2 → 005550001 (1*1) → 2*1 → 2*2",
            },
        ),
        ("busy: 5559999", {}),
    ],
)
def test_forwards_that_go_round_over_the_public_network(
    tmp_path: Path, forward: str, wrong: dict[str, str]
) -> None:
    """Each round is a new call there and back, which knows nothing of those before."""
    text = TWO_ORGANIZATIONS % forward
    if not wrong:
        load(tmp_path, text)
        return
    found = {where: reason for _, where, reason in problems(tmp_path, text)}
    assert set(found) == {f"organizations{x}" for x in wrong}
    for where, reason in wrong.items():
        assert reason in found[f"organizations{where}"]


def test_secrets_never_show_in_problems(tmp_path: Path) -> None:
    text = changed("        user: 12\n", "        user: 12\n        sip_secret: hush;hush;hush\n")
    text = changed("name: App", "name: App\n    client_secret: hush hush hush", text)
    with pytest.raises(DirectoryError) as refused:
        load(tmp_path, text)
    assert len(refused.value.problems) == 2
    assert "hush" not in str(refused.value)
    assert refused.value.__context__ is None


def test_phone_either_exists_or_has_a_password(tmp_path: Path) -> None:
    both = "sip_secret: 12345678\n        endpoint: PJSIP/alice"
    text = changed("        user: 12\n", f"        user: 12\n        {both}\n")
    [(_, where, reason)] = problems(tmp_path, text)
    assert where == "organizations[0].extensions[0].sip_secret"
    assert "existing phone" in reason
    both = "webrtc: yes\n        endpoint: PJSIP/alice"
    text = changed("        user: 12\n", f"        user: 12\n        {both}\n")
    [(_, where, reason)] = problems(tmp_path, text)
    assert where == "organizations[0].extensions[0].webrtc"
    assert "existing phone" in reason
    text = changed("type: Phone Terminal", "type: IVR\n        endpoint: PJSIP/alice")
    [(_, where, reason)] = problems(tmp_path, text)
    assert where == "organizations[0].extensions[0].endpoint"
    assert "only for a Phone Terminal" in reason


def test_whatever_must_be_unique(tmp_path: Path) -> None:
    text = """\
organizations:
  - {id: 3, prefix: 1, name: A, users: [{id: 1, name: A}, {id: 1, name: B}], extensions: [
      {number: 1*1, type: IVR, user: 1, public_number: 5},
      {number: 1*1, type: IVR, user: 1, public_number: "+5"},
      {number: 1*3, type: Phone Terminal, user: 1},
      {number: 1*4, type: Phone Terminal, user: 1, endpoint: PJSIP/1*3},
      {number: 1*5, type: Phone Terminal, user: 1, endpoint: PJSIP/a},
      {number: 1*6, type: Phone Terminal, user: 1, endpoint: PJSIP/a}]}
  - {id: 3, prefix: 1, name: B}
apps:
  - {client_id: a, name: A, account: administrator}
  - {client_id: a, name: A, account: administrator}
"""
    assert {where for _, where, _ in problems(tmp_path, text)} == {
        "organizations[0].users[1].id",
        "organizations[0].extensions[1].number",
        "organizations[0].extensions[1].public_number",
        "organizations[0].extensions[3].endpoint",
        "organizations[0].extensions[5].endpoint",
        "organizations[1].id",
        "organizations[1].prefix",
        "apps[1].client_id",
    }


def test_all_problems_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = changed("id: 3", "id: x")
    text = changed("user: 12\n", "user: 77\n", text)
    text = changed("account: user 12", "account: user 78\n    colour: red", text)
    text += "outbound_route:\n  dial: PJSIP/trunk\npublic_numbers: {min_digits: 9, max_digits: 8}\n"
    assert [where for _, where, _ in problems(tmp_path, text)] == [
        "organizations[0].id",
        "organizations[0].extensions[0].user",
        "apps[0].account",
        "apps[0].colour",
        "outbound_route.dial",
        "public_numbers",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("- a\n", "mapping"),
        ("a: [\n", "not valid YAML"),
        ("a: *b\n", "aliases"),
        ("a: &b [*b]\n", "aliases"),
        ("? [a]\n: b\n", "plain text"),
        ("a: \0", "not valid YAML"),
        ("a: !!python/object:os.system {}\n", "unknown key"),
        ("---\n---\n", "not valid YAML"),
        ("a: " + "[" * 50 + "]" * 50, "nested too deeply"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("organizations: []\n", "at least one"),
        ("organizations:\n", "must be a list"),
    ],
)
def test_what_is_no_directory_at_all(tmp_path: Path, text: str, reason: str) -> None:
    assert any(reason in found for _, _, found in problems(tmp_path, text))


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="cannot be read: No such file"):
        load_directory(tmp_path / "none.yaml", ThrowawaySecrets())
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"a: \xff")
    with pytest.raises(DirectoryError, match="not UTF-8"):
        load_directory(path, ThrowawaySecrets())
