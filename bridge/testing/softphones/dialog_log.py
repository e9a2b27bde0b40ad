"""The history of a phone, read from its SIP messages."""

from __future__ import annotations

from dataclasses import dataclass, field

from .sip_message import SipMessage

ANSWERED_ELSEWHERE = 26
"""Q.850 cause with which a phone does not count a cancelled call as missed."""


@dataclass
class Dialog:
    """One call of one phone, incoming or outgoing."""

    call_id: str
    incoming: bool
    invite: SipMessage
    """The INVITE that opened it (of an outgoing call: the first, before the digest)."""
    messages: list[SipMessage] = field(default_factory=list, repr=False)
    ringing: bool = False
    """180 or 183 went out (incoming) or came in (outgoing)."""
    early_media: bool = False
    established: bool = False
    closed: bool = False
    close_reason: str = ""
    """"BYE received", "BYE sent", "CANCEL received", "CANCEL sent", or as "486 Busy Here"."""
    close_cause: int | None = None
    """Cause of the Reason header that ended it, if there was one."""
    local_tag: str = ""
    remote_tag: str = ""

    @property
    def caller_number(self) -> str:
        """The number an incoming call shows."""
        return (self.invite.asserted_identity or self.invite.from_).user

    @property
    def caller_name(self) -> str:
        """The display name an incoming call shows; empty if there is none."""
        return (self.invite.asserted_identity or self.invite.from_).name

    @property
    def dialled_number(self) -> str:
        return self.invite.to.user

    @property
    def offered_video(self) -> bool:
        """True if the INVITE's SDP has an ``m=video`` with a port."""
        return self.invite.media_port("video") != 0

    @property
    def missed(self) -> bool:
        """True if the phone would show a missed call."""
        return (
            self.incoming
            and self.closed
            and not self.established
            and self.close_reason == "CANCEL received"
            and self.close_cause != ANSWERED_ELSEWHERE
        )

    def took(self, method: str, *, sent: bool) -> list[SipMessage]:
        """Requests of that method in this call, in order."""
        return [m for m in self.messages if m.is_request and m.method == method and m.sent == sent]

    def close(self, reason: str, cause: int | None = None) -> None:
        """The first reason stays."""
        if not self.closed:
            self.closed, self.close_reason, self.close_cause = True, reason, cause


class DialogLog:
    """Follows every call of one phone."""

    def __init__(self) -> None:
        self.messages: list[SipMessage] = []
        self.dialogs: list[Dialog] = []
        self._by_call_id: dict[str, Dialog] = {}

    @property
    def incoming(self) -> list[Dialog]:
        """One per INVITE that opened a call; repetitions of the same INVITE do not count."""
        return [dialog for dialog in self.dialogs if dialog.incoming]

    def add(self, message: SipMessage) -> Dialog | None:
        """Take the next message; returns the call it belongs to."""
        self.messages.append(message)
        dialog = self._by_call_id.get(message.call_id)
        if dialog is None:
            if not message.opens_dialog:
                return None
            dialog = Dialog(message.call_id, incoming=not message.sent, invite=message)
            self.dialogs.append(dialog)
            self._by_call_id[message.call_id] = dialog
        dialog.messages.append(message)
        if message.is_request:
            self._request(dialog, message)
        elif message.method == "INVITE":
            self._invite_response(dialog, message)
        return dialog

    def of_call_id(self, call_id: str) -> Dialog | None:
        return self._by_call_id.get(call_id)

    def _request(self, dialog: Dialog, message: SipMessage) -> None:
        verb = "sent" if message.sent else "received"
        if message.method == "BYE":
            dialog.close(f"BYE {verb}", message.cause)
        elif message.method == "CANCEL" and not dialog.established:
            dialog.close(f"CANCEL {verb}", message.cause)
        elif message.method == "ACK" and dialog.incoming and not message.sent:
            answered = any(
                m.sent and m.method == "INVITE" and 200 <= m.status < 300 for m in dialog.messages
            )
            dialog.established = dialog.established or (answered and not dialog.closed)

    def _invite_response(self, dialog: Dialog, message: SipMessage) -> None:
        if dialog.established:
            return  # of a re-INVITE
        local, remote = message.from_.tag, message.to.tag
        if dialog.incoming:
            local, remote = remote, local
        dialog.local_tag, dialog.remote_tag = local, remote
        status = message.status
        if status in (180, 183):
            dialog.ringing = True
            dialog.early_media = dialog.early_media or bool(message.body.strip())
        elif 200 <= status < 300 and not dialog.incoming and not dialog.closed:
            dialog.established = True
        elif status in (401, 407):
            # Answered by the same call with digest. A second challenge means a wrong password.
            if len([m for m in dialog.messages if m.status == status]) > 1:
                dialog.close(message.reason_phrase, message.cause)
        elif status >= 300:
            dialog.close(message.reason_phrase, message.cause)
