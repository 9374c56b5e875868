"""What people do that changes something, each with who may."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from db.types.people import Role


class Verb(StrEnum):
    """An act of a person; its value is what the audit log keeps."""

    UPLOAD = "dataset.upload"
    LOAD_DATASET = "dataset.load"
    CHANGE_DATASET = "dataset.change"
    JOIN_DATASETS = "dataset.join"
    MAKE_VERSION = "dataset.version"
    RENAME_DATASET = "dataset.rename"
    ARCHIVE_DATASET = "dataset.archive"
    RESTORE_DATASET = "dataset.restore"
    DELETE_DATASET = "dataset.delete"
    DECIDE_PRICE = "dataset.price"
    START_JOB = "job.start"
    PAUSE_JOB = "job.pause"
    RESUME_JOB = "job.resume"
    CANCEL_JOB = "job.cancel"
    RETRY_JOB = "job.retry"
    STOP_TRAINING = "job.stop"
    CHANGE_JOB = "job.change"
    ARCHIVE_JOB = "job.archive"
    RESTORE_JOB = "job.restore"
    DELETE_JOB = "job.delete"
    CHANGE_KNOWLEDGE = "knowledge.change"
    DELETE_KNOWLEDGE = "knowledge.delete"
    SAVE_PROMPT = "prompt.save"
    ARCHIVE_PROMPT = "prompt.archive"
    RESTORE_PROMPT = "prompt.restore"
    DELETE_PROMPT = "prompt.delete"
    MAKE_PRICER = "pricer.make"
    USE_PRICER = "pricer.use"
    RETIRE_PRICER = "pricer.retire"
    CHANGE_PRICER = "pricer.change"
    DELETE_PRICER = "pricer.delete"
    PRICE_BATCH = "batch.price"
    BRING_REAL_PRICES = "batch.truth"
    PROMOTE_ADAPTER = "adapter.promote"
    RETIRE_ADAPTER = "adapter.retire"
    DELETE_ADAPTER = "adapter.delete"
    SAVE_VERDICT = "verdict.save"
    FORGET_VERDICT = "verdict.forget"
    SAVE_SCENARIO = "scenario.save"
    DELETE_SCENARIO = "scenario.delete"
    PLAY = "game.play"
    ADD_ENDPOINT = "endpoint.add"
    CHANGE_ENDPOINT = "endpoint.change"
    TEST_ENDPOINT = "endpoint.test"
    REMOVE_ENDPOINT = "endpoint.remove"
    RENEW_SECRET = "endpoint.secret"  # noqa: S105
    SET_TARIFF = "tariff.set"
    RAISE_CAP = "cap.raise"
    USE_ANY_MODEL = "model.any"
    SHARE = "people.share"
    GIVE = "people.give"
    MAKE_TOKEN = "people.token"  # noqa: S105
    REVOKE_TOKEN = "people.revoke"  # noqa: S105
    FREE_SPACE = "storage.free"
    TEST_NOTIFICATIONS = "notifications.test"
    BACKUP = "backup.write"
    RESTORE_BACKUP = "backup.restore"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do something."""

    does: str  # as in "Only an admin may …"
    least: Role  # that it takes on what is one's own, and on what has no owner by its nature
    others: Role  # that it takes on what is another's, or nobody's
    spends: bool = False  # it may cost money at an endpoint


def _open(does: str, *, spends: bool = False) -> Rule:
    """Whoever analyses may, on whatever she sees."""
    return Rule(does, Role.ANALYST, Role.ANALYST, spends)


def _own(does: str, *, spends: bool = False) -> Rule:
    """Whoever analyses may on what is hers, an admin on everything."""
    return Rule(does, Role.ANALYST, Role.ADMIN, spends)


def _admin(does: str, *, spends: bool = False) -> Rule:
    return Rule(does, Role.ADMIN, Role.ADMIN, spends)


RULES: Mapping[Verb, Rule] = MappingProxyType(
    {
        Verb.UPLOAD: _open("upload a table"),
        Verb.LOAD_DATASET: _own("load a table"),
        Verb.CHANGE_DATASET: _own("change what is known of a dataset"),
        Verb.JOIN_DATASETS: _open("join tables"),
        Verb.MAKE_VERSION: _open("make a new version of a dataset"),
        Verb.RENAME_DATASET: _own("rename a dataset"),
        Verb.ARCHIVE_DATASET: _own("archive a dataset"),
        Verb.RESTORE_DATASET: _own("unarchive a dataset"),
        Verb.DELETE_DATASET: _own("delete a dataset"),
        Verb.DECIDE_PRICE: _own("decide about the prices of a dataset"),
        Verb.START_JOB: _open("start a job", spends=True),
        Verb.PAUSE_JOB: _own("pause a job"),
        Verb.RESUME_JOB: _own("resume a job", spends=True),
        Verb.CANCEL_JOB: _own("cancel a job"),
        Verb.RETRY_JOB: _own("run a job again", spends=True),
        Verb.STOP_TRAINING: _own("stop a training"),
        Verb.CHANGE_JOB: _own("rename or describe a job"),
        Verb.ARCHIVE_JOB: _own("archive a job"),
        Verb.RESTORE_JOB: _own("unarchive a job"),
        Verb.DELETE_JOB: _own("delete a job"),
        Verb.CHANGE_KNOWLEDGE: _own("change a knowledge base"),
        Verb.DELETE_KNOWLEDGE: _own("delete a knowledge base"),
        Verb.SAVE_PROMPT: _own("save a version of a prompt"),
        Verb.ARCHIVE_PROMPT: _own("archive a prompt"),
        Verb.RESTORE_PROMPT: _own("unarchive a prompt"),
        Verb.DELETE_PROMPT: _own("delete a prompt"),
        Verb.MAKE_PRICER: _open("make a pricer"),
        Verb.USE_PRICER: _own("put a pricer in use"),
        Verb.RETIRE_PRICER: _own("retire a pricer"),
        Verb.CHANGE_PRICER: _own("rename or describe a pricer"),
        Verb.DELETE_PRICER: _own("delete a pricer"),
        Verb.PRICE_BATCH: _open("price a file", spends=True),
        Verb.BRING_REAL_PRICES: _open("bring real prices"),
        Verb.PROMOTE_ADAPTER: _own("promote an adapter"),
        Verb.RETIRE_ADAPTER: _own("retire an adapter"),
        Verb.DELETE_ADAPTER: _own("delete an adapter"),
        Verb.SAVE_VERDICT: _open("save a verdict"),
        Verb.FORGET_VERDICT: _own("forget a saved verdict"),
        Verb.SAVE_SCENARIO: _own("save a scenario"),
        Verb.DELETE_SCENARIO: _own("forget a scenario"),
        Verb.PLAY: Rule("play", Role.VIEWER, Role.ADMIN),
        Verb.ADD_ENDPOINT: _admin("add an endpoint"),
        Verb.CHANGE_ENDPOINT: _admin("change an endpoint"),
        Verb.TEST_ENDPOINT: _admin("test an endpoint", spends=True),
        Verb.REMOVE_ENDPOINT: _admin("remove an endpoint"),
        Verb.RENEW_SECRET: _admin("encrypt the keys of endpoints anew"),
        Verb.SET_TARIFF: _admin("set prices of models"),
        Verb.RAISE_CAP: _admin("allow a job more money than the limit"),
        Verb.USE_ANY_MODEL: _admin("use a model by its folder or its name on a hub"),
        Verb.SHARE: _own("say who sees a thing"),
        Verb.GIVE: _admin("give away what is another's"),
        Verb.MAKE_TOKEN: _admin("make tokens"),
        Verb.REVOKE_TOKEN: _admin("revoke tokens"),
        Verb.FREE_SPACE: _admin("free space"),
        Verb.TEST_NOTIFICATIONS: _admin("send a test to whoever is told"),
        Verb.BACKUP: _admin("take a backup"),
        Verb.RESTORE_BACKUP: _admin("restore a backup"),
    }
)
