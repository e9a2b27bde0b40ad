"""A digest is written where the image is named, and replaced by the next one."""

from __future__ import annotations

import pytest

from tests.containers.compose_system import DOCKERFILES
from tests.pinning.dockerfile import base_images_of, with_pinned

_TEXT = """ARG DEBIAN
# FROM debian:other-slim
FROM ${DEBIAN:-debian:trixie-slim} AS python
RUN x
FROM python AS build
FROM plain:1
"""
_ONE, _TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def test_given_stages_when_read_then_only_images_are_named() -> None:
    assert base_images_of(_TEXT) == {"debian:trixie-slim", "plain:1"}


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ("debian:trixie-slim", "FROM ${DEBIAN:-debian:trixie-slim@%s} AS python"),
        ("plain:1", "FROM plain:1@%s"),
    ],
)
def test_given_an_image_when_pinned_twice_then_the_second_digest_stays(
    image: str, line: str
) -> None:
    once = with_pinned(_TEXT, image, _ONE)
    assert line % _ONE in once.splitlines()
    twice = with_pinned(once, image, _TWO)
    assert twice == once.replace(_ONE, _TWO)
    assert base_images_of(twice) == base_images_of(_TEXT)


def test_every_image_of_ours_can_be_pinned_and_given() -> None:
    assert DOCKERFILES
    for file in DOCKERFILES:
        text = file.read_text()
        images = base_images_of(text)
        assert images, file
        for image in images:
            assert with_pinned(text, image, _ONE) != text
            assert f":-{image}" in text  # where only a local copy exists
