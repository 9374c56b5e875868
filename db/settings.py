"""Where state lives and what things cost: the only reader of the environment."""

import hashlib
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from db.errors import InvalidSetting

PREFIX = "PRICEWRIGHT_"
LOOPBACK = ("127.0.0.1", "localhost", "::1")  # as only this machine calls itself


class Settings(BaseSettings):
    """Every setting is an environment variable with the prefix PRICEWRIGHT_ (PRICEWRIGHT_DATA_DIR, ...)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", allow_inf_nan=False)

    data_dir: Path = Field(Path(".pricewright"), description="Folder for files, embedded servers, models and logs.")
    database_url: str = Field(
        "",
        pattern=r"^$|^postgres(ql(\+psycopg)?)?://",
        description="A Postgres with pgvector, as postgresql://…; empty = the embedded one in data_dir.",
    )
    broker_url: str = Field(
        "",
        pattern=r"^$|^(rediss?|redis\+socket|valkeys?)://",
        description="A Redis or Valkey, as redis://…; empty = the embedded one in data_dir.",
    )
    model_cache: Path | None = Field(None, description="Folder of converted models; default: models in data_dir.")
    dashboard_port: int = Field(8501, ge=1, le=65_535)
    dashboard_host: str = Field(
        "127.0.0.1", description="0.0.0.0 to let others reach the pages; only together with ALLOW_OPEN=yes."
    )
    allow_open: bool = Field(
        False,
        description="yes: the pages may be reached from other machines, where everybody can read all data, spend money "
        "on the endpoints and delete datasets, because nobody has to sign in.",
    )
    public_url: str = Field(
        "",
        pattern=r"^$|^https?://[^/]+/?$",
        description="Where browsers find the pages, as https://prices.example.com; default: this machine at "
        "DASHBOARD_PORT. People who signed in are sent back there, to /oauth2callback.",
    )
    oidc_url: str = Field(
        "",
        pattern=r"^$|^https?://.+",
        description="Where people sign in (OIDC): the provider's issuer, or its address of metadata that ends in "
        "/.well-known/openid-configuration; empty: nobody has to, and who reaches the pages is an admin.",
    )
    oidc_client_id: str = Field("", description="As what the provider knows Pricewright.")
    oidc_client_secret: str = Field("", repr=False, description="The secret that goes with OIDC_CLIENT_ID.")
    oidc_cookie_secret: str = Field(
        "", repr=False, description="32 or more random letters, the same for all dashboards: what signs cookies."
    )
    oidc_name: str = Field("email", description="The claim that holds a person's name, which nobody else may have.")
    oidc_groups: str = Field("groups", description="The claim that lists a person's groups.")
    admins: str = Field(
        "", description="Who is an admin: names, and groups as group:NAME, separated by commas or spaces."
    )
    analysts: str = Field("", description="Who is an analyst, as ADMINS.")
    default_role: Literal["viewer", "analyst", "none"] = Field(
        "none", description="What anybody else is who signs in; none: nobody whom these lists do not name gets in."
    )
    token: str = Field(
        "", repr=False, description="For whom the command line acts: what `pricewright people token` gave you."
    )
    session_hours: float = Field(12, gt=0, description="Hours after which a person has to sign in again.")
    endpoint_keys: str = Field(
        "",
        description="Environment variables that may be used as keys of endpoints besides PRICEWRIGHT_KEY_… and "
        "providers' own: NAME@https://host, separated by commas or spaces. A NAME with addresses goes to those only, "
        "whatever it is called; to where it is sent is else chosen by everybody who can open the pages (a provider's "
        "own, such as OPENAI_API_KEY, goes to that provider in any case).",
    )
    endpoint_hosts: str = Field(
        "",
        description="Hosts and networks beside those of the internet to which endpoints may lead: names, addresses and "
        "networks such as 10.1.0.0/16, separated by commas or spaces; private = this machine and its private networks, "
        "none = nothing. Empty: private where the pages are reached from this machine only, else none.",
    )
    secret_key: str = Field(
        "",
        pattern=r"^$|^[^,\s]{32,}(,[^,\s]{32,})*$",
        description="Secret of 32 letters or more that encrypts the keys of endpoints which somebody entered, the same "
        "for pages and workers; several, separated by commas: the first encrypts, all decrypt. Empty: the file "
        "secret.key in data_dir, which is made when it is needed.",
    )
    demo: bool = Field(True, description="Load and price the demo catalogue when `up` finds no dataset.")
    # Enough to see differences, few enough that language models take minutes.
    demo_rows: int = Field(120, ge=1, description="Rows of the demo's test side that are priced with every technique.")
    demo_train_rows: int = Field(
        600, ge=0, description="Rows that the demo's small fine-tune learns from, after all else; 0 = no fine-tune."
    )
    worker_concurrency: int = Field(
        1, ge=1, le=256, description="Pool children of the CPU worker; each loads its own models."
    )
    interactive_memory_gb: float = Field(
        6, ge=2, description="Memory that the worker which looks at files, loads and searches may take; else it stops."
    )
    local_models_gb: float = Field(
        4,
        gt=0,
        description="Memory that the weights of local models may hold in a process; beyond it the one used longest ago "
        "is given back. The one at work stays, however large it is.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="cpu, cuda or auto: where local models run.")
    # On-demand list prices of common machines, rounded: 2 vCPU general purpose, one H100. Change them to yours.
    cpu_usd_per_hour: Decimal = Field(Decimal("0.10"), ge=0)
    gpu_usd_per_hour: Decimal = Field(Decimal("2.50"), ge=0)
    lease_seconds: int = Field(15, ge=2, description="A chunk whose worker is silent this long is handed out again.")
    sweep_seconds: int = Field(5, ge=1, description="How often the sweeper looks for lost work.")
    watch_seconds: float = Field(
        5, gt=0, description="A file in a watched folder is taken once it has not changed for so long."
    )
    checkpoint_seconds: float = Field(
        30, ge=0, description="Work of a training that a crash may cost; more where a checkpoint itself takes long."
    )
    confidence: float = Field(
        0.95, gt=0.5, lt=1, description="How sure comparisons are: intervals and verdicts hold with this probability."
    )
    calibration_rows: int = Field(
        200,
        ge=0,
        description="Validation rows that a language model prices at most when it is fitted, to learn how wide its "
        "intervals must be; 0 = none, and no intervals. Half as many where every answer is paid.",
    )
    # What an adapter may lose against its base before the gate blocks its promotion.
    gate_worsening: float = Field(
        0.05, gt=0, description="Share by which perplexity or a price error may rise, or correct answers fall."
    )
    gate_confidence: float = Field(
        0.95, gt=0.5, lt=1, description="How sure the gate must be that more than that was lost, over all parts."
    )
    techniques: str = Field(
        "",
        description="Modules with techniques of your own, separated by commas or spaces; they must be importable where "
        "the pages and where the workers run, for example from a folder on PYTHONPATH.",
    )
    models: str = Field(
        "",
        description="Models beside packaged ones that may be used, separated by commas: folders (and all in them) and "
        "ids of the Hugging Face hub such as owner/name or owner/*; any = all, none = nothing. Empty: any where the "
        "pages are reached from this machine only, else none.",
    )
    interactive_minutes: float = Field(
        60, gt=0, description="How long looking at a file or loading it may take; else it is given up."
    )
    chunk_attempts: int = Field(5, ge=1, description="How often a chunk is tried before its job fails.")
    # --- For those who run it (docs/deployment.md) ---
    health_port: int = Field(
        0,
        ge=0,
        le=65_500,
        description="Port on which a process answers /healthz, /readyz and /metrics; 0 = none. With `up` this is the "
        "supervisor's, and its processes have the ports behind it.",
    )
    health_host: str = Field("127.0.0.1", description="Address of that port; 0.0.0.0 for a Prometheus elsewhere.")
    log_format: Literal["text", "json"] = Field("text", description="json: each line of a log is one object.")
    log_megabytes: int = Field(
        20, ge=0, description="Size at which a log of `up` is put aside as NAME.log.1; 0 = never. One is kept."
    )
    otlp_endpoint: str = Field(
        "",
        validation_alias=AliasChoices("PRICEWRIGHT_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        pattern=r"^$|^https?://",
        description="Where traces go, as OTLP over HTTP (http://host:4318); empty = OTEL_EXPORTER_OTLP_ENDPOINT, or "
        "nowhere.",
    )
    keep_completions_days: int = Field(0, ge=0, description="Answers of endpoints are kept so long; 0 = kept.")
    keep_jobs_days: int = Field(
        0, ge=0, description="Jobs that are over, archived and needed by nothing are kept so long; 0 = kept."
    )
    keep_uploads_days: int = Field(
        0, ge=0, description="Archived datasets that nothing needs are kept so long, with their files; 0 = kept."
    )
    keep_checkpoints_days: int = Field(
        14, ge=0, description="Where trainings that stand still go on from is kept so long; 0 = kept."
    )
    keep_logs_days: int = Field(30, ge=0, description="Logs that were put aside are kept so long; 0 = kept.")
    keep_snapshots_gb: float = Field(
        5, ge=0, description="Room for prepared copies of predictions, which are made again when needed; 0 = any."
    )
    notify_webhooks: str = Field(
        "",
        pattern=r"^\s*(https?://\S+\s*)*$",
        description="Addresses (https://…, separated by spaces) that are told of finished jobs and the like.",
    )
    notify_secret: str = Field("", description="Signs what webhooks are told, so that they know it is from here.")
    notify_smtp: str = Field(
        "",
        pattern=r"^$|^smtps?://",
        description="Mail server that tells people: smtp://name:password@host:587, smtps:// for TLS from the start.",
    )
    notify_from: str = Field("", description="Sender of such mail.")
    notify_to: str = Field("", description="Who gets it, separated by commas or spaces.")
    notify_of: str = Field(
        "", description="What is told, separated by commas or spaces (docs/deployment.md lists it); empty = all."
    )

    # Of one person; what is nobody's has none.
    cap_limit_usd: Decimal = Field(
        Decimal(0), ge=0, description="The highest cap of one job that only an admin may pass; 0 = none."
    )
    running_jobs_per_person: int = Field(0, ge=0, description="Jobs of one person that may run at once; 0 = any.")
    uploads_per_person: int = Field(
        0, ge=0, description="Uploads of one person that may be received or read at once; 0 = any."
    )
    stored_gb_per_person: float = Field(
        0, ge=0, description="Gigabytes of uploaded files that one person may keep; 0 = any."
    )
    month_usd_per_person: Decimal = Field(
        Decimal(0),
        ge=0,
        description="Dollars that the jobs of one person may pay to endpoints in a calendar month (UTC); 0 = any. It "
        "holds like a cap.",
    )

    @property
    def home(self) -> Path:
        return self.data_dir.expanduser().resolve()

    @property
    def run_dir(self) -> Path:
        """Folder of the sockets. A socket's path may have 107 bytes, so it can't live below a deep data folder."""
        return Path(tempfile.gettempdir()) / f"pricewright-{hashlib.sha256(str(self.home).encode()).hexdigest()[:12]}"

    @property
    def has_sign_in(self) -> bool:
        """Whether people have to sign in."""
        return bool(self.oidc_url)

    @property
    def pages_url(self) -> str:
        """Where browsers find the pages."""
        return self.public_url.rstrip("/") or f"http://localhost:{self.dashboard_port}"

    @property
    def is_shared(self) -> bool:
        """Whether others than the user of this machine may reach the pages, so that what they name is not his word."""
        return self.has_sign_in or self.allow_open or self.dashboard_host not in LOOPBACK

    @property
    def is_embedded_database(self) -> bool:
        return not self.database_url

    @property
    def is_embedded_broker(self) -> bool:
        return not self.broker_url

    @property
    def database(self) -> str:
        """URL of the database, for SQLAlchemy."""
        if self.database_url:
            return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
        return f"postgresql+psycopg://pricewright@/pricewright?host={self.run_dir}&port=5432"  # else PGPORT would count

    @property
    def broker(self) -> str:
        """URL of the broker, for Celery."""
        return self.broker_url or f"redis+socket://{self.run_dir}/valkey.sock"

    @property
    def files_dir(self) -> Path:
        return self.home / "files"

    @property
    def scratch_dir(self) -> Path:
        """Folder of what chunks need while they are worked on; each has a folder job-ID-… in it."""
        return self.home / "scratch"

    @property
    def training_dir(self) -> Path:
        """Folder of what trainings write and go on from; a folder for each job."""
        return self.home / "training"

    @property
    def models_dir(self) -> Path:
        return self.model_cache.expanduser().resolve() if self.model_cache else self.home / "models"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"


@cache
def settings() -> Settings:
    """The settings of this process. Raises InvalidSetting, with one sentence about all that can't be."""
    try:
        found = Settings()
        _ = found.home, found.models_dir
        return found
    except RuntimeError:
        raise InvalidSetting(
            f"{PREFIX}DATA_DIR or {PREFIX}MODEL_CACHE begins with ~ and the name of nobody who is here; give a folder."
        ) from None
    except ValidationError as error:
        raise InvalidSetting("; ".join(map(_told, error.errors())) + ".") from None


_HAVE_PASSWORDS = (
    "database_url", "broker_url", "secret_key", "oidc_client_secret", "oidc_cookie_secret", "token", "notify_webhooks",
    "notify_secret", "notify_smtp",
)  # fmt: skip
_PLAIN = {"a valid integer": "a whole number", "a valid boolean": "yes or no", "a valid decimal": "a number"}


def _told(fault: Mapping[str, Any]) -> str:
    """What is wrong with one setting. Passwords are not repeated."""
    field = str(fault["loc"][0])
    field = next((name for name in Settings.model_fields if field == f"{PREFIX}{name.upper()}"), field)
    given = "" if field in _HAVE_PASSWORDS else f" is {str(fault['input'])[:80]!r} and"
    should = fault["msg"].removeprefix("Input ").split(", unable")[0]
    if fault["type"] == "string_pattern_mismatch":
        should = f"should be this: {Settings.model_fields[field].description}".rstrip(".")
    for stiff, plain in _PLAIN.items():
        should = should.replace(stiff, plain)
    return f"{PREFIX}{field.upper()}{given} {should}"
