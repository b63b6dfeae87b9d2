"""The sections of a campaign file with fixed keys, and its top level. `docs/campaign-file.md` is made from these."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from softal.kinds.validation import show
from softal.orchestrator.campaign_file.quantities import Duration, Memory
from softal.passwords import VARIABLE, in_query, redacted
from softal.simulators.printed import LIMIT

FRESHNESS = {"latest": 0.0, "balanced": 0.1, "busy": 1.0}  # share of the known results that a proposal may lack
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
ADDRESS = re.compile(r"(?P<client>ray://)?(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})")  # of a Ray
SHORTEST = 10_000  # bytes: what errors and results are looked for in
MLFLOW_SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "file", "databricks")

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=1000)]


def wrong_name(name: str) -> str | None:
    """Return why a campaign and its folder cannot have a name; None where they can."""
    if NAME.fullmatch(name) and len(name) <= 100:
        return None
    return (
        f"{show(name)} is given; allowed: letters, digits, `.`, `_` and `-`, at most 100, "
        "beginning with a letter, digit or _"
    )


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _failures(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10**9
    if value not in ("auto", None) and not whole:
        raise ValueError(f"{show(value)} is given; `auto`, null or a whole number from 1 is allowed")
    return value


class BudgetSettings(_Section):
    """When the campaign ends: whichever limit comes first. At least one of trials, hours and target is needed."""

    trials: Annotated[Whole, Field(gt=0, le=10**9)] | None = Field(
        None, description="finished trials, failed ones included"
    )
    hours: Annotated[Number, Field(gt=0, le=10**6)] | None = Field(
        None, description="time of running, over all resumptions [h]"
    )
    target: Number | None = Field(
        None,
        description="value of the objective that is good enough, at the strategy's highest fidelity; of one objective "
        "only",
    )
    stagnation: Annotated[Whole, Field(gt=0, le=10**9)] | None = Field(
        None, description="finished trials in a row without an improvement"
    )
    failures: Annotated[Literal["auto"] | int | None, BeforeValidator(_failures)] = Field(
        "auto",
        description="first trials that all fail for one reason, at which the campaign stops and is `failed`; `auto` is "
        "5, or a tenth of `trials` where that is more; `null` is never",
    )

    @model_validator(mode="after")
    def _limited(self) -> BudgetSettings:
        if self.trials is None and self.hours is None and self.target is None:
            raise ValueError("would never end; at least one of trials, hours and target is needed")
        return self


def _ahead(value: object) -> object:
    if value != "auto" and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000):
        raise ValueError(f"{show(value)} is given; `auto` or a whole number from 0 is allowed")
    return value


def _freshness(value: object) -> object:
    share = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    if not share and not (isinstance(value, str) and value in FRESHNESS):
        words = ", ".join(f"`{word}`" for word in FRESHNESS)
        raise ValueError(f"{show(value)} is given; {words} or a number from 0 to 1 is allowed")
    return value


class WorkersSettings(_Section):
    """How many simulations run at a time, and what each of them gets."""

    concurrent: Annotated[Whole, Field(ge=1, le=100_000)] = Field(2, description="simulations at a time")
    cpus: Annotated[Number, Field(ge=0, le=100_000)] = Field(
        1.0, description="CPU cores of each; fractions are allowed"
    )
    gpus: Annotated[Number, Field(ge=0, le=1000)] = Field(
        0.0, description="GPUs of each; fractions below 1 are allowed"
    )
    memory: Memory | None = Field(
        None, description="memory of each, such as `2 GiB` [bytes]; `null` leaves it to the operating system"
    )
    walltime: Duration | None = Field(
        None, description="after how long a simulation is stopped and fails, such as `10 min` [s]; `null` is never"
    )
    retries: Annotated[Whole, Field(ge=0, le=1000)] = Field(
        2, description="how often a trial runs again whose simulation was killed"
    )
    grace: Duration = Field(10.0, description="how long Ctrl-C waits for running simulations, such as `10 s` [s]")
    output: Annotated[Memory, Field(ge=SHORTEST)] | None = Field(
        LIMIT,
        description="how much is kept of each stream that a simulation prints to, its beginning and its end, such as "
        "`100 MB` [bytes]; `null` is all",
    )
    keep: Literal["all", "artifacts", "failed", "none"] = Field(
        "all",
        description="what stays of trials' folders: `all`; `artifacts`, of trials that are done only files that the "
        "simulator names; `failed`, only the folders of failed trials; `none`. MLflow gets no files that do not stay",
    )
    ahead: Annotated[Literal["auto"] | int, BeforeValidator(_ahead)] = Field(
        "auto",
        description="proposals kept ready for free workers, whatever they know; `auto` keeps those that no result can "
        "change, and others as `freshness` says",
    )
    freshness: Annotated[Literal["latest", "balanced", "busy"] | float, BeforeValidator(_freshness)] = Field(
        "latest",
        description="what a proposal knows: `latest`, all results that are in when it is made for a worker that waits "
        "for it; `balanced`, nine of ten, so that workers wait less; `busy`, as few as it takes for workers not to "
        "wait; or the share of results that it may lack, from 0 to 1",
    )

    @property
    def share(self) -> float:
        """Share of the known results that a proposal may lack."""
        return FRESHNESS[self.freshness] if isinstance(self.freshness, str) else float(self.freshness)

    @model_validator(mode="after")
    def _one_rule(self) -> WorkersSettings:
        if self.ahead != "auto" and "freshness" in self.model_fields_set:
            raise ValueError(f"ahead: {self.ahead} leaves nothing to freshness: {self.freshness}; give one of them")
        return self

    @field_validator("gpus")
    @classmethod
    def _whole_gpus(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError(f"{gpus} is given; fractions below 1, or whole numbers, are allowed")
        return gpus

    @field_validator("walltime")
    @classmethod
    def _some_time(cls, walltime: float | None) -> float | None:
        if walltime == 0:
            raise ValueError("0 is given; a duration above 0 is allowed, or null for no limit")
        return walltime


class ClusterSettings(_Section):
    """Which Ray the campaign runs on."""

    address: Text | None = Field(
        None,
        description="`auto`, `host:port` or `ray://host:port` joins a cluster; `local` starts a Ray here, as `null` "
        "does where `RAY_ADDRESS` is not set",
    )
    dashboard_port: Annotated[Whole, Field(ge=1, le=65535)] | None = Field(
        None, description="port of the dashboard of a Ray started here; `null` is 8265 or the next free one"
    )

    @field_validator("address")
    @classmethod
    def _an_address(cls, address: str | None) -> str | None:
        if address in (None, "auto", "local"):
            return address
        found = ADDRESS.fullmatch(address)
        if not found or not 0 < int(found["port"]) <= 65535:
            allowed = "null, `auto`, `host:port`, `ray://host:port` or `local`"
            raise ValueError(f"{show(address)} is given; {allowed} is allowed")
        return address


class TrackingSettings(_Section):
    """Where MLflow shows the campaign. The journal in the campaign's folder is kept in any case."""

    mlflow: Text | None = Field(
        None,
        description="tracking URI, such as `http://host:5000`; `null` is an SQLite file in the campaign's folder, "
        "`off` is no MLflow; a password comes from the environment, see docs/tracking.md",
    )
    experiment: Text = Field("softal", description="MLflow experiment that the campaign's runs go to")

    @field_validator("mlflow")
    @classmethod
    def _a_uri(cls, uri: str | None) -> str | None:
        if uri is None or uri in ("off", "databricks"):
            return uri
        scheme, separator, rest = uri.partition("://")
        given = show(redacted(uri))
        if not separator or not rest or scheme.split("+")[0] not in MLFLOW_SCHEMES:
            allowed = ", ".join(f"{scheme}://" for scheme in MLFLOW_SCHEMES)
            raise ValueError(f"{given} is given; null, `off` or a URI is allowed that begins with {allowed}")
        if in_query(uri):
            allowed = f"allowed is `scheme://user@host`, with the password in the environment variable {VARIABLE}"
            raise ValueError(f"{given} has a password in its query; {allowed}")
        return uri


class CampaignFile(_Section):
    """The keys of a campaign file. Those whose own keys depend on a kind are read by `schema.py`."""

    name: Text | None = Field(
        None,
        description="name of the campaign and of its folder (letters, digits, `.`, `_`, `-`); else the file's name",
    )
    simulator: Annotated[Any, WithJsonSchema({"type": "kind"})] = Field(
        description="what evaluates a point: a kind with its settings, your own `module:Class` or `module:function`, "
        "or `command:` with any executable"
    )
    space: dict[str, Any] = Field(
        description="the parameters of a point: name -> range, choices, fixed or derived value"
    )
    constraints: list[Text] = Field(
        [], description="inequalities that every point satisfies: linear in parameters with a linear scale, such as "
        "`2*x + y <= 3`, or between products and powers of parameters on log scales, such as `k2 <= 4*k1`"
    )  # fmt: skip
    objective: dict[str, Any] = Field(description="what the campaign is for: minimize, maximize, match or learn")
    strategy: Annotated[Any, WithJsonSchema({"type": "kind"})] = Field(
        "bayesian", description="what proposes points: a kind with its settings"
    )
    surrogate: Annotated[Any, WithJsonSchema({"type": "kind"})] = Field(
        "auto",
        description="what learns the simulation: a kind with its settings, or `none`; `auto` is `composite` where the "
        "objective is `match` alone, else `gp`",
    )
    learner: Annotated[Any, WithJsonSchema({"type": "kind"})] = Field(
        "none",
        description="what learns something else, such as phases, from the arrays of simulations: a kind with its "
        "settings, or `none`",
    )
    start_from: list[Text] = Field(
        [], description="results that the campaign is given: tables (CSV) with columns of parameters and values, or "
        "folders of other campaigns; relative to the file, or to where softal runs"
    )  # fmt: skip
    budget: BudgetSettings = Field(description="when the campaign ends")
    workers: WorkersSettings = Field(WorkersSettings(), description="how simulations run")
    cluster: ClusterSettings = Field(ClusterSettings(), description="which Ray they run on")
    tracking: TrackingSettings = Field(TrackingSettings(), description="where MLflow shows them")
    seed: Annotated[Whole, Field(ge=0, lt=2**63)] = Field(
        0, description="all randomness comes from it; the same seed gives the same campaign with one worker"
    )

    @field_validator("name")
    @classmethod
    def _a_name(cls, name: str | None) -> str | None:
        if name is not None and (wrong := wrong_name(name)):
            raise ValueError(wrong)
        return name
