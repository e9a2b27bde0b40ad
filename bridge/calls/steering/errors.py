"""Why an action on a live call was not carried out, beyond what the PBX says (bridge.calls.pbx)."""

from __future__ import annotations


class ActionFailed(Exception):
    """The action was not carried out. `str()` says why: the state of the call, or the PBX's reason.

    Nothing is half done: the parties are where they were, or where `str()` says.
    """


class ActionUnavailable(Exception):
    """This PBX cannot do it: `str()` names the right, module or context that is missing."""


class TransferNotAllowed(Exception):
    """The rule of the call forbids to connect it with this number."""
