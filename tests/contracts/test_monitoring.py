"""What is documented, drawn and alerted on is what is exported."""

import json
import re
from pathlib import Path

import yaml

from worker.telemetry import metrics

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
ALERTS = ROOT / "deploy" / "alerts.yaml"
NAME = re.compile(r"\bpricewright_[a-z_]+")
OURS = {
    family.name + ("_total" if family.type == "counter" else ""): family
    for family in metrics.REGISTRY.collect()
    if family.name.startswith("pricewright_")
}
SUFFIXES = ("_bucket", "_sum", "_count")


def exported(name: str) -> bool:
    """Whether a series of that name is there; of a histogram its parts are."""
    return name in OURS or any(
        name.endswith(end) and OURS.get(name.removesuffix(end)) and OURS[name.removesuffix(end)].type == "histogram"
        for end in SUFFIXES
    )


def test_names_follow_the_conventions():
    assert len(OURS) > 15
    for name, family in OURS.items():
        assert re.fullmatch(r"pricewright_[a-z]+(_[a-z]+)*", name)
        assert family.documentation.endswith(".")
        if family.type == "counter":
            assert name.endswith("_total")
        if family.type == "histogram":
            assert name.endswith("_seconds")
        assert "milliseconds" not in name


def test_the_documented_table_is_what_is_exported():
    rows = re.findall(r"^`(pricewright_\w+)` \| ([^|]+) \| (.+)$", (ROOT / "docs" / "monitoring.md").read_text(), re.M)
    told = {name: about.strip() for name, _, about in rows}
    assert told == {name: family.documentation for name, family in OURS.items()}


def expressions(value):
    """Every text in a tree that stands under "expr"."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from [each] if key == "expr" else expressions(each)
    if isinstance(value, list):
        for each in value:
            yield from expressions(each)


def test_the_dashboard_and_the_alerts_name_only_what_is_exported():
    for tree in (json.loads(DASHBOARD.read_text()), yaml.safe_load(ALERTS.read_text())):
        found = list(expressions(tree))
        assert found
        names = {name for text in found for name in NAME.findall(text)}
        assert names
        assert {name for name in names if not exported(name)} == set()
        assert all(text.count("(") == text.count(")") for text in found)


def test_every_alert_says_what_it_means_and_how_bad_it_is():
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    for rule in group["rules"]:
        assert re.fullmatch(r"[A-Z]\w+", rule["alert"])
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"\d+[smh]", rule["for"])
