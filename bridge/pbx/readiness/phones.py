"""Phones and trunk of the PBX's own in the readiness check: what happens when one vanishes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from bridge.directory.directory import Directory
from bridge.pbx.ari.client import AriClient
from bridge.pbx.ari.errors import AriError
from bridge.pbx.readiness.finding import Finding, advice, ok, unknown

_SHOWN = 3


async def phone_findings(
    ari: AriClient, endpoints: Mapping[str, object], directory: Directory, *, provisioning: bool
) -> list[Finding]:
    """`endpoints`: the endpoints of the directory that the service does not make, as
    `PJSIP/alice`."""
    try:
        found = await _of_endpoints(ari, endpoints, directory)
        return [*found, *(await _of_global(ari) if provisioning else ())]
    except AriError as why:
        return [unknown(f"settings of phones: {why}", "pjsip.conf could not be read through ARI")]


async def _of_endpoints(
    ari: AriClient, endpoints: Mapping[str, object], directory: Directory
) -> list[Finding]:
    without: defaultdict[str, list[str]] = defaultdict(list)
    for endpoint in endpoints:
        technology, _, name = endpoint.partition("/")
        fields = await ari.dynamic_object("endpoint", name) if technology == "PJSIP" else None
        if fields is None:
            continue
        if fields.get("rtp_timeout", "0") == "0":
            without["rtp_timeout"].append(name)
        extension = directory.extensions_by_endpoint.get(endpoint)
        if extension is None:
            continue  # a trunk: many a carrier answers no OPTIONS
        aors = [x for x in fields.get("aors", "").split(",") if x]
        found = [await ari.dynamic_object("aor", x.strip()) or {} for x in aors]
        if found and all(x.get("qualify_frequency", "0") == "0" for x in found):
            without["qualify_frequency"].append(name)
        if found and sum(int(x.get("max_contacts") or 0) for x in found) < extension.devices:
            without["max_contacts"].append(name)
    return [_lacks(option, names) for option, names in without.items()]


def _lacks(option: str, names: list[str]) -> Finding:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    what, remedy = _OPTIONS[option]
    return advice(
        f"endpoint {', '.join(names[:_SHOWN])}{more}: {what}", f"pjsip.conf: {remedy}; then reload"
    )


_OPTIONS = {
    "rtp_timeout": (
        "a call whose other side lost power stays up until its limit",
        "rtp_timeout = 45 and rtp_timeout_hold = 1800 in the endpoint",
    ),
    "qualify_frequency": (
        "a phone that lost power counts as registered for up to an hour",
        "qualify_frequency = 45 in its aor",
    ),
    "max_contacts": (
        "the directory says that more `devices` may be registered than its aor takes",
        "max_contacts in its aor, as many as `devices`",
    ),
}


async def _of_global(ari: AriClient) -> list[Finding]:
    known = await ari.dynamic_object("global", "global") or {}
    point = "taskprocessor_overload_trigger = pjsip_only"
    if known.get("taskprocessor_overload_trigger") in ("pjsip_only", "none"):
        return [ok(point)]
    return [
        advice(
            f"{point} is not set: Asterisk may not answer while thousands of phones are made",
            "pjsip.conf [global]: type = global and that line; then reload",
        )
    ]
