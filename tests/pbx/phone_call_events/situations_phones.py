"""Situations of calls that phones dial, that come in from the trunk, and of transfers."""

from __future__ import annotations

from bridge.testing.softphones.sipp_behaviour import forwards, refers, refuses, rings

from .situation import CALLED, CALLER, Situations, Stage, called, calling

OF_PHONES = Situations()
row = OF_PHONES.row


@row("phone: answered", _210=CALLER, _211=CALLED)
async def phone_answered(stage: Stage) -> str:
    alice, bob = await stage.phone("210"), await stage.phone("211")
    call_id = await stage.dialled(alice, "211")
    await alice.wait_established()
    await bob.wait_established()
    await alice.hangup()
    return call_id


@row("phone: busy", _210=calling("BUSY"), _211=called("BUSY"))
async def phone_busy(stage: Stage) -> str:
    await stage.scripted("211", refuses(486, "Busy Here"))
    return await stage.dialled(await stage.phone("210"), "211")


@row("phone: rejected", _210=calling("BUSY"), _211=called("BUSY"))
async def phone_rejected(stage: Stage) -> str:
    await stage.scripted("211", refuses(603, "Decline", ring_ms=200))
    return await stage.dialled(await stage.phone("210"), "211")


@row("phone: not answered", _210=calling("NOANSWER"), _211=called("NOANSWER"))
async def phone_not_answered(stage: Stage) -> str:
    await stage.scripted("211", rings())
    async with stage.ringing_at_most_1_s():
        alice = await stage.phone("210")
        call_id = await stage.dialled(alice, "211")
        await alice.wait_closed()
    return call_id


@row("phone: cancelled", _210=calling("CANCEL"), _211=called("CANCEL"))
async def phone_cancelled(stage: Stage) -> str:
    alice, bob = await stage.phone("210"), await stage.scripted("211", rings())
    call_id = await stage.dialled(alice, "211")
    await bob.wait_ringing()
    await alice.hangup()
    return call_id


@row("phone: congested", _210=calling("CONGESTION"))
async def phone_congested(stage: Stage) -> str:
    return await stage.dialled(await stage.phone("210"), "3235550503")


@row("phone: unavailable", _210=calling("CHANUNAVAIL"))
async def phone_unavailable(stage: Stage) -> str:
    return await stage.dialled(await stage.phone("210"), "211")


@row("trunk: answered", _211=CALLED)
async def trunk_answered(stage: Stage) -> str:
    bob = await stage.phone("211")
    call_id = await stage.came_in("5550003211")
    await bob.wait_established()
    await bob.hangup()
    return call_id


@row("trunk: busy", _211=called("BUSY"))
async def trunk_busy(stage: Stage) -> str:
    await stage.scripted("211", refuses(486, "Busy Here"))
    return await stage.came_in("5550003211")


@row("trunk: not answered", _211=called("NOANSWER"))
async def trunk_not_answered(stage: Stage) -> str:
    bob = await stage.scripted("211", rings())
    async with stage.ringing_at_most_1_s():
        call_id = await stage.came_in("5550003211")
        await bob.wait_closed()
    return call_id


@row("trunk: cancelled", _211=called("CANCEL"))
async def trunk_cancelled(stage: Stage) -> str:
    bob = await stage.scripted("211", rings())
    call_id = await stage.came_in("5550003211")
    await bob.wait_ringing()
    await stage.lab.asterisk.hang_up_public_network()
    return call_id


@row("trunk: to a queue, answered by an agent", _300=CALLED, _211=CALLED)
async def trunk_to_queue(stage: Stage) -> str:
    bob = await stage.phone("211")
    call_id = await stage.came_in("5550003300")
    await bob.wait_established()
    await bob.hangup()
    return call_id


@row("trunk: to a queue, given up", _300=CALLED, _211=called("CANCEL"))
async def trunk_to_queue_given_up(stage: Stage) -> str:
    bob = await stage.scripted("211", rings())
    call_id = await stage.came_in("5550003300")
    await bob.wait_ringing()
    await stage.lab.asterisk.hang_up_public_network()
    return call_id


@row("phone: to an IVR", _210=CALLER, _400=CALLED)
async def phone_to_ivr(stage: Stage) -> str:
    alice = await stage.phone("210")
    call_id = await stage.dialled(alice, "400")
    await alice.wait_established()
    await stage.api.wait_call(call_id, lambda call: "answered" in call)
    await alice.hangup()
    return call_id


@row("blind transfer by the calling phone", _210=CALLER, _211=CALLED, _212=CALLED)
async def blind_transfer_by_caller(stage: Stage) -> str:
    alice, bob = await stage.phone("210"), await stage.phone("211")
    carol = await stage.phone("212")
    call_id = await stage.dialled(alice, "211")
    await alice.wait_established()
    await alice.transfer("0003*212")
    await carol.wait_established()
    await bob.hangup()
    return call_id


@row(
    "blind transfer back to who has transferred",
    _210=sorted([*CALLER, "answer incoming ANSWER", "dial-in CALLING"]),
    _211=CALLED,
    _212=CALLED,
)
async def blind_transfer_back(stage: Stage) -> str:
    alice, bob = await stage.phone("210"), await stage.phone("211")
    await stage.scripted("212", refers("0003*210", refer_after_ms=300))
    call_id = await stage.api.place(["210"], ["211"], extension="210")
    await stage.api.wait_status(call_id, 5)
    await alice.transfer("0003*212")
    await alice.wait_closed()
    await alice.wait_established()
    await bob.hangup()
    return call_id


@row("blind transfer by the called phone", _210=CALLER, _211=CALLED, _212=CALLED)
async def blind_transfer(stage: Stage) -> str:
    alice, carol = await stage.phone("210"), await stage.phone("212")
    await stage.scripted("211", refers("0003*212", refer_after_ms=300))
    call_id = await stage.dialled(alice, "211")
    await carol.wait_established()
    await alice.hangup()
    return call_id


@row("blind transfer, not taken", _210=CALLER, _211=CALLED, _212=called("BUSY"))
async def blind_transfer_refused(stage: Stage) -> str:
    alice = await stage.phone("210")
    await stage.scripted("212", refuses(486, "Busy Here", ring_ms=100))
    await stage.scripted("211", refers("0003*212", refer_after_ms=300, talk_ms=500))
    return await stage.dialled(alice, "211")


@row("transfer by an app", _210=CALLER, _211=CALLED, _212=CALLED)
async def transfer_by_app(stage: Stage) -> str:
    alice, bob = await stage.phone("210"), await stage.phone("211")
    await stage.phone("212")
    call_id = await stage.dialled(alice, "211")
    await stage.api.wait_status(call_id, 5)
    await stage.transferred(call_id, 200)
    await bob.hangup()
    return call_id


@row(
    "transfer by an app, not taken: the caller has the party back",
    _210=sorted([*CALLER, "answer incoming ANSWER", "dial-in CALLING"]),
    _211=CALLED,
    _212=called("BUSY"),
)
async def transfer_by_app_refused(stage: Stage) -> str:
    await stage.phone("210")
    bob = await stage.phone("211")
    await stage.scripted("212", refuses(486, "Busy Here", ring_ms=100))
    call_id = await stage.api.place(["210"], ["211"], extension="210")
    await stage.api.wait_status(call_id, 5)
    await stage.transferred(call_id, 409)
    await bob.hangup()
    return call_id


@row(
    "blind transfer by one of several sources",
    _210=CALLER,
    _213=calling("CANCEL"),
    _211=CALLED,
    _212=CALLED,
)
async def blind_transfer_by_one_of_several_sources(stage: Stage) -> str:
    alice, dave = await stage.phone("210", "manual"), await stage.scripted("213", rings())
    bob, carol = await stage.phone("211"), await stage.phone("212")
    call_id = await stage.api.place(["210", "213"], ["211"], extension="210")
    await alice.wait_ringing()
    await dave.wait_ringing()
    await alice.accept()
    await stage.api.wait_status(call_id, 5)
    await alice.transfer("0003*212")
    await carol.wait_established()
    await bob.wait_established()
    await carol.hangup()
    return call_id


@row(
    "blind transfer by one of several sources to another one, which pays",
    _210=CALLER,
    _212=sorted([*CALLED, "dial-out CALLING"]),
    _211=CALLED,
)
async def blind_transfer_to_another_source(stage: Stage) -> str:
    alice, carol = await stage.phone("210", "manual"), await stage.phone("212", "manual")
    bob = await stage.phone("211")
    call_id = await stage.api.place(["210", "212"], ["211"], extension="212")
    await alice.wait_ringing()
    rang = await carol.wait_ringing()
    await alice.accept()
    await stage.api.wait_status(call_id, 5)
    await carol.wait_closed(call=rang)
    await alice.transfer("0003*212")
    await carol.wait_ringing()
    await carol.accept()
    await carol.wait_established()
    await bob.hangup()
    return call_id


@row("phone: the called phone forwards", _210=calling("BUSY"), _211=called("BUSY"))
async def phone_forwards(stage: Stage) -> str:
    await stage.scripted("211", forwards("sip:212@pbx"))
    await stage.phone("212")
    return await stage.dialled(await stage.phone("210"), "211")
