"""Checks for toll fraud: dialplan steps that follow forwards of phones, and trunks that are
recognised by a name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.directory.directory import Directory
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.readiness.ami import AmiLook
from bridge.pbx.readiness.finding import Finding, advice, lacking, ok, unknown

_SHOWN = 4
_NUMBER_RULES = "public-number,check"
# A Local channel is dialplan, which does not forward.
_RINGS_PHONES = re.compile(r"(?!Local/)", re.I)


async def dial_findings(look: AmiLook, directory: Directory) -> list[Finding]:
    """Every Dial and Queue of the dialplan; and whether number rules hold for phones."""
    if "ShowDialPlan" not in look.commands:
        return []
    steps: list[Headers] = []
    action = AmiAction("ShowDialPlan", each_item=steps.append, item_event="ListDialplan")
    answer = await look.connection.send(action, look.settings.action_timeout_s)
    if answer.get("Response") != "Success":
        return [unknown("forwards of phones", "the dialplan is not listed")]
    found = [_follows_forwards(steps)]
    if any(x.may_call_public for x in directory.extensions.values()):
        found.append(_number_rules(steps))
    return found


def _follows_forwards(steps: list[Headers]) -> Finding:
    follow = [_place(x) for x in steps if follows_forwards(x.get("Application", ""), _data(x))]
    point = "the dialplan follows no forward of a phone (302)"
    if not follow:
        return ok(point)
    where = ", ".join(follow[:_SHOWN])
    if len(follow) > _SHOWN:
        where += f" and {len(follow) - _SHOWN} more"
    return advice(
        f"a phone can forward calls to any number, channel and context: {where}",
        "extensions.conf: option i of Dial and Queue, as in Dial(PJSIP/alice,60,i); see "
        "docs/decisions/forwards.md",
    )


def _number_rules(steps: list[Headers]) -> Finding:
    point = "public_numbers of the directory holds for what phones dial"
    if any(x.get("Application") == "Gosub" and _data(x).startswith(_NUMBER_RULES) for x in steps):
        return ok(point)
    return advice(
        "public_numbers of the directory holds for apps only, not for what phones dial",
        "extensions.conf: before your Dial of a public number, "
        f"Gosub({_NUMBER_RULES},1), see docs/own-asterisk.md; or rules of your own",
    )


def follows_forwards(application: str, data: str) -> bool:
    """Whether this step rings phones and lacks the option that ignores what they answer."""
    if application == "Dial":
        arguments = _arguments(data)
        if not arguments[0] or all(not _RINGS_PHONES.match(x) for x in arguments[0].split("&")):
            return False
        options = arguments[2] if len(arguments) > 2 else ""
    elif application == "Queue":
        arguments = _arguments(data)
        options = arguments[1] if len(arguments) > 1 else ""
    else:
        return False
    return "i" not in _without_groups(options)


def _arguments(data: str) -> list[str]:
    """Split at the commas that no bracket encloses."""
    found, depth = [""], 0
    for char in data:
        depth += (char in "({[") - (char in ")}]")
        if char == "," and depth <= 0:
            found.append("")
        else:
            found[-1] += char
    return found


def _without_groups(options: str) -> str:
    """The letters of the options, without their arguments and without variables."""
    kept, depth = "", 0
    for char in options:
        depth += char in "({["
        if depth == 0:
            kept += char
        depth -= char in ")}]"
    return kept


def _data(step: Headers) -> str:
    return step.get("AppData", "")


def _place(step: Headers) -> str:
    return f"{step.get('Application')} of {step.get('Extension')}@{step.get('Context')}"


def toll_findings(endpoint: str, fields: Mapping[str, str], *, is_trunk: bool) -> list[Finding]:
    """One endpoint that calls of the directory use, as ARI tells of it."""
    name = endpoint.partition("/")[2]
    found = []
    if fields.get("redirect_method") == "uri_pjsip":
        found.append(
            lacking(
                f"endpoint {endpoint} is sent wherever it forwards a call to",
                f"pjsip.conf [{name}]: remove redirect_method = uri_pjsip, no option of Dial stops "
                "it",
            )
        )
    identified = {x.strip() for x in fields.get("identify_by", "").split(",")}
    if is_trunk and not fields.get("auth") and identified & {"username", "auth_username"}:
        found.append(
            lacking(
                f"endpoint {endpoint}, of public numbers, is anybody that names it in From",
                f"pjsip.conf [{name}]: identify_by = ip, with an identify section of its "
                "addresses; or an `auth`",
            )
        )
    return found or [ok(f"endpoint {endpoint}: nobody else can be it, or be called by it")]
