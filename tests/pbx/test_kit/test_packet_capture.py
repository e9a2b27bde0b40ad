"""What a real dumpcap writes of a call: its SIP, and its audio."""

from __future__ import annotations

from pathlib import Path

from bridge.testing.journal import now_ms
from bridge.testing.kit import MakePhone, ObservedApi, SystemUnderTest
from bridge.testing.softphones.toolchain import ensure_programs
from bridge.testing.system.packet_capture import capture

A, B = "0003*210", "0003*211"


async def test_given_a_call_then_its_sip_and_its_audio_are_captured(
    uapi_lab: SystemUnderTest, uapi_api: ObservedApi, uapi_phone: MakePhone, tmp_path: Path
) -> None:
    ensure_programs({"dumpcap": "wireshark-common"})
    wanted = f"port {uapi_lab.sip_port} or udp portrange 20000-30199"
    capturing = await capture(tmp_path / "capture", wanted)
    assert capturing is not None, (tmp_path / "capture" / "log").read_text()
    try:
        began_ms = now_ms()
        a = await uapi_phone(A, answer="auto", tone_hz=440)
        await uapi_phone(B, answer="auto", tone_hz=700)
        call = await uapi_api.place(A, B)
        await a.hears(700)
        await call.hang_up()
        packets = capturing.packets(began_ms, now_ms())
    finally:
        await capturing.stop()

    assert capturing.packets(began_ms, now_ms()) == ()
    sip = [x.data for x in packets if b" SIP/2.0\r\n" in x.data or b"SIP/2.0 " in x.data]
    assert any(f"X-Phone-Call-Id: {call.id}".encode() in x for x in sip)
    rtp = [x for x in packets if x.length == 20 + 8 + 12 + 160]  # 20 ms of G.711
    assert len(rtp) > 20
    assert all(began_ms <= x.at_ms for x in packets)
