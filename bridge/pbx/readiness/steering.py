"""The needs of the actions on live calls: modules and contexts beside those of calls themselves."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.pbx.readiness.finding import Finding, advice

MODULES: Mapping[str, str] = {
    "app_bridgewait": "OnHold",
    "bridge_holding": "OnHold and Park",
    "res_musiconhold": "OnHold and Park",
}
"""By the module, the actions that are 501 without it."""

CONTEXTS: Mapping[str, tuple[str, str]] = {
    "uapi-hold": ("held", "OnHold"),
    "uapi-transfer": ("back", "Transfer"),
    "uapi-transfer-back": ("", "Transfer"),
}
"""By the context, an exten of it, and the actions that are 501 without it."""


def missing_modules(running: set[str]) -> list[Finding]:
    """One finding for each module that an action needs and that does not run."""
    return [
        advice(f"module {name}: not loaded, no {actions}", f"modules.conf: load = {name}.so")
        for name, actions in MODULES.items()
        if name not in running
    ]
