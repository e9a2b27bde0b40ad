"""The actions on live calls, one service per group."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.calls.steering.holding import Holding
from bridge.calls.steering.parking import CallParking
from bridge.calls.steering.transferring import Transferring


@dataclass(frozen=True, slots=True)
class Steering:
    """One field per group of actions."""

    holding: Holding
    transferring: Transferring
    parking: CallParking
