"""`uapi-bridge flow` and `load`: files, targets and passwords, before any phone is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.command import parser
from bridge.command.flow import running as flow_running
from bridge.command.flow.target import organization_prefix, target
from bridge.command.load import running as load_running
from bridge.command.remote.account import NoAccount
from bridge.flows.flow import schema
from bridge.flows.reading import EXAMPLES, read_flow_file
from bridge.testing.flows.running import FlowFailed
from bridge.testing.load.plan import LoadPlan, Scenario
from bridge.testing.load.results import LoadCall, LoadResults

GIVEN = ("http://127.0.0.1:8080", "app", "secret", "@me")
CLICK = EXAMPLES / "click-to-call.flow.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a service with the shipped directory, which has made some secrets."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "state").mkdir()
    secrets = {"app/user-12": "s12", "sip/0003*210": "s210"}
    (tmp_path / "state/secrets.json").write_text(json.dumps(secrets))
    (tmp_path / "state/secrets.json").chmod(0o600)
    return tmp_path


def run(*words: object) -> Any:
    return CliRunner().invoke(parser.app, [str(x) for x in words])


def test_given_valid_and_wrong_files_when_checked_then_each_fault_is_told(tmp_path: Path) -> None:
    assert run("flow", "check", CLICK).output == "1 valid\n"
    wrong = tmp_path / "w.flow.yaml"
    wrong.write_text("flow: x\nsteps:\n  - {who: app, does: dance}\n")
    told = run("flow", "check", CLICK, wrong)
    assert told.exit_code == 2
    assert "line 3, step 1: does: must be one of act, create" in told.output
    assert run("flow", "run", wrong).exit_code == 2


def test_given_an_editor_then_the_schema_is_printed() -> None:
    assert json.loads(run("flow", "schema").output) == schema()


def test_given_the_folder_of_a_service_then_its_phones_and_address_are_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_SIP_PORT", "5099")
    found = target("", "", "", "@me", "", None)
    assert found.sip == ("127.0.0.1", 5099)
    assert found.secret_of("0003*210") == "s210"
    assert found.secret_of("0003*211") is None  # not made yet
    assert found.secret_of("0003*999") is None
    assert organization_prefix("user-12") == "0003"
    assert organization_prefix("nobody") == ""


def test_given_a_service_elsewhere_then_options_say_where_phones_register(tmp_path: Path) -> None:
    file = tmp_path / "sip.json"
    file.write_text('{"sip/0003*210": "x"}')
    found = target(*GIVEN, "", file)
    assert found.sip == ("127.0.0.1", 5060)
    assert found.secret_of("0003*210") == "x"
    assert target(*GIVEN, "pbx:5080", file).sip == ("pbx", 5080)
    for sip in ("pbx", "pbx:x"):
        with pytest.raises(NoAccount, match="HOST:PORT"):
            target(*GIVEN, sip, file)
    with pytest.raises(NoAccount):
        target(*GIVEN, "", tmp_path / "none")


async def test_given_a_flow_that_fails_then_its_report_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sip.json").write_text("{}")

    async def fails(*_: object) -> None:
        raise FlowFailed(3, 9, "alice expects ringing", "she does not ring\nand more")

    monkeypatch.setattr(flow_running, "run_flow", fails)
    where = target(*GIVEN, "", tmp_path / "sip.json")
    code = await flow_running.run_files({CLICK: read_flow_file(CLICK)}, where, tmp_path / "out")
    printed = capsys.readouterr().out
    assert code == 1
    assert "FAILED  step 3 (line 9): alice expects ringing: she does not ring\n" in printed
    assert printed.endswith("1 flow, 1 failed\n")
    assert (tmp_path / "out/click-to-call.html").exists()


async def test_given_a_flow_whose_phone_is_unknown_then_it_fails_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sip.json").write_text("{}")
    where = target(*GIVEN, "", tmp_path / "sip.json")
    code = await flow_running.run_files({CLICK: read_flow_file(CLICK)}, where, tmp_path / "out")
    assert code == 1
    assert "no SIP password of 0003*210 is here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--url", "http://192.0.2.1"), "192.0.2.1 is not this machine"),
        (("--url", "http://127.0.0.1", "--sip", "pbx:5060"), "pbx is not this machine"),
        (("--scenario", "dance"), "dance"),
    ],
)
def test_given_another_machine_or_scenario_then_no_load_is_made(
    folder: Path, options: tuple[str, ...], message: str
) -> None:
    account = ("--client-id", "x", "--client-secret", "y")
    told = run("load", *account, *options)
    assert told.exit_code == 2
    assert message in told.output


async def test_given_phones_without_passwords_then_no_load_is_made(tmp_path: Path) -> None:
    (tmp_path / "sip.json").write_text("{}")
    plan = LoadPlan(1, 1, Scenario.BUSY, "0003*210", "0003*211")
    with pytest.raises(NoAccount, match=r"0003\*210"):
        await load_running.run_load(plan, target(*GIVEN, "", tmp_path / "sip.json"), (), tmp_path)


def test_given_results_then_figures_and_plot_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = LoadResults([LoadCall(0, 1.0, 2.0, 3.0), LoadCall(0.5, cause="busy [x]")])
    load_running.tell(results, 1.0, tmp_path / "new")
    printed = capsys.readouterr().out
    assert "2 calls in 1.0 s (2.0 a second), 1 failed" in printed
    assert "1  busy [x]" in printed
    assert json.loads((tmp_path / "new/load.json").read_text())["failed"] == 1
