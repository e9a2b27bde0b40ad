"""The files of others that our pages load are those of the packages that they came from."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pinning.vendored import ORIGIN, PACKAGES, SUMS, SWAGGER_UI, Vendored, write


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("vendored", PACKAGES, ids=lambda x: x.package)
def test_the_files_of_others_are_those_of_their_package(vendored: Vendored) -> None:
    lines = [x.split() for x in (vendored.folder / SUMS).read_text().splitlines()]
    assert {name for _, name in lines} == vendored.names
    assert [name for hash_, name in lines if sha256(vendored.contents(name)) != hash_] == []
    there = {x.name.removesuffix(".gz") for x in vendored.folder.iterdir()}
    assert there == {*vendored.names, SUMS, ORIGIN}
    origin = (vendored.folder / ORIGIN).read_text()
    assert re.fullmatch(vendored.package + r" \d+\.\d+\.\d+ sha512-[\w+/=]{88}\n", origin)


def test_the_licences_of_swagger_ui_come_with_it() -> None:
    assert b"Apache License" in SWAGGER_UI.contents("LICENSE")
    assert b"SmartBear" in SWAGGER_UI.contents("NOTICE")
    assert b"DOMPurify" in SWAGGER_UI.contents("swagger-ui-bundle.js.LICENSE.txt")


@pytest.mark.parametrize("vendored", PACKAGES, ids=lambda x: x.package)
def test_each_package_names_its_licence(vendored: Vendored) -> None:
    texts = [vendored.contents(x).decode() for x in sorted(vendored.names)]
    assert any(re.search(r"\b(MIT|Apache|Mozilla Public) License|MIT license", x) for x in texts)


def test_files_that_are_written_again_have_their_sums(tmp_path: Path) -> None:
    (tmp_path / "of-before").touch()
    here = replace(SWAGGER_UI, folder=tmp_path)
    write(here, "origin\n", {"NOTICE": b"notice", "swagger-ui.css": b"style"})
    assert {x.name for x in tmp_path.iterdir()} == {"NOTICE", "swagger-ui.css.gz", SUMS, ORIGIN}
    assert sha256(b"style") in (tmp_path / SUMS).read_text()
