"""The plugin: inert until a test asks for its fixtures."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import pytest

LAB = """
import pytest

from bridge.testing.system.system_under_test import SystemUnderTest


@pytest.fixture(scope="session")
def uapi_lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("system")
    return SystemUnderTest("http://127.0.0.1:1", "127.0.0.1", 1, folder / "secrets.json")


def pytest_uapi_failed(item, report, journal):
    report.sections.append(("calls", journal.text()))
"""


@pytest.fixture
def with_lab(outside: pytest.Pytester) -> pytest.Pytester:
    """Its system under test does nothing."""
    outside.makeconftest(LAB)
    return outside


def test_given_tests_without_calls_when_run_then_nothing_of_the_service_is_loaded(
    outside: pytest.Pytester,
) -> None:
    outside.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            assert "bridge.testing.plugin" in sys.modules
            heavy = ("aiohttp", "sqlalchemy", "pydantic", "yaml", "jsonschema", "bridge.client")
            assert [x for x in heavy if x in sys.modules] == []
        """
    )
    outside.runpytest_subprocess().assert_outcomes(passed=1)


def test_given_tests_of_calls_when_chosen_by_the_mark_then_only_those_run(
    with_lab: pytest.Pytester,
) -> None:
    with_lab.makepyfile(
        """
        def test_of_calls(uapi_journal):
            uapi_journal.step("places a call")
            assert [x.text for x in uapi_journal.observations()] == ["places a call"]

        def test_of_others():
            pass
        """
    )
    run = with_lab.runpytest_subprocess("-m", "uapi")
    run.assert_outcomes(passed=1, deselected=1)


def test_given_a_test_that_fails_then_the_hook_gets_its_journal(with_lab: pytest.Pytester) -> None:
    with_lab.makepyfile(
        """
        async def test_of_calls(uapi_journal):
            uapi_journal.step("places a call")
            assert False
        """
    )
    run = with_lab.runpytest_subprocess()
    run.stdout.fnmatch_lines(["*-- calls --*", "* test    test step: places a call"])


def test_given_a_test_that_raises_then_the_error_is_a_failed_step_of_its_journal(
    with_lab: pytest.Pytester,
) -> None:
    with_lab.makepyfile(
        """
        async def test_of_calls(uapi_journal):
            uapi_journal.nothing()
        """
    )
    run = with_lab.runpytest_subprocess()
    run.stdout.fnmatch_lines(["* test    test failed: AttributeError"])
    run.stdout.fnmatch_lines(
        ["- * ms: AttributeError: 'Journal' object has no attribute 'nothing'"]
    )


def test_given_no_pytest_asyncio_then_a_fixture_says_how_to_get_it(
    outside: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "bridge.testing.plugin.importlib",
        SimpleNamespace(
            import_module=importlib.import_module,
            util=SimpleNamespace(find_spec=lambda x: None if x == "pytest_asyncio" else found(x)),
        ),
    )
    outside.makepyfile("def test_of_calls(uapi_phone): pass")

    run = outside.runpytest_inprocess()

    run.stdout.fnmatch_lines(["*pip install 'uapi-bridge?testing?'*"])


def test_given_two_workers_then_each_has_ports_of_its_own(
    outside: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UAPI_TEST_RUN", raising=False)
    outside.makepyfile(
        """
        import pytest

        from bridge.testing.lab.asterisk_ports import free_asterisk_ports
        from bridge.testing.softphones.ports import own_share

        @pytest.mark.parametrize("n", range(2))
        def test_ports(n, worker_id):
            number = int(worker_id.removeprefix("gw"))
            assert free_asterisk_ports().sip % 2 == number % 2
            assert own_share(range(100, 200)) == list(range(100 + number, 200, 2))
        """
    )
    run = outside.runpytest_subprocess("-p", "xdist.plugin", "-n", "2")
    run.assert_outcomes(passed=2)
