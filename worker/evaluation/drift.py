"""Whether rows that were priced are unlike the calibration rows, so that what intervals promise need not hold for them.

A classifier two-sample test (Lopez-Paz and Oquab 2017): a classifier that reads only the words of a row tries to tell
the two apart. Where they are alike it can't, and ranks a pair of them right in half of the cases.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

FEWEST = 30  # rows of each kind below which nothing can be said
MOST = 1_000  # rows of each kind that are read
FALSE_ALARM = 0.01
"""The share of rows that are like those learned from which `far` names all the same: each goes to a person."""

_FOLDS = 5
_COLUMNS = 2**14
_SLICE = 20_000  # rows whose words are counted at a time
_USUAL = 0.95  # of the calibration rows are called alike


def told_apart(calibrating: pl.DataFrame, priced: pl.DataFrame) -> dict[str, float] | None:
    """share: of pairs of a priced and a calibration row, those that the classifier ranks right (0.5 = it can't tell);
    low: the lower end of its one-sided 95 % interval; rows: how many of both were read. None with too few rows.

    Frames have title, description, category, brand and group_id (of near-duplicates, which never stand on both sides of
    a fold: recognising a copy is not telling kinds apart).
    """
    if min(len(calibrating), len(priced)) < FEWEST:
        return None
    # Here as below, because every worker that starts would wait two seconds for them.
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold

    both = pl.concat([_some(calibrating).with_columns(kind=0), _some(priced).with_columns(kind=1)], how="diagonal")
    kind, groups = both["kind"].to_numpy(), both["group_id"].to_numpy()
    if len(np.unique(groups)) < 2 * FEWEST:
        return None
    features = _words(both)
    shares = []
    for learned, held in GroupKFold(_FOLDS, shuffle=True, random_state=0).split(features, kind, groups):
        if len(np.unique(kind[held])) == len(np.unique(kind[learned])) == 2:
            model = _told(features[learned], kind[learned])
            shares.append(float(roc_auc_score(kind[held], model.decision_function(features[held]))))
    share = float(np.mean(shares))
    first, second = (kind == 0).sum(), (kind == 1).sum()
    error = float(np.sqrt((first + second + 1) / (12 * first * second)))  # of the rank sum where both are alike
    return {"share": share, "low": share - 1.645 * error, "rows": float(len(both))}


def unlike(calibrating: pl.DataFrame, priced: pl.DataFrame) -> list[int]:
    """Rows (numbers) of `priced` that the classifier is surer of being none of the others than of _USUAL of the
    calibration rows; frames as in `told_apart`, and only where that calls the whole unlike does it say anything.

    Of priced rows that are alike about one in twenty is named too. Each row is judged by a classifier that has seen
    neither it nor its near-duplicates.
    """
    sample = pl.concat([_some(calibrating).with_columns(kind=0), _some(priced).with_columns(kind=1)], how="diagonal")
    features, kind = _words(sample), sample["kind"].to_numpy()
    fold = _folds(sample)
    models = [_told(features[fold != place], kind[fold != place]) for place in range(_FOLDS)]
    known = np.empty(len(sample))
    for place, model in enumerate(models):
        known[fold == place] = model.decision_function(features[fold == place])
    usual = np.quantile(known[kind == 0], _USUAL)
    named: list[int] = []
    for part in priced.iter_slices(_SLICE):
        words, folds = _words(part), _folds(part)
        judged = np.column_stack([model.decision_function(words) for model in models])
        strange = judged[np.arange(len(part)), folds] > usual
        named += part.filter(pl.Series(strange))["row"].to_list()
    return named


def far(similar: npt.NDArray[np.float64], priced: pl.DataFrame) -> list[int]:
    """Rows (numbers) of `priced` (row, similarity) that are further from all that was learned from than rows usually
    are: their conformal p-value (Vovk, Gammerman and Shafer 2005) among calibration rows is FALSE_ALARM at most.

    similar: (n,) similarity of each calibration row to the train row that is most like it, as that of the priced ones
    (worker.evaluation.support). Of rows that are like those at most FALSE_ALARM are named, whatever the distribution;
    with fewer than 1 / FALSE_ALARM - 1 calibration rows none is, because nothing that rare could have been seen.
    """
    ranked = np.sort(similar)
    as_far = np.searchsorted(ranked, priced["similarity"].to_numpy(), side="right")  # calibration rows no nearer
    named = (1 + as_far) / (1 + len(ranked)) <= FALSE_ALARM
    return priced.filter(pl.Series(named, dtype=pl.Boolean))["row"].to_list()


def _folds(frame: pl.DataFrame) -> npt.NDArray[Any]:
    """The fold of each row; near-duplicates stand in one."""
    return frame.select(pl.col("group_id").hash(seed=0) % _FOLDS).to_series().to_numpy().astype(np.intp)


def _words(frame: pl.DataFrame) -> "csr_matrix":
    from sklearn.feature_extraction.text import HashingVectorizer

    texts = frame.select(pl.concat_str("title", "description", "category", "brand", separator=" "))["title"].to_list()
    return HashingVectorizer(n_features=_COLUMNS, alternate_sign=False).transform(texts)


def _told(features: "csr_matrix", kind: npt.NDArray[Any]) -> "LogisticRegression":
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(class_weight="balanced").fit(features, kind)


def _some(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sample(MOST, seed=0) if len(frame) > MOST else frame
