"""What is installed, and from what it is built, is known by its hash or its exact version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
_LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-build.lock",
    "requirements-docs.lock",
)


def _commands(file: str) -> list[str]:
    text = re.sub(r"\\\n", " ", (ROOT / file).read_text())
    return [line for line in text.splitlines() if re.search(r"\bpip\b.*\binstall\b", line)]


@pytest.mark.parametrize("file", ["Makefile", "Dockerfile"])
def test_nothing_is_installed_without_its_hash(file: str) -> None:
    commands = [x for x in _commands(file) if not re.search(r"install -q uv$|apt-get", x)]
    assert commands
    for command in commands:
        assert "--require-hashes" in command or (
            # Our own package: what builds it has been installed before, with its hash.
            "--no-deps" in command and "--no-build-isolation" in command
        ), command


@pytest.mark.parametrize("lock", _LOCKS)
def test_every_package_of_a_lock_is_exact_and_has_a_hash(lock: str) -> None:
    text = re.sub(r"\\\n", " ", (ROOT / lock).read_text())
    packages = [x for x in text.splitlines() if x and not x.lstrip().startswith("#")]
    assert packages
    assert [x for x in packages if "==" not in x or "--hash=sha256:" not in x] == []


def test_what_builds_the_package_is_what_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]
    for requirement in project["build-system"]["requires"]:
        assert f"{requirement} " in (ROOT / "requirements-build.lock").read_text()


def test_old_package_lists_are_allowed_by_the_setting_only() -> None:
    texts = {
        file: file.read_text()
        for folder in ("bridge", "asterisk-conf", "tests/containers")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.suffix not in (".pyc", ".gz")
    }
    allowing = [file for file, text in texts.items() if "Check-Valid-Until" in text]
    assert allowing
    assert [file for file in allowing if "stale_mirror" not in texts[file]] == []


def test_a_workflow_runs_no_action_of_others_unless_its_content_is_named() -> None:
    workflows = list((ROOT / ".github" / "workflows").glob("*.yml"))
    assert workflows
    used = [x for file in workflows for x in re.findall(r"uses: *(\S+)", file.read_text())]
    assert [x for x in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", x)] == []


def test_the_workflow_runs_ci_on_the_python_of_the_package_and_later() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    versions = yaml.safe_load(text)["jobs"]["all"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={versions[0]}"
    assert " .ci/run\n" in text


def test_hooks_before_a_commit_are_tools_of_the_lock() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [x["repo"] for x in hooks] == ["local"], "nothing is fetched"
    tools = {x["entry"].split()[0].removeprefix(".venv/bin/") for x in hooks[0]["hooks"]}
    check = (ROOT / "Makefile").read_text().partition("\ncheck: ")[2].partition("\n\n")[0]
    assert tools == set(re.findall(r"\$\(BIN\)/([\w-]+)", check)), "as `make check` has it"
