"""What is lacking on a PBX is named, with the way to mend it; the shipped one lacks nothing."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.directory.loader import EXAMPLE_FILE
from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import CONFIGURATION, AsteriskSecrets, LocalAsterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.installation import test_installation
from bridge.testing.lab.running_lab import open_lab
from tests.pbx.old_asterisk.conftest import asterisk_16

AMI, ARI = "check-ami-secret", "check-ari-secret"
RECORDING = "check-recording-secret"


@dataclass(frozen=True)
class Checked:
    code: int
    output: str

    def remedy(self, point: str) -> str:
        """The line below the one that says so."""
        lines = self.output.splitlines()
        [number] = [n for n, line in enumerate(lines) if re.search(point, line)]
        return lines[number + 1].strip()


async def check(ports: AsteriskPorts, **given: str) -> Checked:
    """The command as somebody types it."""
    settings = {
        "state_dir": "/nonexistent",
        "pbx_host": ports.bind_address,
        "ami_port": str(ports.ami),
        "ari_port": str(ports.http),
        "ami_secret": AMI,
        "ari_secret": ARI,
        "ami_recording_secret": RECORDING,
        **given,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from bridge.cli import main; main()", "check", "--pbx"),
        env={f"BRIDGE_{k.upper()}": v for k, v in settings.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert not Path(settings["state_dir"]).exists() or "state_dir" in given  # it leaves no trace
    return Checked(process.returncode, output.decode())


async def checked(
    folder: Path,
    *edits: tuple[str, str, str],
    installation: Callable[[], object] = test_installation,
    **settings: str,
) -> Checked:
    """Against an Asterisk with the shipped configuration but these (file, expression, new)."""
    configuration = folder / "asterisk-conf"
    shutil.copytree(CONFIGURATION, configuration)
    for name, old, new in edits:
        file = configuration / "pbx" / name
        text, count = re.subn(old, new, file.read_text(), flags=re.M)
        assert count, f"nothing to edit in {name}"
        file.write_text(text)
    found = await installation()  # type: ignore[misc]
    assert isinstance(found, Installation)
    asterisk = LocalAsterisk(
        installation=found,
        state_dir=folder / "s",
        ports=free_asterisk_ports(),
        secrets=AsteriskSecrets(AMI, ARI, RECORDING),
        public_network=False,
        configuration=configuration,
    )
    await asterisk.start()
    try:
        # The service would have written the queues.
        return await check(asterisk.ports, queues_file=str(asterisk.queues_file), **settings)
    finally:
        await asterisk.stop()


@pytest.mark.parametrize("installation", [test_installation, asterisk_16])
async def test_given_the_shipped_configuration_when_checked_then_all_is_there(
    tmp_path: Path, installation: Callable[[], object]
) -> None:
    done = await checked(tmp_path, installation=installation)

    assert done.code == 0, done.output
    assert "LACKING" not in done.output
    assert "advice" not in done.output
    assert "ok       AMI right write = originate, to place calls" in done.output
    assert 'ok       AMI user "bridge-recording" logs in and may record' in done.output
    assert "ok       manager.conf [bridge]: no event that is used is kept back" in done.output
    assert AMI not in done.output
    assert RECORDING not in done.output
    assert ARI not in done.output


@pytest.mark.parametrize(
    ("file", "old", "new", "point", "remedy"),
    [
        (
            "modules.conf",
            r"^load = app_chanspy\.so\n",
            "",
            "advice   module app_chanspy: not loaded, no Monitor, Whisper and BargeIn",
            "load = app_chanspy.so",
        ),
        (
            "modules.conf",
            r"^load = res_parking\.so\n",
            "",
            "advice   module res_parking: not loaded, no Park and UnPark",
            "load = res_parking.so",
        ),
        (
            "extensions-bridge.conf",
            r"^\[uapi-pick-up\]",
            "[of-an-older-version]",
            r"advice   dialplan context \[uapi-pick-up\], extension call, for an action",
            "extensions-bridge.conf",
        ),
        (
            "pjsip.conf",
            "^identify_by = ip",
            "identify_by = username,ip",
            "LACKING  endpoint PJSIP/trunk, of public numbers, is anybody that names it",
            "identify_by = ip",
        ),
        (
            "pjsip.conf",
            "^identify_by = ip",
            "identify_by = ip\nredirect_method = uri_pjsip",
            "LACKING  endpoint PJSIP/trunk is sent wherever it forwards",
            "remove redirect_method",
        ),
        (
            "extensions.conf",
            r"@trunk,\$\{TRUNK_RING_S\},i\)",
            "@trunk,${TRUNK_RING_S})",
            r"advice   a phone can forward calls .*: Dial of dial@public-call",
            "option i of Dial",
        ),
        (
            "extensions.conf",
            r"Gosub\(public-number,check,1\)",
            "NoOp()",
            "advice   public_numbers of the directory holds for apps only",
            "before your Dial of a public number",
        ),
        (
            "manager.conf",
            ",agent$",
            "",
            "advice   AMI right write = agent, to log agents of queues in and out: it is not there",
            "add agent to `write`",
        ),
        (
            "modules.conf",
            "^load = app_queue.so",
            "",
            "advice   module app_queue: not loaded, no queues and agents",
            "load = app_queue.so",
        ),
        (
            "manager.conf",
            "^read = .*",
            "read = call",
            "LACKING  AMI right read = system",
            "add system to `read`",
        ),
        (
            "manager.conf",
            "^read = .*",
            "read = system",
            "LACKING  AMI right read = call",
            "add call to `read`",
        ),
        (
            "manager.conf",
            "^write = .*",
            "write = call,reporting",
            "LACKING  AMI right write = originate",
            "add originate to `write`",
        ),
        (
            "manager.conf",
            "^write = .*",
            "write = originate,reporting",
            "LACKING  AMI right write = call",
            "add call to `write`",
        ),
        (
            "manager.conf",
            "^write = .*",
            "write = originate,call",
            "LACKING  AMI right write = reporting",
            "add reporting to `write`",
        ),
        (
            "manager.conf",
            "^secret = .*",
            "secret = another",
            "LACKING  AMI user",
            "BRIDGE_AMI_SECRET",
        ),
        (
            "manager.conf",
            "^enabled = yes",
            "enabled = no",
            "LACKING  AMI at",
            "manager.conf .general.: enabled = yes",
        ),
        (
            "manager.conf",
            "^@EVENT_FILTERS@",
            "eventfilter(action(exclude),name(Hangup)) =",
            "LACKING  event Hangup",
            "eventfilter",
        ),
        (
            "extensions-bridge.conf",
            r"^\[bridge-call\]",
            "[other]",
            r"LACKING  dialplan context \[bridge-call\]",
            "extensions-bridge.conf",
        ),
        (
            "extensions.conf",
            r"^\[transfer-any\]",
            "[other]",
            r"LACKING  dialplan context \[transfer-any\]",
            "extensions.conf",
        ),
        (
            "extensions.conf",
            r"^\[phones\]",
            "[other]",
            r"LACKING  dialplan context \[phones\]",
            "BRIDGE_PROVISION_PHONES",
        ),
        (
            "extensions.conf",
            r"^\[services\]",
            "[other]",
            r"advice   there is no dialplan context \[services\]: calls to 0003\*300, .* fail",
            "services_context",
        ),
        (
            "ari.conf",
            "^password = .*",
            "password = another",
            "LACKING  ARI .* user",
            "BRIDGE_ARI_SECRET",
        ),
        (
            "ari.conf",
            "^read_only = no",
            "read_only = yes",
            "LACKING  ARI makes phones",
            "read_only = no",
        ),
        ("ari.conf", "^enabled = yes", "enabled = no", "LACKING  ARI at", "ari.conf"),
        ("http.conf", "^enabled = yes", "enabled = no", "LACKING  ARI at", "http.conf"),
        (
            "manager.conf",
            "^timestampevents = yes",
            "timestampevents = no",
            "advice   events without a Timestamp",
            "timestampevents = yes",
        ),
        (
            "extensions-bridge.conf",
            r"^\[bridge-check\]",
            "[other]",
            r"LACKING  dialplan context \[bridge-check\]",
            "copy asterisk-conf/pbx/extensions-bridge.conf beside extensions.conf",
        ),
        (
            "extensions-bridge.conf",
            r"^\[uapi-conference\]",
            "[other]",
            r"LACKING  dialplan context \[uapi-conference\], of conferences",
            "copy asterisk-conf/pbx/extensions-bridge.conf beside extensions.conf",
        ),
        (
            "modules.conf",
            "^load = app_senddtmf.so",
            "",
            "advice   module app_senddtmf.so runs, for the action SendDTMF",
            "load = app_senddtmf.so",
        ),
        (
            "manager.conf",
            "^read = call,system,dtmf,agent",
            "read = call,system,agent",
            "advice   event DTMFEnd is kept back",
            r"manager.conf \[.*\]: add dtmf to `read`",
        ),
        (
            "extensions.conf",
            r"^exten => _XXXX\*300",
            "exten => _XXXX*399",
            r"LACKING  0003\*300: extension 0003\*300 in \[services\]: there is none",
            r"extensions.conf \[services\]",
        ),
        (
            "pjsip.conf",
            r"^\[trunk\]",
            "[carrier]",
            "LACKING  endpoint PJSIP/trunk, of calls to public numbers: there is none",
            r"pjsip.conf: an endpoint \[trunk\]; .*outbound_route",
        ),
        ("sorcery.conf", "^aor.*astdb.*", "", "LACKING  ARI makes phones", "sorcery.conf"),
        (
            "modules.conf",
            "^load = app_exec.so",
            "",
            "LACKING  module app_exec",
            "load = app_exec.so",
        ),
        (
            "modules.conf",
            "^load = app_bridgewait.so",
            "",
            "advice   module app_bridgewait: not loaded, no OnHold",
            "load = app_bridgewait.so",
        ),
        (
            "extensions-bridge.conf",
            r"^\[uapi-hold\]",
            "[my-hold]",
            r"advice   dialplan context \[uapi-hold\]: there is none, no OnHold",
            "extensions-bridge.conf",
        ),
        (
            "extensions-bridge.conf",
            r"^\[uapi-transfer\]",
            "[my-transfer]",
            r"advice   dialplan context \[uapi-transfer\]: there is none, no Transfer",
            "extensions-bridge.conf",
        ),
        (
            "modules.conf",
            "^load = app_mixmonitor.so",
            "",
            "advice   AMI action MixMonitor",
            "app_mixmonitor.so",
        ),
        (
            "manager.conf",
            "^secret = @AMI_RECORDING_SECRET@",
            "secret = another",
            'advice   AMI user "bridge-recording", for recording: Authentication failed',
            "BRIDGE_AMI_RECORDING_SECRET.*BRIDGE_RECORDING=false",
        ),
        (
            "manager.conf",
            "^write = system",
            "write = call",
            "advice   AMI action MixMonitor",
            r"manager.conf \[bridge-recording\]: add system to `write`",
        ),
        (
            "manager.conf",
            "^read = system",
            "read = call",
            'advice   AMI user "bridge-recording" is not told when Asterisk is up',
            "add system to `read`",
        ),
        (
            "manager.conf",
            "^write = system",
            "write = system,originate",
            'advice   AMI user "bridge-recording" may place calls',
            "`write = system` and nothing else",
        ),
        (
            "pjsip.conf",
            "^rtp_timeout = .*",
            "",
            "advice   endpoint trunk: a call whose other side lost power",
            "rtp_timeout = 45",
        ),
        (
            "pjsip.conf",
            "^taskprocessor_overload_trigger.*",
            "",
            "advice   taskprocessor_overload_trigger",
            "pjsip.conf .global.",
        ),
        (
            "manager.conf",
            "^write = originate,call,reporting",
            "write = originate,call,reporting,system",
            'advice   AMI user "bridge" has the right write = system',
            "remove system from `write`",
        ),
    ],
)
async def test_given_something_is_missing_when_checked_then_it_is_named_with_its_remedy(
    tmp_path: Path, file: str, old: str, new: str, point: str, remedy: str
) -> None:
    done = await checked(tmp_path, (file, old, new))

    assert done.code == (0 if point.startswith("advice") else 1), done.output
    assert re.search(remedy, done.remedy(point)), done.output
    assert "Traceback" not in done.output


VOICEMAIL = "        voicemail: yes"
FEW_EVENTS = "\n".join(
    f"eventfilter(action(include),name({x})) ="
    for x in ("Newchannel", "OriginateResponse", "Hangup", "Shutdown")
)


async def test_given_events_that_are_kept_back_when_checked_then_each_of_them_is_named(
    tmp_path: Path,
) -> None:
    """Every call would stay "not answered" without them."""
    done = await checked(tmp_path, ("manager.conf", "^@EVENT_FILTERS@", FEW_EVENTS))
    assert done.code == 1
    missed = re.findall(r"^LACKING  event (\w+)$", done.output, re.M)
    assert missed == ["Newstate", "DialBegin", "DialState", "DialEnd", "HangupRequest"]


@pytest.mark.parametrize(
    ("edits", "missed"),
    [
        (
            [
                ("^disabledevents = ", "disabledevents = ConfbridgeJoin,"),
                ("^@EVENT_FILTERS@", "eventfilter(action(exclude),name(ConfbridgeLeave)) ="),
            ],
            ["ConfbridgeJoin", "ConfbridgeLeave"],
        ),
        (
            [
                ("^@EVENT_FILTERS@", "@EVENT_FILTERS@\neventfilter = !^Event: MessageW"),
                ("^write = originate", "write = config,originate"),
                ("^write = system", "write = call"),
            ],
            ["MessageWaiting"],
        ),
    ],
    ids=["read by the user for recording", "read by the first user"],
)
async def test_given_an_event_that_no_call_makes_when_it_is_kept_back_then_it_is_named(
    tmp_path: Path, edits: list[tuple[str, str]], missed: list[str]
) -> None:
    file = tmp_path / "directory.yaml"
    file.write_text(EXAMPLE_FILE.read_text().replace("        # voicemail: yes", VOICEMAIL))
    done = await checked(tmp_path, *[("manager.conf", *x) for x in edits], directory_file=str(file))
    assert done.code == 0, done.output
    assert re.findall(r"^advice   event (\w+) is kept back", done.output, re.M) == missed
    assert "take it out of `disabledevents`" in done.remedy(f"event {missed[0]} is kept back")


async def test_given_filters_that_no_user_may_read_when_checked_then_it_is_noted(
    tmp_path: Path,
) -> None:
    edit = ("manager.conf", "^write = system", "write = call")
    done = await checked(tmp_path, edit)
    assert done.code == 0, done.output
    hint = done.remedy(r"note     the event filters of \[bridge\] could not be read")
    assert "ConfbridgeLeave, QueueCallerLeave, PeerStatus" in hint  # nobody has a mailbox


async def test_given_no_news_of_bridges_when_checked_then_it_is_said_what_that_costs(
    tmp_path: Path,
) -> None:
    edit = ("manager.conf", "^disabledevents = ", "disabledevents = BridgeEnter,")
    done = await checked(tmp_path, edit)
    assert done.code == 0, done.output
    remedy = done.remedy("advice   event BridgeEnter is kept back")
    assert "take it out of `disabledevents`" in remedy


async def test_given_ari_that_only_reads_when_no_phone_is_made_then_deletions_are_missed(
    tmp_path: Path,
) -> None:
    edit = ("ari.conf", "^read_only = no", "read_only = yes")
    done = await checked(tmp_path, edit, provision_phones="false", directory_file=str(EXAMPLE_FILE))
    assert done.code == 1
    assert "read_only = no" in done.remedy("LACKING  ARI deletes recordings")


async def test_given_phones_and_numbers_that_the_pbx_lacks_when_checked_then_each_is_named(
    tmp_path: Path,
) -> None:
    file = tmp_path / "directory.yaml"
    file.write_text(OWN_PBX)
    done = await checked(tmp_path, directory_file=str(file), provision_phones="false")
    assert done.code == 1
    for point in (
        "LACKING  endpoint PJSIP/193, of 7\\*193: there is none",
        "LACKING  7\\*600: extension 600 in \\[from-internal\\]: there is none",
        "LACKING  dialplan context \\[outbound\\], of calls to public numbers",
    ):
        assert done.remedy(point)
    assert "0003" not in done.output.partition("valid")[2]


async def test_given_voicemail_of_an_extension_when_the_pbx_lacks_it_then_each_part_is_named(
    tmp_path: Path,
) -> None:
    file = tmp_path / "directory.yaml"
    entry = "      - number: 0003*211\n"
    text = EXAMPLE_FILE.read_text()
    assert entry in text
    file.write_text(text.replace(entry, entry + "        voicemail: yes\n", 1))
    done = await checked(
        tmp_path,
        ("extensions.conf", "^#include extensions-voicemail.conf", ""),
        ("modules.conf", "^load = app_minivm.so", ""),
        directory_file=str(file),
    )
    assert done.code == 1
    assert "#include" in done.remedy("LACKING  dialplan context \\[uapi-voicemail\\], of voicemail")
    assert "app_minivm.so" in done.remedy("LACKING  module app_minivm")


OWN_PBX = """
organizations:
  - id: 1
    prefix: 7
    name: Own
    users: [{id: 1, name: One}]
    extensions:
      - {number: 7*193, type: Phone Terminal, user: 1, endpoint: PJSIP/193, may_call_public: yes}
      - {number: 7*600, type: Queue, user: 1, dial: Local/600@from-internal/n}
outbound_route: {dial: "Local/9{number}@outbound/n"}
"""


async def test_given_a_running_service_when_checked_then_it_takes_the_call_for_nobodys(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    lab = await open_lab(tmp_path_factory.mktemp("lab"))
    try:
        state = str(lab.bridge.state_dir)
        none = {"ami_secret": "", "ari_secret": "", "ami_recording_secret": ""}
        done = await check(lab.asterisk.ports, state_dir=state, **none)
        async with lab.client() as api:
            ended = await api.calls(ended="true")
        lines = lab.bridge.log_lines()
    finally:
        await lab.close()
    assert "ok       a call is answered and hung up" in done.output
    assert done.code == 0, done.output
    assert ended == []
    assert [x for x in lines if "call_id" in x or x["level"] != "info"] == []


async def test_given_no_pbx_is_named_when_checked_then_it_says_which_is_looked_for() -> None:
    done = await check(free_asterisk_ports(), pbx_host="")
    assert "note: BRIDGE_PBX_HOST is not set" in done.output.splitlines()[1]


async def test_given_no_recording_is_wanted_when_checked_then_its_user_is_not_missed(
    tmp_path: Path,
) -> None:
    edit = ("manager.conf", "^secret = @AMI_RECORDING_SECRET@", "secret = another")
    done = await checked(tmp_path, edit, recording="false")

    assert done.code == 0, done.output
    assert "advice" not in done.output
    assert "bridge-recording" not in done.output


async def test_given_nothing_listens_when_checked_then_both_ways_in_are_named() -> None:
    done = await check(free_asterisk_ports())

    assert done.code == 1
    assert "manager.conf" in done.remedy("LACKING  AMI at")
    assert "http.conf" in done.remedy("LACKING  ARI at")


async def test_given_no_secret_when_checked_then_nothing_is_written_and_the_settings_are_named(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    done = await check(free_asterisk_ports(), ami_secret="", state_dir=str(state))

    assert done.code == 1
    assert "BRIDGE_AMI_SECRET" in done.output
    assert not state.exists()


async def test_given_phones_of_its_own_when_checked_then_what_a_lost_one_needs_is_advised(
    tmp_path: Path,
) -> None:
    file = tmp_path / "directory.yaml"
    file.write_text(
        EXAMPLE_FILE.read_text().replace(
            "      - number: 0003*211\n",
            "      - number: 0003*211\n        endpoint: PJSIP/alice\n        devices: 2\n",
        )
    )
    alice = "\n[alice]\ntype = endpoint\ncontext = phones\naors = alice\nallow = ulaw\n"
    alice += "\n[alice]\ntype = aor\nmax_contacts = 1\n"
    done = await checked(tmp_path, ("pjsip.conf", r"\Z", alice), directory_file=str(file))

    assert done.code == 0, done.output
    assert "rtp_timeout = 45" in done.remedy("advice   endpoint alice: a call whose other side")
    assert "qualify_frequency" in done.remedy("advice   endpoint alice: a phone that lost power")
    assert "max_contacts" in done.remedy("advice   endpoint alice: the directory says")
