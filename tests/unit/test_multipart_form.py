"""Multipart forms: what clients send, and what would take seconds."""

from __future__ import annotations

import contextlib
import time

import pytest

from bridge.http.multipart_form import multipart_pairs


def part(name: str, value: bytes, *more: str) -> bytes:
    head = [f'Content-Disposition: form-data; name="{name}"', *more]
    return b"--x\r\n" + "\r\n".join(head).encode() + b"\r\n\r\n" + value + b"\r\n"


def test_given_fields_and_a_file_when_read_then_the_fields_are_there() -> None:
    body = (
        part("action", b"GetCallID")
        + part("mname", "Ján".encode())
        + part("latin", b"Caf\xe9", "Content-Type: text/plain; charset=ISO-8859-1")
        + b'--x\r\ncontent-disposition: form-data; filename="a;b"; name="f"\r\n\r\nzzz\r\n'
        + part("empty", b"")
        + b"--x--\r\n"
    )
    assert multipart_pairs("x", body, "utf-8", 1000) == [
        ("action", "GetCallID"),
        ("mname", "Ján"),
        ("latin", "Café"),
        ("empty", ""),
    ]
    assert multipart_pairs("x", b"--x--\r\n", "utf-8", 1000) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        part("a", b"1"),  # no end
        b"--x\r\nno colon\r\n\r\nv\r\n--x--",
        part("a", b"\xff") + b"--x--",
        part("a", b"1", "Content-Transfer-Encoding: base64") + b"--x--",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--",
        part("a" * 2_000, b"1") + b"--x--",
        part("a", b"1") * 2_000 + b"--x--",
    ],
)
def test_given_no_form_when_read_then_it_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, KeyError)):
        multipart_pairs("x", body, "utf-8", 1000)


@pytest.mark.parametrize(
    "body",
    [
        part(";" * 65_000, b"x") + b"--x--",
        part("; a" * 330, b"x") * 60 + b"--x--",
        b"".join(
            b"--x\r\nContent-Type: multipart/a; boundary=%d\r\n\r\n--%d\r\n" % (n, n)
            for n in range(900)
        )
        + b"\r\n" * 10_000
        + b"--x--",
    ],
    ids=["one long head", "long heads", "nested"],
)
def test_given_what_took_a_parser_of_mail_seconds_when_read_then_it_takes_no_time(
    body: bytes,
) -> None:
    began = time.process_time()
    with contextlib.suppress(ValueError, KeyError):
        multipart_pairs("x", body, "utf-8", 1000)
    assert time.process_time() - began < 0.3
