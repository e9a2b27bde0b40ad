"""Why a call was not placed or ended, beyond what the PBX says (bridge.calls.pbx)."""

from __future__ import annotations


class TooManyCalls(Exception):
    """A limit of the service is reached; `retry_after_s` is when it is worth trying again."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CallNotPlaced(Exception):
    """The PBX refused the accepted call, or the link went before it was sent; nothing rings.

    `call_id` names the call, whose final record says the same.
    """

    def __init__(self, call_id: str, message: str) -> None:
        super().__init__(message)
        self.call_id = call_id
