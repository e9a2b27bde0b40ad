"""The call between Local channels that sets the lamp of a mailbox.

MinivmMWI is an application of the dialplan, so a channel must run it. The call has an id as that of
`check --pbx`, so that the service does not list it as a call of users.
"""

from __future__ import annotations

from bridge.pbx.ami import values
from bridge.pbx.ami.check_call_id import new_check_id
from bridge.pbx.ami.values import AmiAction

LAMP_CONTEXT = "uapi-voicemail-set-lamp"


def lamp_action(mailbox: str, lost_message: str = "") -> AmiAction:
    """Tells the phones of the extension how many messages there are.

    `lost_message`: it becomes a new one before; empty: none does. Raises InvalidPbxValue.
    """
    number = values.caller_number(mailbox, "mailbox")
    return AmiAction(
        "Originate",
        (
            ("Channel", values.dial_string(f"Local/{number}@{LAMP_CONTEXT}/n", "mailbox")),
            ("ChannelId", new_check_id()),
            ("Async", "true"),
            ("Application", "Hangup"),
            ("Data", "16"),
            values.variable("BRIDGE_LOST", lost_message),
        ),
    )
