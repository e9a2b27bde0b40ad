"""Makes the services of the actions on live calls."""

from __future__ import annotations

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.holding import Holding
from bridge.calls.steering.parking import CallParking
from bridge.calls.steering.parking_shares import ParkingShares
from bridge.calls.steering.steering import Steering
from bridge.calls.steering.transferring import Transferring
from bridge.calls.steering.unheard_parking import UnheardParking
from bridge.pbx.ami.steering import AmiSteering
from bridge.pbx.ami.transferring import AmiTransfers


def open_steering(
    switchboard: Switchboard, pbx: AmiSteering, turns: ActionTurns, parked_max: int
) -> Steering:
    """The services; they share the turns of each call.

    `parked_max`: how many parties an organization may have in the parking lot.
    """
    shares = ParkingShares(switchboard.calls.live, parked_max)
    UnheardParking(switchboard, pbx)
    return Steering(
        holding=Holding(switchboard, pbx, turns),
        transferring=Transferring(switchboard, AmiTransfers(pbx), turns),
        parking=CallParking(switchboard, pbx, turns, shares),
    )
