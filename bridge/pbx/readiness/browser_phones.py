"""The needs of browser phones in the readiness check: modules of the PBX, and ICE."""

from __future__ import annotations

from bridge.directory.directory import Directory
from bridge.pbx.pbx_settings import AmiSettings
from bridge.pbx.phones.opus import OPUS_MODULES
from bridge.pbx.readiness.ami import AmiLook
from bridge.pbx.readiness.config_files import lines_of, read_sections
from bridge.pbx.readiness.finding import Finding, advice, note, ok

_MODULES = {
    "res_srtp": "their audio is encrypted",
    "res_http_websocket": "they register over a WebSocket",
    "res_pjsip_transport_websocket": "they register over a WebSocket",
}
_NO = {"no", "false", "off", "0", "n", "f"}


def module_findings(running: set[str], directory: Directory) -> list[Finding]:
    """Nothing while no extension of the directory has a browser phone."""
    if not has_browser_phones(directory):
        return []
    found = [
        ok(f"module {name}, for browser phones")
        if name in running
        else advice(
            f"module {name}: not loaded, no browser phones ({why})",
            f"modules.conf: load = {name}.so; or take `webrtc: yes` out of the directory",
        )
        for name, why in _MODULES.items()
    ]
    if not OPUS_MODULES & running:  # as in packages before Asterisk 20
        found.append(ok("no module for Opus (codec_opus_open_source): browser phones talk G.711"))
    return found


async def ice_findings(
    look: AmiLook, recording: AmiSettings | None, directory: Directory
) -> list[Finding]:
    """Whether rtp.conf keeps ICE off. `recording`: the user for recording, if there is one."""
    if not has_browser_phones(directory):
        return []
    sections = await read_sections(look, recording, "rtp.conf", ("general",))
    if sections is None:
        return [
            note(
                "rtp.conf could not be read",
                "rtp.conf [general]: see that `icesupport` is not off: browser phones need it",
            )
        ]
    if dict(lines_of(sections[0])).get("icesupport", "yes").lower() in _NO:
        return [
            advice(
                "ICE is off: browser phones have no audio",
                "rtp.conf [general]: icesupport = yes; then `module reload res_rtp_asterisk.so`",
            )
        ]
    return [ok("rtp.conf: ICE, for browser phones")]


def has_browser_phones(directory: Directory) -> bool:
    """Whether an extension has `webrtc: yes`."""
    return any(x.webrtc for x in directory.provisioned_phones())
