"""Whether rows that were priced are unlike the calibration rows, so that what intervals promise need not hold for them.

A classifier two-sample test (Lopez-Paz and Oquab 2017): a classifier that reads only the words of a row tries to tell
the two apart. Where they are alike it can't, and ranks a pair of them right in half of the cases.
"""

import numpy as np
import polars as pl

FEWEST = 30  # rows of each kind below which nothing can be said
MOST = 1_000  # rows of each kind that are read

_FOLDS = 5
_COLUMNS = 2**14


def told_apart(calibrating: pl.DataFrame, priced: pl.DataFrame) -> dict[str, float] | None:
    """share: of pairs of a priced and a calibration row, those that the classifier ranks right (0.5 = it can't tell);
    low: the lower end of its one-sided 95 % interval; rows: how many of both were read. None with too few rows.

    Frames have title, description, category, brand and group_id (of near-duplicates, which never stand on both sides of
    a fold: recognising a copy is not telling kinds apart).
    """
    if min(len(calibrating), len(priced)) < FEWEST:
        return None
    # Here, because every worker that starts would wait two seconds for them.
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold

    both = pl.concat([_some(calibrating).with_columns(kind=0), _some(priced).with_columns(kind=1)], how="diagonal")
    kind, groups = both["kind"].to_numpy(), both["group_id"].to_numpy()
    if len(np.unique(groups)) < 2 * FEWEST:
        return None
    texts = both.select(pl.concat_str("title", "description", "category", "brand", separator=" "))["title"].to_list()
    features = HashingVectorizer(n_features=_COLUMNS, alternate_sign=False).transform(texts)
    shares = []
    for learned, held in GroupKFold(_FOLDS, shuffle=True, random_state=0).split(features, kind, groups):
        if len(np.unique(kind[held])) == len(np.unique(kind[learned])) == 2:
            model = LogisticRegression(class_weight="balanced").fit(features[learned], kind[learned])
            shares.append(float(roc_auc_score(kind[held], model.decision_function(features[held]))))
    share = float(np.mean(shares))
    first, second = (kind == 0).sum(), (kind == 1).sum()
    error = float(np.sqrt((first + second + 1) / (12 * first * second)))  # of the rank sum where both are alike
    return {"share": share, "low": share - 1.645 * error, "rows": float(len(both))}


def _some(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sample(MOST, seed=0) if len(frame) > MOST else frame
