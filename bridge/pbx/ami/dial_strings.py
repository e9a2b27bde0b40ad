"""Parses dial strings."""

from __future__ import annotations


def dialled_endpoint(dial: str) -> str:
    """`PJSIP/carrier` of `PJSIP/5551234@carrier`, `PJSIP/0003*210` of itself, also where a contact
    follows; empty for other technologies, such as a Local channel."""
    technology, _, resource = dial.partition("/")
    if technology != "PJSIP" or not resource:
        return ""
    whom = resource.partition("/")[0]
    return f"PJSIP/{whom.rpartition('@')[2]}"
