"""An AMI client of somebody else: it clicks to call, moves calls, connects them, listens in."""

from __future__ import annotations

from tests.office.stage import CALLER, MOBILE, SILENT, Stage


async def _clicks(stage: Stage, channel: str, exten: str, **more: str) -> None:
    """The CRM calls `channel` and then the extension `exten`; `more` headers of its Originate."""
    await stage.crm(
        "Originate",
        Channel=channel,
        Context="from-internal",
        Exten=exten,
        Priority="1",
        **more,
        Async="true",
    )


async def click_phone_first_answered(stage: Stage) -> None:
    """A CRM calls 210 and then 211: 210 picks up, 211 rings and picks up; 210 hangs up."""
    a, b = stage.phone("210"), stage.phone("211")
    await _clicks(stage, "PJSIP/210", "211", CallerID="Shop <211>")
    await a.rings()
    # Nothing the PBX says names the number before 210 picks up.
    await stage.sees("210 rings", "local 210:3 > -")
    await a.picks_up()
    await b.rings()
    await stage.sees("211 rings", "local 210:4 > 211:3")
    await b.picks_up()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await a.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
    )


async def click_phone_first_unanswered(stage: Stage) -> None:
    """A CRM calls 210 and then a public number that nobody answers; 210 gives up."""
    a = stage.phone("210")
    await _clicks(stage, "PJSIP/210", SILENT)
    await a.picks_up()
    await stage.passes(0.3)
    await stage.sees("the number rings", f"out 210:4 > {SILENT}:3")
    await a.hangs_up()
    await stage.ends(f"out 210 > {SILENT}: no answer, by source", t210="dial-out CANCEL")


async def click_phone_first_never_picked_up(stage: Stage) -> None:
    """A CRM calls 210 for 1.5 s and would then call 211: nobody picks up."""
    a = stage.phone("210")
    await _clicks(stage, "PJSIP/210", "211", Timeout="1500")
    await a.rings()
    # Nothing the PBX says names the number before 210 picks up.
    await stage.sees("210 rings", "local 210:3 > -")
    await a.is_free()
    await stage.ends("local 210 > 211: no answer, by pickup timeout", t210="dial-out NOANSWER")


async def click_phone_first_refused(stage: Stage) -> None:
    """A CRM calls 210 and would then call a public number: 210 refuses."""
    a = stage.phone("210")
    await _clicks(stage, "PJSIP/210", MOBILE)
    await a.refuses()
    await a.is_free()
    await stage.ends(f"local 210 > {MOBILE}: busy, by source", t210="dial-out BUSY")


async def click_local_first_answered(stage: Stage) -> None:
    """A CRM calls Local/210 and then 211: 210 picks up, 211 picks up; 211 hangs up."""
    a, b = stage.phone("210"), stage.phone("211")
    await _clicks(stage, "Local/210@from-internal", "211", CallerID="Shop <211>")
    await a.rings()
    # Nothing the PBX says names the number before 210 picks up.
    await stage.sees("210 rings", "local 210:3 > -")
    await a.picks_up()
    await b.rings()
    await stage.sees("211 rings", "local 210:4 > 211:3")
    await b.picks_up()
    await stage.sees("they talk", "local 210:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
    )


async def click_local_first_staying_deleted(stage: Stage) -> None:
    """A CRM calls Local/210 (/n) and then a mobile, which answers; the app deletes by 210."""
    a = stage.phone("210")
    await _clicks(stage, "Local/210@from-internal/n", MOBILE)
    await a.picks_up()
    await stage.passes(0.5)
    await stage.sees("they talk", f"out 210:5 > {MOBILE}:5")
    await stage.deletes(extension="210")
    await stage.ends(f"out 210 > {MOBILE}: answered, by api", t210="dial-out answer-out ANSWER")


async def click_into_an_application(stage: Stage) -> None:
    """A CRM calls 210 and lets it hear an echo; 210 picks up and hangs up."""
    a = stage.phone("210")
    await stage.crm("Originate", Channel="PJSIP/210", Application="Echo", Async="true")
    await a.rings()
    await stage.sees("210 rings", "local 210:3 > -")
    await a.picks_up()
    await stage.sees("it hears the echo", "local 210:5 > -")
    await a.hangs_up()
    await stage.ends("local 210 > -: answered, by source", t210="dial-out answer-out ANSWER")


async def click_two_at_once(stage: Stage) -> None:
    """Two CRM users click at once: 210 to 212, 211 to 213; all pick up; 212 and 213 hang up."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    for first, second in (("210", "212"), ("211", "213")):
        await _clicks(stage, f"Local/{first}@from-internal", second)
    await a.picks_up()
    await b.picks_up()
    await c.picks_up()
    await d.picks_up()
    await stage.sees("they talk", "local 210:5 > 212:5", "local 211:5 > 213:5")
    await c.hangs_up()
    await stage.sees("two are left", "local 211:5 > 213:5")
    await d.hangs_up()
    await stage.ends(
        "local 210 > 212: answered, by destination",
        "local 211 > 213: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-out answer-out ANSWER",
        t212="dial-in answer-in ANSWER",
        t213="dial-in answer-in ANSWER",
    )


async def click_customer_first(stage: Stage) -> None:
    """A CRM calls a mobile first, which answers, and then 211, which picks up and hangs up."""
    b = stage.phone("211")
    await _clicks(stage, f"Local/{MOBILE}@from-internal", "211")
    await b.rings()
    await stage.sees("211 rings", f"out {MOBILE}:4 > 211:3")
    await b.picks_up()
    await stage.sees("they talk", f"out {MOBILE}:5 > 211:5")
    await b.hangs_up()
    await stage.ends(
        f"out {MOBILE} > 211: answered, by destination", t211="dial-in answer-in ANSWER"
    )


async def redirect_of_one_leg(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves 210 to 212; 212 picks up; 212 hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await stage.crm("Redirect", Channel="@210", Context="from-internal", Exten="212", Priority="1")
    await b.is_free()
    await c.rings()
    await stage.sees("212 rings", "local 210:4 > 212:3")
    await c.picks_up()
    await stage.sees("210 and 212 talk", "local 210:5 > 212:5")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211 212: answered, by destination",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-in answer-in ANSWER",
    )


async def redirect_of_both_legs(stage: Stage) -> None:
    """210 and 211 talk; a CRM moves both into the conference; the app deletes by 210, 211 too."""
    a, b = stage.phone("210"), stage.phone("211")
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await stage.crm(
        "Redirect",
        Channel="@210",
        Context="from-internal",
        Exten="500",
        Priority="1",
        ExtraChannel="@211",
        ExtraContext="from-internal",
        ExtraExten="500",
        ExtraPriority="1",
    )
    await stage.passes(0.8)
    await stage.sees("both are in the conference", "local 210:5 > 211:5 500:5")
    await stage.deletes(extension="211")
    await stage.ends(
        "local 210 > 211 500: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t500="dial-in answer-in ANSWER",
    )


async def redirect_of_a_ringing_caller(stage: Stage) -> None:
    """Somebody outside calls 211, which rings; a CRM moves the caller to 212, which picks up."""
    b, c = stage.phone("211"), stage.phone("212")
    await stage.calls_in("211")
    await b.rings()
    await stage.crm(
        "Redirect", Channel="@public", Context="from-internal", Exten="212", Priority="1"
    )
    await b.is_free()
    await c.rings()
    await stage.sees("212 rings", f"in {CALLER}:4 > 212:3")
    await c.picks_up()
    await stage.sees("they talk", f"in {CALLER}:5 > 212:5")
    await stage.caller_hangs_up()
    await stage.ends(
        f"in {CALLER} > 211 212: answered, by source",
        t211="dial-in CANCEL",
        t212="dial-in answer-in ANSWER",
    )


async def bridged_two_dialled_calls(stage: Stage) -> None:
    """210 and 211 talk, 212 and 213 talk; a CRM bridges 211 and 213, who talk; 211 hangs up."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await c.dials("213")
    await d.picks_up()
    await c.is_answered()
    await stage.crm("Bridge", Channel1="@211", Channel2="@213", Tone="no")
    await a.is_free()
    await c.is_free()
    await stage.sees("211 and 213 talk", "local 211:5 > 213:5")
    await b.hangs_up()
    await stage.ends(
        "212: joined",
        "local 210 211 > 212 213: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-out answer-out ANSWER",
        t213="dial-in answer-in ANSWER",
    )


async def bridged_api_call_deleted(stage: Stage) -> None:
    """The app connects 210 with 211; 212 and 213 talk; a CRM bridges 210 and 213; deleted by id."""
    a, b, c, d = (stage.phone(x) for x in ("210", "211", "212", "213"))
    a.answers_all()
    call = await stage.posts(["210"], ["211"])
    await b.picks_up()
    await c.dials("213")
    await d.picks_up()
    await c.is_answered()
    await stage.crm("Bridge", Channel1="@210", Channel2="@213", Tone="no")
    await b.is_free()
    await c.is_free()
    await stage.sees("210 and 213 talk", "local 210:5 > 213:5")
    await stage.deletes(call_id=call)
    await stage.ends(
        "212: joined",
        "local 210 > 211 212 213: answered, by api",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-out answer-out ANSWER",
        t213="dial-in answer-in ANSWER",
    )


async def listened_to(stage: Stage) -> None:
    """210 and 211 talk; 212 listens (555); the app deletes by 211; 212 listens on, hangs up."""
    a, b, c = (stage.phone(x) for x in ("210", "211", "212"))
    await a.dials("211")
    await b.picks_up()
    await a.is_answered()
    await c.dials("555")
    await c.is_answered()
    await stage.sees("212 listens", "local 210:5 > 211:5", "local 212:5 > 555")
    await stage.deletes(extension="211")
    await a.is_free()
    await stage.sees("212 is left", "local 212:5 > 555")
    await c.hangs_up()
    await stage.ends(
        "local 210 > 211: answered, by api",
        "local 212 > 555: answered, by source",
        t210="dial-out answer-out ANSWER",
        t211="dial-in answer-in ANSWER",
        t212="dial-out answer-out ANSWER",
    )


async def click_local_first_never_picked_up(stage: Stage) -> None:
    """A CRM calls Local/210 for 1.5 s and would then call 211: nobody picks up."""
    a = stage.phone("210")
    await _clicks(stage, "Local/210@from-internal", "211", Timeout="1500")
    await a.rings()
    await stage.sees("210 rings", "local 210:3 > -")
    await a.is_free()
    await stage.ends("local 210 > 211: no answer, by pickup timeout", t210="dial-out NOANSWER")
