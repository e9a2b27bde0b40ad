"""A CRM moves both sides of a talk by one AMI action, each to an extension of its own."""

from __future__ import annotations

from .stage import Stage


async def redirect_both(stage: Stage, one: tuple[str, str], other: tuple[str, str]) -> None:
    """Each is a channel, as `stage.crm` names it, and the extension to which it goes."""
    await stage.crm(
        "Redirect",
        Channel=one[0],
        Context="from-internal",
        Exten=one[1],
        Priority="1",
        ExtraChannel=other[0],
        ExtraContext="from-internal",
        ExtraExten=other[1],
        ExtraPriority="1",
    )
