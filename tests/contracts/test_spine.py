"""A step is a step: the table has them all, only they see their work, and nothing they call climbs back up to them."""

import ast
from functools import cache
from pathlib import Path

import grimp
import pytest

from db.types import Step
from worker.steps import STEPS

pytestmark = pytest.mark.slow  # reads every module

ROOT = Path(__file__).resolve().parents[2]
STEP_FILES = {path.relative_to(ROOT).as_posix() for path in (ROOT / "worker").rglob("steps.py")}
SPINE = {"worker/work.py", "worker/running.py", *STEP_FILES}


@cache
def modules() -> list[tuple[str, ast.Module]]:
    paths = sorted((ROOT / "worker").rglob("*.py"))
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())) for path in paths]


def test_every_step_is_in_the_table_and_lies_in_the_steps_file_of_its_noun() -> None:
    assert set(STEPS) == set(Step)
    for step, does in STEPS.items():
        assert does.__module__.endswith(".steps"), f"{step} is done in {does.__module__}"


def test_only_steps_see_their_work_so_that_values_go_down_and_come_back() -> None:
    for name, tree in modules():
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "worker.work"
            for alias in node.names
        }
        if name not in SPINE:
            assert not imported & {"Work", "Commit"}, f"{name} takes a step's work; hand it the values that it needs"


def test_no_step_hands_its_work_on() -> None:
    """`work` is read where it stands (work.job, work.progress …); as a whole it is nobody's argument."""
    for name in sorted(STEP_FILES - {"worker/steps.py"}):
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.Call):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                whole = [each for each in given if isinstance(each, ast.Name) and each.id == "work"]
                assert not whole, f"{name}, line {node.lineno}: work goes down"


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("worker")


def test_nothing_that_a_step_calls_imports_a_step(graph: grimp.ImportGraph) -> None:
    for name in sorted(STEP_FILES - {"worker/steps.py"}):
        module = name.removesuffix(".py").replace("/", ".")
        above = graph.find_modules_that_directly_import(module) - {"worker.steps"}
        assert not above, f"{', '.join(above)} import {module}: what they need lies below it"


LATE = {"worker/techniques/__init__.py", "worker/specs/registry.py"}
"""The registry of techniques, specs and code: a technique is found by its file, and pages load only its spec."""


def test_nothing_but_the_registry_of_techniques_is_imported_by_a_name_in_a_string() -> None:
    for name, tree in modules():
        called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
        names = {func.id for func in called if isinstance(func, ast.Name)}
        names |= {func.attr for func in called if isinstance(func, ast.Attribute)}
        if name not in LATE:
            assert not names & {"import_module", "__import__"}, f"{name} hides an import from the contracts"
