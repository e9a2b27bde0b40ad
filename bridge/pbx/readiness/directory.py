"""The directory in the readiness check: every phone, trunk and number that the PBX must have."""

from __future__ import annotations

from bridge.directory.directory import SANDBOX_SHORT, Directory
from bridge.pbx.ami.dial_strings import dialled_endpoint
from bridge.pbx.readiness.ami import AmiLook
from bridge.pbx.readiness.finding import Finding, advice, lacking, ok

_DIGITS = "5551234"
"""Stands for a public number, to show the form of the dial string."""


def endpoints_of(directory: Directory, *, provisioning: bool) -> dict[str, list[str]]:
    """PJSIP endpoints that must be on the PBX, each with who needs it.

    `provisioning`: phones with a secret are made by the service and need not be there.
    """
    needed: dict[str, list[str]] = {}
    for extension in directory.extensions.values():
        if extension.endpoint and not (provisioning and extension.provisioned):
            needed.setdefault(extension.endpoint, []).append(extension.number)
    trunk = trunk_of(directory)
    if trunk and any(x.may_call_public for x in directory.extensions.values()):
        needed.setdefault(trunk, []).append("calls to public numbers")
    return needed


def endpoint_findings(needed: dict[str, list[str]], there: set[str]) -> list[Finding]:
    """`there`: the endpoints of the PBX, as `PJSIP/alice`."""
    found = []
    for endpoint, users in needed.items():
        of = ", ".join(users[:3]) + (f" and {len(users) - 3} more" if len(users) > 3 else "")
        point = f"endpoint {endpoint}, of {of}"
        remedy = (
            f"pjsip.conf: an endpoint [{endpoint.partition('/')[2]}]; or another name in the "
            "directory file (`endpoint`, `outbound_route`)"
        )
        found.append(ok(point) if endpoint in there else lacking(f"{point}: there is none", remedy))
    return found


async def number_findings(look: AmiLook, directory: Directory) -> list[Finding]:
    """Queues, IVRs, conferences, and an outbound route through the dialplan."""
    if "ShowDialPlan" not in look.commands:
        return []
    found = []
    if not await look.has(directory.services_context):
        found.append(_no_services(directory))
    for extension in directory.extensions.values():
        where = _local(extension.dial)
        if where is None or extension.endpoint:
            continue
        exten, context = where
        point = f"{extension.number}: extension {exten} in [{context}]"
        if await look.has(context, exten):
            found.append(ok(point))
        elif context != directory.services_context or await look.has(context):
            remedy = f"extensions.conf [{context}]: exten => {exten}; or `dial` in the directory"
            found.append(lacking(f"{point}: there is none", remedy))
    route = _local(_outbound(directory))
    if route is not None:
        point = f"dialplan context [{route[1]}], of calls to public numbers"
        there = await look.has(route[1])
        found.append(ok(point) if there else lacking(point, "`outbound_route` of the directory"))
    return found


def _no_services(directory: Directory) -> Finding:
    context = directory.services_context
    numbers = [
        x.number
        for x in directory.extensions.values()
        if x.dial == directory.service_dial(x.number)
    ]
    numbers += [f"{x}*{SANDBOX_SHORT}" for x in directory.organizations]
    more = f" and {len(numbers) - 4} more" if len(numbers) > 4 else ""
    return advice(
        f"there is no dialplan context [{context}]: calls to {', '.join(numbers[:4])}{more} fail",
        "extensions.conf: a context with these numbers; `services_context` of the directory",
    )


def _outbound(directory: Directory) -> str:
    route = directory.outbound_route
    return route.dial(_DIGITS) if route is not None else ""


def trunk_of(directory: Directory) -> str:
    """The endpoint of calls to public numbers; empty if they go through the dialplan."""
    return dialled_endpoint(_outbound(directory))


def _local(dial: str) -> tuple[str, str] | None:
    """Extension and context of `Local/600@from-internal/n`; None for another channel."""
    technology, _, rest = dial.partition("/")
    exten, at, context = rest.partition("@")
    return (exten, context.partition("/")[0]) if technology == "Local" and at else None
