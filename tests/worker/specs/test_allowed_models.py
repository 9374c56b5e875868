"""Which folders and ids of models may be opened: those that the operator lists, and any for who is alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.errors import NotReady, UserError
from db.settings import settings
from worker.llm.local import packages
from worker.prompts import token_count
from worker.specs import allowed_models


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets variables that the settings see."""
    settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a model that is listed below, and that of another one."""
    for name in ("listed", "other"):
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / "config.json").write_text("{}")
    (tmp_path / "listed" / "link").symlink_to(tmp_path / "other" / "model")
    return tmp_path / "listed", tmp_path / "other"


def test_who_is_alone_may_open_any(places: tuple[Path, Path], operator: pytest.MonkeyPatch) -> None:
    for place in places:
        assert packages.source(str(place / "model")) == place / "model"


@pytest.mark.parametrize("setting", ["", "none", "{listed}, tiny/*, owner/name"])
def test_where_others_reach_the_pages_only_what_is_listed_is_opened(
    setting: str, places: tuple[Path, Path], operator: pytest.MonkeyPatch
) -> None:
    listed, other = places
    operator.setenv("PRICEWRIGHT_ALLOW_OPEN", "yes")
    operator.setenv("PRICEWRIGHT_MODELS", setting.format(listed=listed))
    may = setting.startswith("{")
    refused = [
        other / "model",
        listed / "link",
        listed / ".." / "other" / "model",
        *([] if may else [listed / "model"]),
    ]
    for place in refused:
        for opens in (packages.source, packages.model_folder):
            with pytest.raises(NotReady, match="PRICEWRIGHT_MODELS"):
                opens(str(place))
        assert not packages.is_available(str(place))
    for model in ("evil/name", "owner/name2", "owner2/name", *(() if may else ("owner/name", "tiny/a"))):
        with pytest.raises(NotReady, match="PRICEWRIGHT_MODELS"):
            packages.model_folder(model)
    if may:
        assert packages.model_folder(str(listed / "model")) == listed / "model"
        for model in ("owner/name", "tiny/a"):
            with pytest.raises(NotReady, match="hub does not give it"):  # may be asked for
                packages.model_folder(model)
    allowed_models.check_folder(settings().models_dir / "smollm2-135m-bf16-v1")


def test_a_page_reads_no_tokenizer_of_a_folder_that_is_not_listed(
    places: tuple[Path, Path], operator: pytest.MonkeyPatch
) -> None:
    _, other = places
    (other / "model" / "tokenizer.json").write_text("no tokenizer at all")
    operator.setenv("PRICEWRIGHT_MODELS", "none")
    assert not token_count.tokens(str(other / "model"), ["text"]).is_exact


def test_what_the_hub_kept_of_a_listed_id_may_be_opened_by_its_folder(
    tmp_path: Path, operator: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    operator.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    operator.setenv("PRICEWRIGHT_MODELS", "owner/name")
    allowed_models.check_folder(tmp_path / "hub" / "models--owner--name" / "snapshots" / "1")
    for place in (tmp_path / "hub" / "models--evil--name", tmp_path / "else" / "models--owner--name"):
        with pytest.raises(NotReady):
            allowed_models.check_folder(place)


def test_the_home_of_a_user_who_is_not_there_is_no_error_of_ours(operator: pytest.MonkeyPatch) -> None:
    assert not packages.is_available("~nobody-there/model")
    assert not token_count.tokens("~nobody-there/model", ["text"]).is_exact
    operator.setenv("PRICEWRIGHT_DATA_DIR", "~nobody-there/data")
    settings.cache_clear()
    with pytest.raises(UserError, match="PRICEWRIGHT_DATA_DIR"):
        settings()
