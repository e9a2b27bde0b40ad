"""The timeline of a real call: what phones and packets had is what it says."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.openapi_check import check_answer
from bridge.testing.lab.running_lab import RunningLab

from .public_network import wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = (Path(__file__).parents[3] / "docs" / "timeline.md").read_text()
HEADER = "x-phone-call-id"
PUBLIC = "3235550202"


async def timeline(api: ApiClient, call_id: str) -> list[dict[str, Any]]:
    answer = await api.request("GET", f"/uapi/phoneCalls/@me/@self/{call_id}/timeline")
    assert answer.status == 200, answer.text
    return list(answer.json["entry"])


async def test_given_a_talk_that_an_app_ends_then_its_timeline_has_each_step_and_each_dialog(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.phone("0003*211") as bob:
        call_id = await api.place(["210"], ["211"], extension="210")
        invites = {"210": (await alice.wait_ringing()).invite}
        await alice.accept()
        invites["211"] = (await bob.wait_ringing()).invite
        await bob.accept()
        await api.wait_status(call_id, 5)
        live = await timeline(api, call_id)
        assert live[-1]["type"] == "connected"
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)

    told = await timeline(api, call_id)
    assert told[: len(live)] == live
    ends = [(x["type"], x["number"]) for x in told if x["type"] == "hangup"]
    assert {x for _, x in ends} == set(invites)
    assert [(x["type"], x.get("number")) for x in told] == [
        ("accepted", None),
        ("dial", "210"),
        ("ringing", "210"),
        ("answered", "210"),
        ("dial", "211"),
        ("ringing", "211"),
        ("answered", "211"),
        ("connected", None),
        ("hangupAsked", None),
        *ends,
        ("ended", None),
    ]
    assert told[-1]["by"] == "api"
    for number, invite in invites.items():
        [dial] = [x for x in told if x["type"] == "dial" and x["number"] == number]
        assert dial["sipCallId"] == invite.call_id
        assert invite.header(HEADER) == call_id
    assert await by_curl(api, call_id) == told


async def by_curl(api: ApiClient, call_id: str) -> Any:
    """What the example of the page gives."""
    [command] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        command.replace("curl", "curl -s"),
        env={
            **os.environ,
            "URL": api.base_url,
            "TOKEN": api.token or await api.authenticate(),
            "CALL_ID": call_id,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await shell.communicate()
    return json.loads(said)["entry"]


async def test_given_the_page_then_its_answer_is_one_of_the_document() -> None:
    [answer] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    path = "http://host/uapi/phoneCalls/@me/@self/c3e92a04ff422a7a0b9f/timeline"
    check_answer("GET", path, 200, "application/json", json.loads(answer))


def commands_of(dialplan: str) -> Iterator[str]:
    """Console commands that add each line of a dialplan."""
    context = exten = ""
    number = 0
    for line in dialplan.splitlines():
        if named := re.match(r"\[(.*)\]", line):
            context = named[1]
        elif begins := re.match(r"exten => ([^,]+),1,(.*)", line):
            exten, number = begins[1], 1
            yield f"dialplan add extension {exten},1,{begins[2]} into {context}"
        elif goes_on := re.match(r" same => n,(.*)", line):
            number += 1
            yield f"dialplan add extension {exten},{number},{goes_on[1]} into {context}"


async def test_given_the_dialplan_of_the_page_then_its_phones_get_the_header_too(
    lab: RunningLab, api: ApiClient
) -> None:
    [dialplan] = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    pbx = lab.asterisk.pbx
    try:
        for command in commands_of(dialplan):
            assert "added into" in await pbx.console(command)
        await pbx.console("module load res_clioriginate.so")
        async with lab.phone("0003*210") as alice:
            dials = "channel originate Local/0003*210@your-extensions application Wait 5"
            await pbx.console(dials)
            invite = (await alice.wait_ringing()).invite
            [call] = await api.calls("210")
            path = f"/uapi/phoneCalls/@me/210/{call['id']}/timeline"
            assert invite.header(HEADER) == (await api.request("GET", path)).json["linkedId"]
            await api.hang_up("210", call["id"])
            await alice.wait_closed()
    finally:
        # Other tests may use this Asterisk, and `check --pbx` reads its dialplan.
        for context in re.findall(r"^\[(.*)\]", dialplan, re.MULTILINE):
            assert "Removed context" in await pbx.console(f"dialplan remove context {context}")


async def test_given_a_public_number_then_its_carrier_does_not_get_the_id_of_the_call(
    lab: RunningLab, api: ApiClient
) -> None:
    pbx = lab.asterisk.pbx
    await pbx.console("module load res_pjsip_history.so")
    await pbx.console("pjsip set history on")
    try:
        async with lab.phone("0003*210", answer="auto") as alice:
            call_id = await api.place(["210"], [PUBLIC], extension="210")
            assert (await alice.wait_established()).invite.header(HEADER) == call_id
            await wait_public_calls(lab, PUBLIC, 1)
            history = await pbx.console("pjsip show history")
            sent = re.findall(rf"^(\d+) .*INVITE sip:{PUBLIC}@", history, re.MULTILINE)
            invite = await pbx.console(f"pjsip show history entry {sent[0]}")
            await api.hang_up("210", call_id)
            await api.wait_ended(call_id)
    finally:
        await pbx.console("pjsip set history off")
        await pbx.console("pjsip set history clear")
    assert f"sip:{PUBLIC}@" in invite
    assert HEADER not in invite.lower()
