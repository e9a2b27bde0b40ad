"""Makes the services of the actions on live calls."""

from __future__ import annotations

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.steering.holding import Holding
from bridge.calls.steering.parking import CallParking
from bridge.calls.steering.parking_shares import ParkingShares
from bridge.calls.steering.steering import Steering
from bridge.calls.steering.transferring import Transferring
from bridge.calls.steering.unheard_parking import UnheardParking
from bridge.keyed_locks import KeyedLocks
from bridge.pbx.ami.steering import AmiSteering
from bridge.pbx.ami.transferring import AmiTransfers


def open_steering(switchboard: Switchboard, pbx: AmiSteering, parked_max: int) -> Steering:
    """The services; they share one lock for each call.

    `parked_max`: how many parties an organization may have in the parking lot.
    """
    one_action = KeyedLocks()
    shares = ParkingShares(switchboard.calls.live, parked_max)
    UnheardParking(switchboard, pbx)
    return Steering(
        holding=Holding(switchboard, pbx, one_action),
        transferring=Transferring(switchboard, AmiTransfers(pbx), one_action),
        parking=CallParking(switchboard, pbx, one_action, shares),
    )
