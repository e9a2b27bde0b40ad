"""`public_numbers` with a country: the PBX decides on each number as the service does."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import yaml

from bridge.directory.file_entries import number_rules
from bridge.directory.file_schema import PublicNumbersEntry
from bridge.directory.loader import EXAMPLE_FILE
from bridge.directory.number_rules import NumberRuleError, NumberRules
from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .public_network import calls_of_public_network, wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

RULES = """public_numbers:
  min_digits: 7
  max_digits: 13
  allow_plus: yes
  international_prefix: "00"
  country_code: "49"
  national_prefix: "0"
  strip_prefix: "9"
  allowed_prefixes: ["+49", "+431"]
  blocked_prefixes: ["0900", "+49137"]
"""
# Behind the 9 of an outside line, and without it.
ALLOWED = ("+493012345", "00493012345", "03012345", "903012345", "00431234567")
BLOCKED = (
    *("+49900123456", "0049900123456", "0900123456", "90900123456"),
    *("+49137123456", "0049137123456", "0137123456"),
    *("+331234567", "00331234567", "+432234567", "0043223456", "3012345678"),
)
NUMBERS_AT_LEAST = 200
JUDGE = """
[judge]
exten => s,1,Set(LEFT=${TO_JUDGE})
 same => n(next),Set(ASKED=${CUT(LEFT,~,1)})
 same => n,Set(BRIDGE_NUMBER=${ASKED})
 same => n,Gosub(public-number,check,1)
 same => n,Set(SAID=${SAID}~${ASKED}=${GOSUB_RETVAL}=${BRIDGE_NUMBER})
 same => n,Set(LEFT=${CUT(LEFT,~,2-)})
 same => n,GotoIf($[${LEN(${LEFT})} > 0]?next)
 same => n,Set(GLOBAL(JUDGED)=${SAID}~end)
 same => n,Hangup()
"""
AT_ONCE = 10  # in one console command


def directory() -> str:
    text = EXAMPLE_FILE.read_text()
    found = re.search(r"^public_numbers:\n(?:[ #].*\n)*", text, re.MULTILINE)
    assert found is not None
    return text.replace(found[0], RULES)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("country")
    file = folder / "directory.yaml"
    file.write_text(directory())
    configuration = folder / "configuration"
    shutil.copytree(CONFIGURATION, configuration)
    with (configuration / "pbx" / "extensions.conf").open("a") as extensions:
        extensions.write(JUDGE)
    with (configuration / "pbx" / "modules.conf").open("a") as modules:
        modules.write("\nload = res_clioriginate.so\nload = func_global.so\n")
    lab = await open_lab(folder, {"directory_file": str(file)}, configuration=configuration)
    try:
        yield lab
    finally:
        await lab.close()


async def is_connected(phone: Softphone, number: str) -> bool:
    call = await phone.dial(number)
    await eventually(lambda: call.established or call.closed, timeout=20)
    established = call.established
    if not call.closed:
        await phone.hangup()
        await phone.wait_closed(call=call)
    return established


async def test_given_every_spelling_when_phones_and_apps_dial_it_then_both_get_the_same(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        for number in ALLOWED:
            assert await is_connected(phone, number), number
            call_id = await api.place(["0003*00"], [number], extension="210")
            await wait_public_calls(lab, number.removeprefix("9").removeprefix("+"), 1)
            await api.hang_up("210", call_id)
            await api.wait_ended(call_id)
        before = await calls_of_public_network(lab)
        for number in BLOCKED:
            assert not await is_connected(phone, number), number
            answer = await api.create(["0003*00"], [number], extension="210")
            assert answer.status == 400, number
        assert await calls_of_public_network(lab) == before


def generated() -> Iterator[str]:
    """Around every border of the rules, and the lengths there."""
    chance = random.Random(10)
    beginnings = (
        *("", "+", "0", "00", "000", "9", "9+", "90", "900", "9900", "+0", "00+", "++"),
        *("+49", "0049", "049", "9+49", "90049", "+4", "004", "+48", "0048"),
        *("+490", "00490", "+43", "+431", "00431", "9+431", "+430", "+432", "0431"),
        *("0900", "90900", "+49900", "0049900", "+490900", "900", "0901", "+49901", "00900"),
        *("+49137", "0049137", "0137", "137", "90137", "+49138", "0138"),
    )
    for beginning in beginnings:
        for length in (4, 7, 8, 10, 13, 14, 15, 17):
            missing = length - len(beginning)
            if missing >= 0:
                yield beginning + "".join(chance.choices("0123456789", k=missing))


def verdict(rules: NumberRules, number: str) -> str:
    try:
        return rules.normalise(number)
    except NumberRuleError:
        return "refused"


async def verdicts_of_pbx(lab: RunningLab, numbers: list[str]) -> dict[str, str]:
    """What [public-number] of the shipped dialplan says of each."""
    console = lab.asterisk.pbx.console
    found: dict[str, str] = {}
    for first in range(0, len(numbers), AT_ONCE):
        some = numbers[first : first + AT_ONCE]
        await console("dialplan set global JUDGED none")
        await console(f"dialplan set global TO_JUDGE {'~'.join(some)}")
        await console("channel originate Local/s@judge/n application Hangup")
        said = ""
        for _ in range(100):
            shown = re.search(r"JUDGED=(.*)", await console("dialplan show globals"))
            said = shown[1] if shown else ""
            if said.endswith("~end"):
                break
        assert said.endswith("~end"), said
        for one in said.split("~")[1:-1]:
            asked, cause, number = one.split("=")
            found[asked] = number if cause == "0" else "refused"
    return found


async def test_given_generated_numbers_when_judged_then_pbx_and_service_agree(
    lab: RunningLab,
) -> None:
    entry = PublicNumbersEntry.model_validate(yaml.safe_load(RULES)["public_numbers"])
    rules = number_rules(entry)
    expected = {x: verdict(rules, x) for x in dict.fromkeys(generated())}
    assert len(expected) >= NUMBERS_AT_LEAST
    allowed = sum(x != "refused" for x in expected.values())
    assert 30 <= allowed <= len(expected) - 30
    assert await verdicts_of_pbx(lab, list(expected)) == expected
