"""Flows from YAML: those that are shipped and documented, and the faults of others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from bridge.flows.flow import schema
from bridge.flows.reading import EXAMPLES, SUFFIX, WrongFlow, read_flow, read_flow_file
from bridge.flows.steps import AppCreates, SeesCall
from bridge.flows.wording import words_of
from tests.docs_site.stage import ROOT

SHIPPED = sorted(EXAMPLES.glob(f"*{SUFFIX}"))
DOCUMENTED = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/flows.md").read_text(), re.M | re.S)
HEAD = "flow: x\nphones: {a: 0003*210, b: 0003*211}\nsteps:\n"


def test_given_the_shipped_flows_then_there_are_six() -> None:
    assert len(SHIPPED) == 6


@pytest.mark.parametrize("file", SHIPPED, ids=lambda x: x.name)
def test_given_a_shipped_flow_then_it_is_valid_also_by_the_schema(file: Path) -> None:
    assert read_flow_file(file).flow.steps
    jsonschema.validate(yaml.safe_load(file.read_text()), schema())


@pytest.mark.parametrize("text", DOCUMENTED)
def test_given_a_flow_of_the_docs_then_it_is_valid(text: str) -> None:
    assert read_flow(text).flow.steps


def test_given_the_schema_of_the_package_then_it_is_that_of_the_code() -> None:
    file = EXAMPLES.parent / "flow.schema.json"
    assert json.loads(file.read_text()) == schema(), "uapi-bridge flow schema > " + str(file)


def test_given_a_flow_then_names_numbers_and_defaults_are_read() -> None:
    read = read_flow(
        HEAD
        + "  - {who: app, does: create, source: a, destination: [b, '+49301234567']}\n"
        + "  - {who: b, expects: ringing}\n"
    )
    create, ringing = read.flow.steps
    assert isinstance(create, AppCreates)
    assert create.source == ("a",)
    assert create.destination == ("b", "+49301234567")
    assert isinstance(ringing, SeesCall)
    assert ringing.within_s == 5
    assert read.lines == (4, 5)
    assert read.flow.phones["a"].extension == "0003*210"
    assert [words_of(x) for x in read.flow.steps] == [
        "app creates a → b, +49301234567",
        "b expects ringing within 5 s",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "file: is empty"),
        ("- a\n", "line 1: must be a mapping"),
        ("flow: x\nsteps: [\n", "line 3: not valid YAML"),
        ("flow: x\nsteps: &a []\nmore: *a\n", "line 3: not valid YAML: aliases"),
        ("flow: x\nflow: y\nsteps: []\n", "line 2: flow: is written twice"),
        ("flow: x\n", "line 1: steps: is required"),
        ("flow: x\nsteps: []\n", "line 2: steps: "),
        ("flow: x\nphones: {B: 7}\nsteps:\n  - {who: app, does: hang_up}\n", "line 2: phones.B: "),
        (
            "flow: x\nphones: {app: '7'}\nsteps:\n  - {who: app, does: hang_up}\n",
            "line 2: phones.app: app is the app",
        ),
        (HEAD + "  - 5\n", "line 4, step 1: must be a mapping"),
        (HEAD + "  - {who: a}\n", "line 4, step 1: must have one of does and expects"),
        (
            HEAD + "  - {who: a, does: answer, expects: ringing}\n",
            "line 4, step 1: must have one of does and expects",
        ),
        (HEAD + "  - {who: app, does: answer}\n", "line 4, step 1: does: must be one of act, "),
        (HEAD + "  - {who: a, does: [x]}\n", "line 4, step 1: does: must be one of answer, "),
        (
            HEAD + "  - {who: a, does: answer}\n  - who: a\n    expects: tone\n    off: b\n",
            "line 7, step 2: off: unknown key",
        ),
        (
            HEAD + "  - {who: a, expects: ringing, within_s: soon}\n",
            "line 4, step 1: within_s: must be a number",
        ),
        (HEAD + "  - {who: a, expects: ringing, within_s: 9999}\n", "step 1: within_s: must be"),
        (HEAD + "  - {who: c, does: answer}\n", "step 1: who: no phone of this flow is called c"),
        (HEAD + "  - {who: a, does: dial, number: c}\n", "step 1: number: no phone of this flow"),
        (HEAD + "  - {who: a, expects: tone}\n", "step 1: must have one of of and hz"),
        (HEAD + "  - {who: a, expects: tone, of: c}\n", "step 1: of: no phone of this flow"),
        (HEAD + "  - {who: a, does: press, digits: 12x}\n", "step 1: digits: must match"),
        (HEAD + "  - {who: app, does: create, source: a}\n", "step 1: destination: is required"),
        (HEAD + "  - {who: a, expects: ended}\n", "step 1: expects: must be one of no_call, "),
    ],
)
def test_given_a_wrong_flow_then_the_fault_names_line_and_step(text: str, fault: str) -> None:
    with pytest.raises(WrongFlow) as wrong:
        read_flow(text)
    assert fault in str(wrong.value)


def test_given_several_faults_then_all_are_told_in_the_order_of_the_file() -> None:
    with pytest.raises(WrongFlow) as wrong:
        read_flow(HEAD + "  - {who: a, does: dial}\n  - {who: a, does: press, digit: 1}\n")
    assert str(wrong.value).splitlines() == [
        "line 4, step 1: number: is required",
        "line 5, step 2: digits: is required",
        "line 5, step 2: digit: unknown key",
    ]


def test_given_an_unknown_word_and_a_wrong_field_then_both_are_told() -> None:
    with pytest.raises(WrongFlow) as wrong:
        read_flow(HEAD + "  - {who: a, does: press, digit: 1}\n  - {who: a, expects: rings}\n")
    assert str(wrong.value).splitlines() == [
        "line 4, step 1: digits: is required",
        "line 4, step 1: digit: unknown key",
        "line 5, step 2: expects: must be one of no_call, refused, ringing, talking, tone",
    ]


def test_given_a_file_that_is_no_text_then_the_fault_says_so(tmp_path: Path) -> None:
    for content, reason in ((b"\xff", "not UTF-8"), (b"#" * 1_000_001, "is longer than")):
        file = tmp_path / "x.flow.yaml"
        file.write_bytes(content)
        with pytest.raises(WrongFlow, match=reason):
            read_flow_file(file)
    with pytest.raises(WrongFlow, match="cannot be read"):
        read_flow_file(tmp_path / "none")


def test_given_too_many_steps_or_phones_then_the_flow_is_refused() -> None:
    with pytest.raises(WrongFlow, match="at most 200"):
        read_flow(HEAD + "  - {who: app, does: hang_up}\n" * 201)
    phones = ", ".join(f"p{x}: '{200 + x}'" for x in range(17))
    with pytest.raises(WrongFlow, match="at most 16"):
        read_flow(f"flow: x\nphones: {{{phones}}}\nsteps:\n  - {{who: app, does: hang_up}}\n")
