"""What nobody reads is not even made: events cost Asterisk as much as the call itself."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections import Counter
from pathlib import Path

from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.public_network import CallableAsterisk

from .conftest import SECRETS
from .pbx_under_test import PbxUnderTest
from .test_calls import INCLUDED

_LATE_EVENTS_S = 0.3


def with_every_event(folder: Path) -> Path:
    """The shipped configuration, but the user is told of all that Asterisk makes."""
    configuration = folder / "asterisk-conf"
    shutil.copytree(CONFIGURATION, configuration)
    manager = configuration / "pbx" / "manager.conf"
    text, rights = re.subn(
        "^read = call,system,dtmf,agent$", "read = all", manager.read_text(), flags=re.M
    )
    text, filters = re.subn("^@EVENT_FILTERS@$", "", text, flags=re.M)
    assert (rights, filters) == (1, 1)
    manager.write_text(text)
    return configuration


async def test_a_call_makes_no_event_that_is_not_used(
    tmp_path: Path, installation: Installation
) -> None:
    asterisk = CallableAsterisk(
        installation=installation,
        state_dir=tmp_path / "s",
        ports=free_asterisk_ports(),
        secrets=SECRETS,
        public_network=False,
        configuration=with_every_event(tmp_path),
    )
    await asterisk.start()
    pbx = PbxUnderTest(asterisk, SECRETS)
    try:
        await pbx.open()
        phones = [await pbx.phone(f"0003*{x}") for x in (210, 211, 212)]
        both = "PJSIP/0003*210&PJSIP/0003*212"
        for source in ("PJSIP/0003*210", both):
            call = await pbx.call(source, "PJSIP/0003*211", "BRIDGE_DESTINATION_CALLER_NUMBER=42")
            await phones[1].next_call()
            if source != both:
                await pbx.bridged(call)
            await pbx.ami.action("Hangup", Channel=call)
            await pbx.ended(call)
        await asyncio.sleep(_LATE_EVENTS_S)  # there is no event that is the last
        made = Counter(event["Event"] for event in pbx.ami.events)
    finally:
        await pbx.close()
        await asterisk.stop()
    assert made["Hangup"] >= 4
    assert made.keys() <= INCLUDED, made


def test_no_event_that_is_used_is_disabled() -> None:
    manager = (CONFIGURATION / "pbx" / "manager.conf").read_text()
    [disabled] = re.findall("^disabledevents = (.*)$", manager, flags=re.M)
    assert not INCLUDED & set(disabled.split(","))
