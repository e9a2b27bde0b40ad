"""The options of the kit: from the command line or the ini file, and never in contradiction."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.testing.options import KitOptions


def options_of(outside: pytest.Pytester, ini: str, *arguments: str) -> KitOptions:
    with (outside.path / "pytest.ini").open("a") as file:
        file.write(f"\n{ini}\n")
    return KitOptions.of(outside.parseconfig(*arguments))


def test_given_nothing_then_the_kit_starts_a_service(outside: pytest.Pytester) -> None:
    options = options_of(outside, "")

    assert options.url == ""
    assert (options.client, options.verba_key) == ("user-12", "erasure")
    assert options.receiver_address == "127.0.0.1"
    assert options.settings == {}
    assert options.capture == "auto"


def test_given_an_option_in_both_places_then_the_command_line_wins(
    outside: pytest.Pytester,
) -> None:
    options = options_of(
        outside,
        "uapi_url = http://a.test\nuapi_state_dir = state\nuapi_client = reception",
        "--uapi-url=http://b.test/",
    )

    assert options.url == "http://b.test"
    assert options.state_dir == outside.path / "state"
    assert options.client == "reception"


def test_given_settings_of_the_service_then_they_are_read_line_by_line(
    outside: pytest.Pytester,
) -> None:
    ini = "uapi_settings =\n  calls_per_extension_max=2\n  BRIDGE_TOKEN_LIFETIME_S = 60"
    options = options_of(outside, ini)

    assert options.settings == {"calls_per_extension_max": "2", "token_lifetime_s": "60"}


@pytest.mark.parametrize(
    ("ini", "arguments", "told"),
    [
        ("", ["--uapi-url=http://a.test"], "needs --uapi-state-dir or --uapi-secrets"),
        ("", ["--uapi-state-dir=state"], "need --uapi-url"),
        ("", ["--uapi-capture=always"], "is auto or never"),
        ("uapi_settings = x", [], "'x' is not NAME=VALUE"),
        ("uapi_settings = a=1", ["--uapi-url=http://a.test", "--uapi-secrets=s"], "runs already"),
    ],
)
def test_given_options_that_contradict_then_the_error_names_them(
    outside: pytest.Pytester, ini: str, arguments: list[str], told: str
) -> None:
    with pytest.raises(pytest.UsageError, match=told):
        options_of(outside, ini, *arguments)


def test_given_a_path_then_it_is_below_the_folder_of_the_ini_file(
    outside: pytest.Pytester,
) -> None:
    assert options_of(outside, "uapi_directory = people.yaml").directory == Path(
        outside.path / "people.yaml"
    )
