"""The images that a Dockerfile is based on: `FROM ${NAME:-IMAGE[@DIGEST]}`, or `FROM IMAGE`."""

from __future__ import annotations

import re

_FROM = re.compile(r"^FROM (?:\$\{\w+:-([^}]+)\}|(\S+))(?: AS (\S+))?$", re.MULTILINE)


def base_images_of(text: str) -> set[str]:
    """Without digests, and without what is a stage of the same file."""
    found = _FROM.findall(text)
    stages = {stage for _, _, stage in found}
    return {(given or plain).partition("@")[0] for given, plain, _ in found} - stages


def with_pinned(text: str, image: str, digest: str) -> str:
    """The text with the digest of that image, wherever it is named after FROM."""
    named = re.escape(image) + r"(?:@sha256:[0-9a-f]+)?(?=[}\s])"
    return re.sub(rf"^(FROM \S*?){named}", rf"\g<1>{image}@{digest}", text, flags=re.MULTILINE)
