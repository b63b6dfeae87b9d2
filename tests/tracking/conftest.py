"""A journal beside which MLflow's database is made already."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from softal.tracking.journal import Journal


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow takes a second to make its tables: once is enough."""
    from mirrored import mlflow

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def journal(tmp_path: Path, empty_database: Path) -> Iterator[Journal]:
    from mirrored import INFO, TEXT

    with Journal.create(tmp_path / "argon", TEXT, INFO) as opened:
        shutil.copyfile(empty_database, opened.folder / "mlflow.db")
        yield opened
