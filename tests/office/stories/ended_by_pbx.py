"""Ringing calls that neither a phone nor the app ends, but somebody else's AMI client."""

from __future__ import annotations

from tests.office.stage import Stage


async def ringing_caller_ended_by_crm(stage: Stage) -> None:
    """210 dials 211, which rings; a CRM hangs up 210's channel."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.rings()
    await stage.crm("Hangup", Channel="@210")
    await a.is_free()
    await stage.ends(
        "local 210 > 211: no answer, by pbx", t210="dial-out CANCEL", t211="dial-in CANCEL"
    )


async def ringing_group_ended_by_crm(stage: Stage) -> None:
    """210 dials 601, whose Local channels stay; both ring; a CRM hangs up 210's channel."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("601")
    await b.rings()
    await c.rings()
    await stage.crm("Hangup", Channel="@210")
    await a.is_free()
    await stage.ends(
        "local 210 > 211 212: no answer, by pbx",
        t210="dial-out CANCEL",
        t211="dial-in CANCEL",
        t212="dial-in CANCEL",
    )


async def ringing_group_rings_out(stage: Stage) -> None:
    """210 dials 605, whose Local channels stay; both ring for 2 s; nobody picks up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("605")
    await b.rings()
    await c.rings()
    await a.is_free()
    await stage.ends(
        "local 210 > 211 212: no answer, by pickup timeout",
        t210="dial-out NOANSWER",
        t211="dial-in NOANSWER",
        t212="dial-in NOANSWER",
    )


async def ringing_api_call_ended_by_crm(stage: Stage) -> None:
    """The app connects 210 with 211, which rings; a CRM hangs up 210's channel."""
    a, b = stage.phone("210"), stage.phone("211")
    a.answers_all()
    await stage.posts(["210"], ["211"])
    await b.rings()
    await stage.crm("Hangup", Channel="@210")
    await a.is_free()
    await stage.ends(
        "local 210 > 211: no answer, by pbx", t210="dial-out CANCEL", t211="dial-in CANCEL"
    )


async def ringing_phone_of_api_call_ended_by_crm(stage: Stage) -> None:
    """The app connects 210 with 211, which rings; a CRM hangs up 211's channel."""
    a, b = stage.phone("210"), stage.phone("211")
    a.answers_all()
    await stage.posts(["210"], ["211"])
    await b.rings()
    await stage.passes(0.3)
    await stage.sees("211 rings", "local 210:4 > 211:3")
    await stage.crm("Hangup", Channel="/^PJSIP/211-/")
    await a.is_free()
    await stage.ends(
        "local 210 > 211: no answer, by pbx", t210="dial-out CANCEL", t211="dial-in CANCEL"
    )


async def ringing_click_ended_by_crm(stage: Stage) -> None:
    """A CRM calls 210 and would then call 211; while 210 rings the CRM hangs it up."""
    a = stage.phone("210")
    await stage.crm(
        "Originate",
        Channel="PJSIP/210",
        Context="from-internal",
        Exten="211",
        Priority="1",
        Async="true",
    )
    await a.rings()
    await stage.crm("Hangup", Channel="@210")
    await a.is_free()
    await stage.ends("local 210 > 211: no answer, by pbx", t210="dial-out CANCEL")


async def ringing_phone_ended_by_crm(stage: Stage) -> None:
    """210 dials 211, which rings; a CRM hangs up 211's channel and gives no cause."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.rings()
    await stage.passes(0.3)
    await stage.crm("Hangup", Channel="@211")
    await a.is_free()
    await stage.ends(
        "local 210 > 211: no answer, by pbx", t210="dial-out CANCEL", t211="dial-in CANCEL"
    )


async def ringing_phone_ended_as_busy_by_crm(stage: Stage) -> None:
    """210 dials 211, which rings; a CRM hangs up 211's channel and says that it is busy."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.rings()
    await stage.passes(0.3)
    await stage.crm("Hangup", Channel="@211", Cause="17")
    await a.is_free()
    await stage.ends(
        "local 210 > 211: no answer, by pbx", t210="dial-out CANCEL", t211="dial-in CANCEL"
    )


async def ringing_phone_of_a_group_ended_by_crm(stage: Stage) -> None:
    """210 dials 603; 211 and 212 ring; a CRM hangs up 211 as if it refused; 212 answers."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("603")
    await b.rings()
    await c.rings()
    await stage.passes(0.3)
    await stage.crm("Hangup", Channel="@211", Cause="21")
    await stage.passes(0.3)
    await c.picks_up()
    await a.is_answered()
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def ringing_source_of_api_call_ended_by_crm(stage: Stage) -> None:
    """The app connects 210 with 211; while 210 rings, a CRM hangs up 210's channel."""
    a = stage.phone("210")
    await stage.posts(["210"], ["211"])
    await a.rings()
    await stage.passes(0.3)
    await stage.crm("Hangup", Channel="@210")
    await a.is_free()
    await stage.ends("local 210 > 211: no answer, by pbx", t210="dial-out CANCEL")


async def ringing_originate_of_api_call_ended_by_crm(stage: Stage) -> None:
    """The app connects 210 with 211; while 210 rings, a CRM hangs up the Local channel of that."""
    a = stage.phone("210")
    await stage.posts(["210"], ["211"])
    await a.rings()
    await stage.passes(0.3)
    await stage.crm("Hangup", Channel="/^Local.ring@.*;1$/")
    await a.is_free()
    await stage.ends("local 210 > 211: no answer, by pbx", t210="dial-out CANCEL")
