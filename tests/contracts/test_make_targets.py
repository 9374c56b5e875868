"""Every `make` command that people and the CI are told to run exists, and every target is told."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z.]*):", MAKEFILE, re.MULTILINE))
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
CALL = re.compile(r"(?<![\w-])make((?: +[A-Z_]+=\S*)*)((?: +[a-z]+(?![\w=]))*)")
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def called(text: str) -> set[str]:
    """Targets of the commands in a shell's text."""
    return {target for match in CALL.finditer(text) for target in match[2].split()}


def code(markdown: str) -> str:
    """What stands in Markdown as code, a piece a line: in blocks without their comments, and between backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*(re.sub(r"\s#.*", "", block) for block in blocks), *re.findall(r"`([^`]+)`", prose)])


def steps() -> list[str]:
    """The shell commands of the CI."""
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]


def test_a_call_is_told_from_words_and_variables() -> None:
    shell = "make up\nmake lint test ARGS='-k name' && make PYTHON=python3.12 quick"
    assert called(shell) == {"up", "lint", "test", "quick"}
    markdown = "we make tests\n\n```sh\nmake up   # make haste\n```\nsay `make bench ARGS=llm`."
    assert called(code(markdown)) == {"up", "bench"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_is_told_exists(name: str) -> None:
    assert called(code((ROOT / name).read_text())) <= TARGETS


def test_the_ci_runs_targets_that_exist_and_what_must_be_green() -> None:
    run = called("\n".join(steps()))
    assert run <= TARGETS
    assert {"lint", "quick", "test"} <= run


def test_every_target_for_people_is_listed_by_make() -> None:
    told = set(re.findall(r"^([a-z][a-z.]*):.* ## ", MAKEFILE, re.MULTILINE))
    assert TARGETS - told == {"chromium"}, "a target without ## is not in the list that `make` prints"


def test_the_readme_or_the_page_for_contributors_tells_every_target() -> None:
    told = called(code((ROOT / "README.md").read_text())) | called(code((ROOT / "CONTRIBUTING.md").read_text()))
    assert TARGETS - {"chromium", "help"} <= told
