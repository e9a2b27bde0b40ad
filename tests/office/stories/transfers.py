"""Transfers by feature code and by phone: completed, half-way, cancelled, refused."""

from __future__ import annotations

from tests.office.stage import CALLER, MOBILE, Stage

_TRANSFER_VOICE_S = 0.8


async def _talking(stage: Stage) -> None:
    """210 has dialled 211, and both talk."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()


async def code_attended_completed(stage: Stage) -> None:
    """210 and 211 talk; 210 presses *2 212, talks to 212, hangs up; 212 hangs up."""
    a, c = stage.phone("210"), stage.phone("212")
    await _talking(stage)
    await a.presses("*2")
    await stage.passes(_TRANSFER_VOICE_S)
    await a.presses("212")
    await c.picks_up()
    await stage.passes(0.3)
    await a.hangs_up()
    await stage.sees("211 and 212 talk", "local 211:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 211 > 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def code_attended_cancelled(stage: Stage) -> None:
    """210 and 211 talk; 210 presses *2 212, which rings; then *1; 211 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await _talking(stage)
    await a.presses("*2")
    await stage.passes(_TRANSFER_VOICE_S)
    await a.presses("212")
    await c.rings()
    await a.presses("*1")
    await c.is_free()
    await stage.sees("210 and 211 talk again", "local 210:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
    )


async def code_attended_refused(stage: Stage) -> None:
    """210 and 211 talk; 210 presses *2 212, which is busy; 210 is back with 211 and hangs up."""
    a, c = stage.phone("210"), stage.phone("212")
    await _talking(stage)
    c.refuses_all()
    await a.presses("*2")
    await stage.passes(_TRANSFER_VOICE_S)
    await a.presses("212")
    await stage.passes(1.5)
    await stage.sees("210 and 211 talk again", "local 210:5 > 211:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in BUSY",
    )


async def code_attended_blonde(stage: Stage) -> None:
    """210 presses *2 212, hangs up while 212 rings; 212 picks up; 211 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await _talking(stage)
    await a.presses("*2")
    await stage.passes(_TRANSFER_VOICE_S)
    await a.presses("212")
    await c.rings()
    await a.hangs_up()
    # Asterisk notices that later than it answers the phone. If 212 picks up before that, it may
    # lock up.
    await stage.passes(1)
    await c.picks_up()
    await stage.sees("211 and 212 talk", "local 211:5 > 212:5")
    await b.hangs_up()
    await stage.ends(
        "local 210 211 > 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def code_blind(stage: Stage) -> None:
    """210 and 211 talk; 210 presses ## 212 and is out; 212 picks up; the app deletes by 211."""
    a, c = stage.phone("210"), stage.phone("212")
    await _talking(stage)
    await a.presses("##")
    await stage.passes(_TRANSFER_VOICE_S)
    await a.presses("212")
    await c.rings()
    await stage.sees("212 rings", "local 211:4 > 212:3")
    await c.picks_up()
    await stage.sees("211 and 212 talk", "local 211:5 > 212:5")
    await stage.deletes(extension="211")
    await stage.ends(
        "local 210 211 > 212: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def phone_attended_completed(stage: Stage) -> None:
    """210 and 211 talk; 210 dials 212, talks, connects both; 211 and 212 talk; 211 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await _talking(stage)
    await a.holds()
    await a.dials("212")
    await c.picks_up()
    await a.is_answered()
    await stage.sees("210 asks 212", "local 210:5 > 211:5", "local 210:5 > 212:5")
    await a.connects_both()
    await a.is_free()
    await stage.sees("211 and 212 talk", "local 211:5 > 212:5")
    await b.hangs_up()
    await stage.ends(
        "210: joined",
        "local 210 211 > 212: answered, by source",
        t210="dial-out dial-out answer-out answer-out ANSWER ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def phone_attended_of_a_ring_group(stage: Stage) -> None:
    """210 dials 601 (Locals that stay), 211 picks up, dials 212, connects both; 210 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    c.refuses_all()
    await a.dials("601")
    await stage.has_refused("212")
    await b.picks_up()
    await a.is_answered()
    c.answers_all()
    c.refuses_all(0)
    await b.holds()
    await b.dials("212")
    await b.is_answered()
    await stage.sees("211 asks 212", "local 210:5 > 211:5", "local 211:5 > 212:5")
    await b.connects_both()
    await b.is_free()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await a.hangs_up()
    await stage.ends(
        "211: joined",
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in dial-out answer-in answer-out ANSWER ANSWER",
        t212="dial-in dial-in answer-in ANSWER BUSY",
    )


async def phone_attended_blonde(stage: Stage) -> None:
    """210 and 211 talk; 210 dials 212, which rings, and connects both; 212 picks up; 211 hangs
    up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await _talking(stage)
    await a.holds()
    await a.dials("212")
    await c.rings()
    await stage.sees("212 rings", "local 210:5 > 211:5", "local 210:4 > 212:3")
    await a.connects_both()
    await a.is_free()
    await stage.sees("211 hears it ring", "local 211:4 > 212:3")
    await c.picks_up()
    await stage.sees("211 and 212 talk", "local 211:5 > 212:5")
    await b.hangs_up()
    await stage.ends(
        "210: joined",
        "local 210 211 > 212: answered, by source",
        t210="dial-out dial-out answer-out ANSWER UNKNOWN",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def phone_attended_cancelled(stage: Stage) -> None:
    """210 and 211 talk; 210 holds, dials 212, which rings; gives up, resumes; 211 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await _talking(stage)
    await a.holds()
    await a.dials("212")
    await c.rings()
    await stage.sees("212 rings", "local 210:4 > 212:3", "local 210:5 > 211:5")
    await a.hangs_up()
    await a.resumes()
    await stage.sees("210 and 211 talk again", "local 210:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by destination",
        "local 210 > 212: no answer, by source",
        t210="dial-out dial-out answer-out ANSWER CANCEL",
        t211="dial-in answer-in ANSWER",
        t212="dial-in CANCEL",
    )


async def phone_attended_refused(stage: Stage) -> None:
    """210 and 211 talk; 210 holds, dials 212, which refuses; 210 resumes; 211 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    c.refuses_all()
    await _talking(stage)
    await a.holds()
    await a.dials("212")
    await stage.has_refused("212")
    await stage.passes(0.3)
    await stage.sees("212 has refused", "local 210:5 > 211:5")
    await a.resumes()
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by destination",
        "local 210 > 212: busy, by destination",
        t210="dial-out dial-out answer-out ANSWER BUSY",
        t211="dial-in answer-in ANSWER",
        t212="dial-in BUSY",
    )


async def phone_blind_to_ring_group(stage: Stage) -> None:
    """Somebody outside talks to 210, which transfers to 600; 211 and 212 ring; 212 picks up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await stage.calls_in("210")
    await a.picks_up()
    await stage.sees("they talk", f"in {CALLER}:5 > 210:5")
    await a.transfers_to("600")
    await a.is_free()
    await b.rings()
    await c.rings()
    await stage.sees("both ring", f"in {CALLER}:4 > 211:3 212:3")
    await c.picks_up()
    await stage.sees("212 talks", f"in {CALLER}:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        f"in {CALLER} > 210 211 212: answered, by destination",
        t210="dial-in answer-in ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def phone_blind_to_mobile(stage: Stage) -> None:
    """210 and 211 talk; 211 transfers 210 to a mobile, which answers; the app deletes by number."""
    b = stage.phone("211")
    await _talking(stage)
    await b.transfers_to(MOBILE)
    await b.is_free()
    await stage.sees("210 talks to the mobile", f"out 210:5 > {MOBILE}:5")
    await stage.deletes(number=MOBILE)
    await stage.ends(
        f"out 210 > 211 {MOBILE}: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
    )


async def phone_blind_refused(stage: Stage) -> None:
    """210 and 211 talk; 211 transfers 210 to 212, which is busy; nobody is left with 210."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await _talking(stage)
    c.refuses_all()
    await b.transfers_to("212")
    await b.is_free()
    await a.is_free()
    await stage.ends(
        "local 210 > 211 212: answered, by pbx",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in BUSY",
    )
