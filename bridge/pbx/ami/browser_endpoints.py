"""The second endpoint of an extension, at which its browsers register.

A browser talks encrypted audio and finds its way by ICE, a desk phone mostly neither. So
`0003*210-web` stands beside `0003*210`. Calls know the two as one: another phone of the extension.
"""

from __future__ import annotations

import re

BROWSER_SUFFIX = "-web"
_NUMBER = r"[0-9]+\*[0-9]+"
_BROWSER = re.compile(rf"((?:PJSIP/)?{_NUMBER}){BROWSER_SUFFIX}(?=/|\Z)")


def browser_name(number: str) -> str:
    """The name of the endpoint of the browsers of that extension (`0003*210`)."""
    return number + BROWSER_SUFFIX


def extension_endpoint(endpoint: str) -> str:
    """`PJSIP/0003*210` of `PJSIP/0003*210-web`; any other as it is.

    Also without the technology and where a contact follows, as in dial strings of events.
    """
    if BROWSER_SUFFIX not in endpoint:
        return endpoint
    found = _BROWSER.match(endpoint)
    return endpoint if found is None else found[1] + endpoint[found.end() :]


def is_browser_endpoint(endpoint: str) -> bool:
    """Whether `PJSIP/0003*210-web` is of browsers."""
    return extension_endpoint(endpoint) != endpoint
