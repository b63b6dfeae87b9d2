"""MLflow as a mirror of the journal: the only module that imports MLflow.

One parent run a campaign, one nested run a trial (`records.py` says what is in them, `mirror.py` how the mirror
follows). Only MLflow's client interface is used, with one exception: trials that go to a database of ours (SQLite) are
inserted through MLflow's own tables, many in one transaction, and their files copied to where it looks for them,
because the client calls take about twelve milliseconds, which is more than a short trial does. A database whose tables
are not the ones that this module knows gets the client calls instead.
"""

# ruff: noqa: E402 -- the environment is set before MLflow is imported
from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from sys import intern
from typing import Any

# MLflow reads these when it is imported. It reports usage by default; and its HTTP client tries for minutes, where
# the mirror wants to hear of a dead server soon and to come back later.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}.items():
    os.environ.setdefault(_name, _value)

from mlflow.entities import Experiment, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.dbmodels import models
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking import MlflowClient
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import append_to_uri_path, is_local_uri
from sqlalchemy import event, insert
from sqlalchemy.engine import Engine

from softal.answer import Answer
from softal.cards.card import Picture
from softal.objective import Objective
from softal.objective.scores import Scores
from softal.outputs import Outputs
from softal.temporary import sweep, temporary_folder
from softal.tracking.journal import Journal
from softal.tracking.mirror import SHOW_AFTER, FinishedRun, Follower, RejectedError
from softal.tracking.moved import ARTIFACTS, find_again
from softal.tracking.records import (
    ATTEMPTS_TAG,
    CAMPAIGN_TAG,
    RECOMPUTED_TAG,
    RETRIED_TAG,
    TRIAL_TAG,
    VERSION_METRIC,
    CampaignRecord,
    Held,
    KnownRun,
    RunRecord,
)
from softal.tracking.records import Metric as Row
from softal.tracking.sqlite_address import SQLITE, address_of, file_of
from softal.trial import Array

KIND_TAG = "softal.kind"
CAMPAIGN_FILE = "campaign.yaml"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # runs to compare, not traces of chats
PAGE = 1000
OLD = 3600.0  # seconds after which nobody makes a database any more
MAX_METRICS, MAX_PARAMS = 1000, 100  # in one call, MLflow's limits
# What the tables must have for runs to be inserted into them: the columns that we fill.
COLUMNS = {
    models.SqlRun: {
        "run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status", "start_time",
        "end_time", "deleted_time", "source_version", "lifecycle_stage", "artifact_uri", "experiment_id",
    },
    models.SqlTag: {"key", "value", "run_uuid"},
    models.SqlParam: {"key", "value", "run_uuid"},
    models.SqlMetric: {"key", "value", "timestamp", "step", "is_nan", "run_uuid"},
    models.SqlLatestMetric: {"key", "value", "timestamp", "step", "is_nan", "run_uuid"},
}  # fmt: skip

for _noisy in ("mlflow", "alembic", "urllib3.connectionpool"):
    logging.getLogger(_noisy).setLevel(logging.ERROR)


def default_uri(folder: Path) -> str:
    """Return the tracking URI of a campaign that names none: an SQLite database in its folder."""
    return address_of((folder / "mlflow.db").resolve())


class Mirror(Follower):
    """Mirrors a campaign's journal into MLflow; see `Follower` for `step`, `finish`, `behind` and `last_error`.

    Args:
        journal: of the campaign.
        uri: MLflow's tracking URI; None is an SQLite database in the campaign's folder.
        experiment: MLflow's experiment, made where there is none of that name.
        objective: of the campaign.
        answer, files, picture, outputs: as of `Follower`.
        show_after: a trial that runs longer than this is shown while it runs [s].
    """

    def __init__(
        self,
        journal: Journal,
        uri: str | None,
        experiment: str,
        objective: Objective,
        *,
        answer: Callable[[Scores], Answer | None] | None = None,
        files: Callable[[Mapping[str, Any]], Sequence[Path]] | None = None,
        picture: Callable[[Mapping[str, Array], str], Picture | None] | None = None,
        outputs: Outputs | None = None,
        show_after: float = SHOW_AFTER,
    ) -> None:
        self.uri = uri or default_uri(journal.folder)
        self.store = MlflowStore(self.uri, experiment, journal.folder)
        super().__init__(
            journal,
            self.store,
            objective,
            answer=answer,
            files=files,
            picture=picture,
            outputs=outputs,
            show_after=show_after,
        )


class MlflowStore:
    """MLflow as a `Store` of the mirror.

    Args:
        uri: tracking URI.
        experiment: name.
        folder: files are kept in `mlartifacts` beside an SQLite database, or in this folder for a database
            elsewhere; a server keeps them itself.
    """

    def __init__(self, uri: str, experiment: str, folder: Path) -> None:
        self._uri, self._name = uri, experiment
        self._file = file_of(uri)
        self._artifacts = (self._file.parent if self._file else folder) / ARTIFACTS
        self._database: _Database | None = None

    def open(self, campaign: CampaignRecord) -> Held:
        """Find or make experiment and parent run; return what is held of the campaign."""
        if self._file:
            _prepare_sqlite(self._file)
            find_again(self._file)
        self._client = MlflowClient(tracking_uri=self._uri)
        self._experiment = self._find_experiment()
        parents, children = self._find_runs(campaign.id)
        parent = self._open_parent(campaign, parents)
        self._parent: str = parent.info.run_id
        if self._file:
            self._database = _Database.of(self._uri, self._experiment)
        _remove_misread(self._uri)
        known: dict[int, KnownRun] = {}
        for trial, run in children:
            self._keep_one(known, trial, run)
        metrics = parent.data.metrics
        step = sum(metrics.get(name, 0) for name in ("done", "failed", "dropped"))
        retried, recomputed = (parent.data.tags.get(tag, "") for tag in (RETRIED_TAG, RECOMPUTED_TAG))
        return Held(known, int(step), retried, int(metrics.get(VERSION_METRIC, 0)), recomputed)

    def _find_experiment(self) -> Experiment:
        experiment = self._client.get_experiment_by_name(self._name)
        if experiment is None:
            remote = self._uri.startswith(("http://", "https://", "databricks"))
            location = None if remote else self._artifacts.resolve().as_uri()
            experiment = self._client.get_experiment(self._client.create_experiment(self._name, location, tags=KIND))
        elif experiment.lifecycle_stage == "deleted":
            self._client.restore_experiment(experiment.experiment_id)
        if self._file and not KIND.keys() <= experiment.tags.keys():  # of an older softal
            for name, value in KIND.items():
                self._client.set_experiment_tag(experiment.experiment_id, name, value)
        return experiment

    def _find_runs(self, campaign: str) -> tuple[list[Run], list[tuple[int, KnownRun]]]:
        """Return the campaign's parent runs (there should be one at most), and its trials' runs."""
        parents: list[Run] = []
        children: list[tuple[int, KnownRun]] = []  # of MLflow's own runs, 100,000 take more than a GB
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment.experiment_id],
                f"tags.`{CAMPAIGN_TAG}` = '{campaign}'",
                max_results=PAGE,
                page_token=token,
            )
            for run in page:
                if TRIAL_TAG in run.data.tags:
                    children.append((int(run.data.tags[TRIAL_TAG]), _known(run)))
                elif run.data.tags.get(KIND_TAG) == "campaign":
                    parents.append(run)
            token = page.token
            if not token:
                return parents, children

    def _open_parent(self, campaign: CampaignRecord, found: list[Run]) -> Run:
        tags = {**campaign.tags, KIND_TAG: "campaign"}
        if found:
            parent, *doubled = sorted(found, key=lambda run: run.info.start_time)
            for run in doubled:
                self._client.delete_run(run.info.run_id)
            self._client.update_run(parent.info.run_id, status="RUNNING")
        else:
            parent = self._client.create_run(
                self._experiment.experiment_id, campaign.start, tags=tags, run_name=campaign.name
            )
        self._client.log_batch(parent.info.run_id, tags=_tags(tags))
        for some in _parts(_params(campaign.params), MAX_PARAMS):
            self._client.log_batch(parent.info.run_id, params=some)
        if not any(file.path == CAMPAIGN_FILE for file in self._client.list_artifacts(parent.info.run_id)):
            self._client.log_text(parent.info.run_id, campaign.text, CAMPAIGN_FILE)
        return parent

    def _keep_one(self, known: dict[int, KnownRun], trial: int, new: KnownRun) -> None:
        """Take a run as its trial's; of two runs of one trial the ended one stays."""
        old = known.get(trial)
        if old and (old.status == "FINISHED" or new.status == "RUNNING"):
            self.remove(new)
            return
        if old:
            self.remove(old)
        known[trial] = new

    def add(self, runs: Sequence[FinishedRun]) -> None:
        """Add runs of finished trials, each with the files in its folder, if it has one."""
        with _rejections():
            if self._database and self._database.insert(runs, self._parent):
                return
            for record, files in runs:
                self.complete(self.create(record), record, files)

    def create(self, record: RunRecord) -> KnownRun:
        """Add the run of a trial, with its parameters if it goes on running."""
        with _rejections():
            tags = {**record.tags, "mlflow.parentRunId": self._parent}
            run = self._client.create_run(self._experiment.experiment_id, record.start, tags=tags, run_name=record.name)
            if record.status == "RUNNING":
                self._client.log_batch(run.info.run_id, params=_params(record.params))
        return KnownRun(run.info.run_id, "RUNNING", None, record.attempts)

    def complete(self, run: KnownRun, record: RunRecord, files: Path | None) -> None:
        """Write the record and the files to a run, and only then end it: an ended run is a complete one."""
        with _rejections():
            rows = [(name, value, record.end or record.start, 0) for name, value in record.metrics.items()]
            self._client.log_batch(run.run_id, _metrics(rows), _params(record.params), _tags(record.tags))
            if files is not None:
                self._client.log_artifacts(run.run_id, str(files))
            self._client.set_terminated(run.run_id, record.status, record.end)

    def remove(self, run: KnownRun) -> None:
        """Delete a run; as MLflow can show deleted runs, it does not stay RUNNING there."""
        if run.status == "RUNNING":
            self._client.set_terminated(run.run_id, "KILLED")
        self._client.delete_run(run.run_id)

    def log_campaign(self, metrics: Sequence[Row] = (), tags: Mapping[str, str] | None = None) -> None:
        """Log to the parent run."""
        with _rejections():
            if tags:
                self._client.log_batch(self._parent, tags=_tags(tags))
            for first in range(0, len(metrics), MAX_METRICS):
                self._client.log_batch(self._parent, _metrics(metrics[first : first + MAX_METRICS]))

    def attach_campaign(self, path: Path, folder: str | None) -> None:
        """Add a file to the parent run."""
        with _rejections():
            self._client.log_artifact(self._parent, str(path), folder)

    def close_campaign(self, status: str, end: int) -> None:
        """End the parent run."""
        self._client.set_terminated(self._parent, status, end)


def _remove_misread(uri: str) -> None:
    """Remove the empty folders that MLflow makes where the path of a database has `%3F` for `?`."""
    file = file_of(uri)
    misread = Path(uri.removeprefix(SQLITE)).parent
    if file is not None and file.parent != misread:
        with contextlib.suppress(OSError):
            os.removedirs(misread)


class _Database:
    """A database of ours, into which finished runs are inserted as MLflow's SqlAlchemyStore would."""

    def __init__(self, store: SqlAlchemyStore, experiment: Experiment) -> None:
        self._store, self._experiment = store, experiment
        location = experiment.artifact_location
        self._artifacts = Path(local_file_uri_to_path(location)) if is_local_uri(location) else None

    @classmethod
    def of(cls, uri: str, experiment: Experiment) -> _Database | None:
        """Return the database if its tables have the columns that we know, no more and no fewer."""
        if any({column.name for column in table.__table__.columns} != known for table, known in COLUMNS.items()):
            return None
        return cls(SqlAlchemyStore(uri, experiment.artifact_location), experiment)

    def insert(self, runs: Sequence[FinishedRun], parent: str) -> bool:
        """Insert runs in one transaction; return whether the database took them (all or none)."""
        rows: dict[type[Any], list[dict[str, Any]]] = {table: [] for table in COLUMNS}
        if self._artifacts is None and any(files for _, files in runs):
            return False
        folders: list[Path] = []
        for record, files in runs:
            run = uuid.uuid4().hex
            if files is not None and self._artifacts is not None:  # first: an ended run is a complete one
                folders.append(self._artifacts / run)
                shutil.copytree(files, folders[-1] / "artifacts", copy_function=shutil.copyfile)
            self._add_rows(rows, run, record, parent)
        try:
            with self._store.ManagedSessionMaker(read_only=False) as session:
                for table, entries in rows.items():
                    if entries:
                        session.connection().execute(insert(table.__table__), entries)
        except MlflowException as error:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            if error.error_code != "BAD_REQUEST":  # which is what a violated constraint becomes
                raise
            return False
        return True

    def _add_rows(self, rows: dict[type[Any], list[dict[str, Any]]], run: str, record: RunRecord, parent: str) -> None:
        tags = {**record.tags, "mlflow.parentRunId": parent, "mlflow.runName": record.name}
        rows[models.SqlRun].append(self._run(run, record))
        rows[models.SqlTag] += [{"run_uuid": run, "key": k, "value": v} for k, v in tags.items()]
        rows[models.SqlParam] += [{"run_uuid": run, "key": k, "value": v} for k, v in record.params.items()]
        at = {"run_uuid": run, "timestamp": record.end, "step": 0, "is_nan": False}
        metrics = [{**at, "key": key, "value": value} for key, value in record.metrics.items()]
        rows[models.SqlMetric] += metrics
        rows[models.SqlLatestMetric] += metrics

    def _run(self, run: str, record: RunRecord) -> dict[str, Any]:
        return {
            "run_uuid": run,
            "name": record.name,
            "source_type": "UNKNOWN",
            "source_name": "",
            "entry_point_name": "",
            "user_id": "unknown",
            "status": record.status,
            "start_time": record.start,
            "end_time": record.end,
            "deleted_time": None,
            "source_version": "",
            "lifecycle_stage": "active",
            "artifact_uri": append_to_uri_path(self._experiment.artifact_location, run, "artifacts"),
            "experiment_id": int(self._experiment.experiment_id),
        }


def _known(run: Run) -> KnownRun:
    info = run.info
    return KnownRun(info.run_id, intern(info.status), info.end_time, int(run.data.tags.get(ATTEMPTS_TAG, 1)))


_fast_files: set[str] = set()


def _prepare_sqlite(path: Path) -> None:
    """Let the database have readers while it is written, and commit without waiting for the disk.

    What a loss of power takes from it, the mirror writes again: the journal has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    if not path.exists():
        _make_database(path)
    _fast_files.add(str(path.resolve()))
    connection = sqlite3.connect(path, timeout=20)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def _make_database(path: Path) -> None:
    """Make MLflow's tables in a draft that gets its name when it is complete: a kill must not leave half of them."""
    with temporary_folder(path.parent, _drafts(path)) as folder:
        draft = folder / path.name
        uri = address_of(draft.resolve())
        SqlAlchemyStore(uri, (path.parent / ARTIFACTS).resolve().as_uri()).engine.dispose()
        _remove_misread(uri)
        try:
            path.hardlink_to(draft)
        except FileExistsError:  # another campaign was faster, and may have written to its own
            return
        except OSError:  # a file system without hard links
            draft.rename(path)


def _drafts(path: Path) -> str:
    """Return how the names of folders with drafts of a database begin."""
    return f"{path.name}.new-"


def _sweep(path: Path) -> None:
    """Remove drafts of killed processes; those of earlier versions, which have no lock, where they are old."""
    sweep(path.parent, _drafts(path))
    for draft in path.parent.glob(f"{path.name}.*.new*"):
        with contextlib.suppress(OSError):
            found = draft.lstat()
            if found.st_uid == os.geteuid() and time.time() - found.st_mtime > OLD:
                draft.unlink()


@event.listens_for(Engine, "connect")
def _commit_without_waiting(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        file = connection.execute("PRAGMA database_list").fetchone()[2]
        if file in _fast_files:
            connection.execute("PRAGMA synchronous=NORMAL")


@contextlib.contextmanager
def _rejections() -> Iterator[None]:
    try:
        yield
    except MlflowException as error:
        if error.error_code == "INVALID_PARAMETER_VALUE":
            raise RejectedError(str(error)) from error
        raise


def _metrics(rows: Sequence[Row]) -> list[Metric]:
    return [Metric(name, value, time, step) for name, value, time, step in rows]


def _parts(rows: Sequence[Param], size: int) -> Iterator[Sequence[Param]]:
    return (rows[first : first + size] for first in range(0, len(rows), size))


def _params(params: Mapping[str, str]) -> list[Param]:
    return [Param(name, value) for name, value in params.items()]


def _tags(tags: Mapping[str, str]) -> list[RunTag]:
    return [RunTag(name, value) for name, value in tags.items()]
