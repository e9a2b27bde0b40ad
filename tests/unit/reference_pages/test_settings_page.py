"""docs/reference/settings.md is what the settings are."""

from __future__ import annotations

from bridge.config.settings import Settings

from .settings_page import PAGE, listed_settings, settings_page, unit_of


def test_the_page_is_made_of_the_settings_as_they_are() -> None:
    assert PAGE.read_text() == settings_page(), "run: make pages"


def test_every_setting_is_listed_once_with_a_reason() -> None:
    listed = list(listed_settings())
    assert [x.name for x in listed] == list(Settings.model_fields)
    assert [x.name for x in listed if not x.reason] == [], "say it in a comment in the class"
    assert [x.name for x in listed if not x.section] == []


def test_a_unit_tells_the_bounds_and_the_words() -> None:
    assert unit_of("http_port") == "port (1 or more, 65535 at most)"
    assert unit_of("connect_timeout_s") == "seconds (above 0)"
    assert unit_of("sqlite_synchronous") == "`FULL`, `NORMAL`"
    assert unit_of("pbx_ca_file") == "path"


def test_every_length_of_time_has_a_unit() -> None:
    times = [x for x in Settings.model_fields if x.endswith(("_s", "_ms", "_days"))]
    assert times
    assert [x for x in times if unit_of(x).startswith(("number", "text"))] == []
