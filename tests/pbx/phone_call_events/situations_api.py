"""Situations of calls that the API makes."""

from __future__ import annotations

from bridge.testing.softphones.sipp_behaviour import forwards, refuses, rings

from .situation import CALLED, CALLER, Situations, Stage, called, calling

OF_THE_API = Situations()
row = OF_THE_API.row


@row("API: answered", _210=CALLER, _211=CALLED)
async def api_answered(stage: Stage) -> str:
    await stage.phone("210")
    await stage.phone("211")
    call_id = await stage.api.place(["210"], ["211"])
    return await stage.talked(call_id)


@row("API: source busy", _210=calling("BUSY"))
async def api_source_busy(stage: Stage) -> str:
    await stage.scripted("210", refuses(486, "Busy Here"))
    await stage.phone("211")
    return await stage.api.place(["210"], ["211"])


@row("API: source rejects", _210=calling("BUSY"))
async def api_source_rejects(stage: Stage) -> str:
    await stage.scripted("210", refuses(603, "Decline", ring_ms=200))
    return await stage.api.place(["210"], ["3235550200"])


@row("API: source does not answer", _210=calling("NOANSWER"))
async def api_source_not_answered(stage: Stage) -> str:
    await stage.scripted("210", rings())
    return await stage.api.place(["210"], ["3235550200"], waitForPickup="1")


@row("API: cancelled while the source rings", _210=calling("CANCEL"))
async def api_source_cancelled(stage: Stage) -> str:
    await stage.scripted("210", rings())
    call_id = await stage.api.place(["210"], ["3235550200"])
    await stage.api.wait_status(call_id, 3)
    await stage.api.hang_up("210", call_id)
    return call_id


@row("API: destination busy", _210=calling("BUSY"), _211=called("BUSY"))
async def api_destination_busy(stage: Stage) -> str:
    await stage.phone("210")
    await stage.scripted("211", refuses(486, "Busy Here"))
    return await stage.api.place(["210"], ["211"])


@row("API: destination rejects", _210=calling("BUSY"), _211=called("BUSY"))
async def api_destination_rejects(stage: Stage) -> str:
    await stage.phone("210")
    await stage.scripted("211", refuses(603, "Decline", ring_ms=200))
    return await stage.api.place(["210"], ["211"])


@row("API: destination does not answer", _210=calling("NOANSWER"), _211=called("NOANSWER"))
async def api_destination_not_answered(stage: Stage) -> str:
    await stage.phone("210")
    await stage.scripted("211", rings())
    return await stage.api.place(["210"], ["211"])


@row("API: cancelled while the destination rings", _210=calling("CANCEL"), _211=called("CANCEL"))
async def api_destination_cancelled(stage: Stage) -> str:
    await stage.phone("210")
    await stage.scripted("211", rings())
    call_id = await stage.api.place(["210"], ["211"])
    await stage.api.wait_status(call_id, 4)
    await stage.api.hang_up("210", call_id)
    return call_id


@row(
    "API: source hangs up while the destination rings",
    _210=calling("CANCEL"),
    _211=called("CANCEL"),
)
async def api_source_gives_up(stage: Stage) -> str:
    alice = await stage.phone("210")
    await stage.scripted("211", rings())
    call_id = await stage.api.place(["210"], ["211"])
    await stage.api.wait_status(call_id, 4)
    await alice.hangup()
    return call_id


@row("API: destination congested", _210=calling("CONGESTION"))
async def api_congested(stage: Stage) -> str:
    await stage.phone("210")
    return await stage.api.place(["210"], ["3235550503"])


@row("API: destination does not exist", _210=calling("CHANUNAVAIL"))
async def api_no_such_number(stage: Stage) -> str:
    await stage.phone("210")
    return await stage.api.place(["210"], ["3235550404"])


@row("API: destination's phone is not there", _210=calling("CHANUNAVAIL"))
async def api_unavailable(stage: Stage) -> str:
    await stage.phone("210")
    return await stage.api.place(["210"], ["211"])


@row("API: one of several sources answers", _210=CALLER, _213=calling("CANCEL"), _211=CALLED)
async def api_one_of_several(stage: Stage) -> str:
    alice = await stage.phone("210", "manual")
    dave = await stage.scripted("213", rings())
    await stage.phone("211")
    call_id = await stage.api.place(["210", "213"], ["211"], extension="210")
    await alice.wait_ringing()
    await dave.wait_ringing()
    await alice.accept()
    return await stage.talked(call_id)


@row(
    "API: of several sources one refuses and one answers",
    _210=CALLER,
    _213=calling("BUSY"),
    _211=CALLED,
)
async def api_one_refuses(stage: Stage) -> str:
    alice = await stage.phone("210", "manual")
    dave = await stage.scripted("213", refuses(486, "Busy Here", ring_ms=100))
    await stage.phone("211")
    call_id = await stage.api.place(["210", "213"], ["211"], extension="210")
    await dave.wait_closed()
    await alice.wait_ringing()
    await alice.accept()
    return await stage.talked(call_id)


@row("API: none of several sources answers", _210=calling("NOANSWER"), _213=calling("NOANSWER"))
async def api_none_of_several(stage: Stage) -> str:
    await stage.scripted("210", rings())
    await stage.scripted("213", rings())
    return await stage.api.place(["210", "213"], ["3235550200"], extension="210", waitForPickup="1")


@row(
    "API: of several sources one refuses, none answers",
    _210=calling("BUSY"),
    _213=calling("NOANSWER"),
)
async def api_one_refuses_none_answers(stage: Stage) -> str:
    await stage.scripted("210", refuses(603, "Decline"))
    await stage.scripted("213", rings())
    return await stage.api.place(["210", "213"], ["3235550200"], extension="210", waitForPickup="1")


@row(
    "API: to a queue, paid by an agent whose phone rings as well",
    _210=sorted([*CALLER, "dial-in CALLING"]),
    _211=CALLED,
    _300=CALLED,
)
async def api_payer_is_an_agent(stage: Stage) -> str:
    alice, bob = await stage.scripted("210", rings()), await stage.phone("211", "manual")
    call_id = await stage.api.place(["3235550202"], ["300"], extension="210")
    await alice.wait_ringing()
    await bob.wait_ringing()
    await bob.accept()
    await bob.wait_established()
    await bob.hangup()
    return call_id


@row(
    "API: one of several destinations answers",
    _210=CALLER,
    _211=CALLED,
    _212=called("CANCEL"),
    _213=called("BUSY"),
)
async def api_several_destinations(stage: Stage) -> str:
    await stage.phone("210")
    bob, carol = await stage.phone("211", "manual"), await stage.scripted("212", rings())
    dave = await stage.scripted("213", refuses(486, "Busy Here"))
    call_id = await stage.api.place(["210"], ["211", "212", "213"])
    await dave.wait_closed()
    await carol.wait_ringing()
    await bob.wait_ringing()
    await bob.accept()
    return await stage.talked(call_id)


@row("API: paid by a third extension", _210=CALLER, _211=CALLED, _212=CALLER)
async def api_payer(stage: Stage) -> str:
    await stage.phone("210")
    await stage.phone("211")
    call_id = await stage.api.place(["210"], ["211"], extension="212")
    return await stage.talked(call_id, "212")


@row(
    "API: paid by a third extension, the first source refuses and the second answers",
    _213=calling("BUSY"),
    _210=CALLER,
    _211=CALLED,
    _212=CALLER,
)
async def api_payer_first_source_refuses(stage: Stage) -> str:
    dave = await stage.scripted("213", refuses(486, "Busy Here"))
    alice = await stage.phone("210", "manual")
    await stage.phone("211")
    call_id = await stage.api.place(["213", "210"], ["211"], extension="212")
    await dave.wait_closed()
    await alice.wait_ringing()
    await alice.accept()
    return await stage.talked(call_id, "212")


@row(
    "API: paid by a third extension, the first source is congested and the second answers",
    _210=CALLER,
    _211=CALLED,
    _212=CALLER,
)
async def api_payer_first_source_congested(stage: Stage) -> str:
    alice = await stage.phone("210", "manual")
    await stage.phone("211")
    call_id = await stage.api.place(["3235550503", "210"], ["211"], extension="212")
    await alice.wait_ringing()
    await alice.accept()
    return await stage.talked(call_id, "212")


@row(
    "API: paid by a third extension, all of several sources refuse",
    _213=calling("BUSY"),
    _210=calling("BUSY"),
    _212=calling("BUSY"),
)
async def api_payer_all_sources_refuse(stage: Stage) -> str:
    await stage.scripted("213", refuses(486, "Busy Here"))
    await stage.scripted("210", refuses(603, "Decline", ring_ms=300))
    return await stage.api.place(["213", "210"], ["211"], extension="212")


@row("API: between public numbers, not answered", _212=calling("NOANSWER"))
async def api_public_source(stage: Stage) -> str:
    return await stage.api.place(["3235550180"], ["3235550200"], extension="212", waitForPickup="1")


@row("API: to a conference", _210=CALLER, _500=CALLED)
async def api_to_conference(stage: Stage) -> str:
    await stage.phone("210")
    call_id = await stage.api.place(["210"], ["500"])
    return await stage.talked(call_id)


@row("API: source forwards", _210=calling("BUSY"))
async def api_source_forwards(stage: Stage) -> str:
    await stage.scripted("210", forwards("sip:212@pbx"))
    await stage.phone("212")
    return await stage.api.place(["210"], ["211"])


@row("API: destination forwards", _210=calling("BUSY"), _211=called("BUSY"))
async def api_destination_forwards(stage: Stage) -> str:
    await stage.phone("210")
    await stage.scripted("211", forwards("sip:212@pbx"))
    await stage.phone("212")
    return await stage.api.place(["210"], ["211"])


@row("API: one of several sources forwards", _213=calling("BUSY"), _210=CALLER, _211=CALLED)
async def api_one_source_forwards(stage: Stage) -> str:
    dave = await stage.scripted("213", forwards("sip:212@pbx"))
    alice = await stage.phone("210", "manual")
    await stage.phone("211")
    await stage.phone("212")
    call_id = await stage.api.place(["213", "210"], ["211"], extension="210")
    await dave.wait_closed()
    await alice.wait_ringing()
    await alice.accept()
    return await stage.talked(call_id)


@row("API: all sources forward", _213=calling("BUSY"), _210=calling("BUSY"))
async def api_all_sources_forward(stage: Stage) -> str:
    await stage.scripted("213", forwards("sip:212@pbx"))
    await stage.scripted("210", forwards("sip:213@pbx"))
    await stage.phone("212")
    return await stage.api.place(["213", "210"], ["211"], extension="210")


@row("API: cancelled, one source forwards", _213=calling("BUSY"), _210=calling("CANCEL"))
async def api_cancelled_one_source_forwards(stage: Stage) -> str:
    dave = await stage.scripted("213", forwards("sip:212@pbx"))
    alice = await stage.scripted("210", rings())
    await stage.phone("212")
    call_id = await stage.api.place(["213", "210"], ["211"], extension="210")
    await dave.wait_closed()
    await alice.wait_ringing()
    await stage.api.hang_up("210", call_id)
    return call_id


@row("API: one of several destinations forwards", _210=CALLER, _211=CALLED, _213=called("BUSY"))
async def api_one_destination_forwards(stage: Stage) -> str:
    await stage.phone("210")
    bob = await stage.phone("211", "manual")
    dave = await stage.scripted("213", forwards("sip:212@pbx"))
    await stage.phone("212")
    call_id = await stage.api.place(["210"], ["211", "213"])
    await dave.wait_closed()
    await bob.wait_ringing()
    await bob.accept()
    return await stage.talked(call_id)
