"""Writes example campaigns, from `softal/templates/<kind>/`, for the user to change into their own."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from softal.errors import CampaignStateError, SoftalError

CAMPAIGN_FILE = "campaign.yaml"
BY_HAND = "by_hand"  # the kind that is not launched, but asked and told
SCRIPT = "#!"  # how a file begins that shall be executable, which a package's data files are not


def example_kinds() -> list[str]:
    """Return the kinds of examples that there are."""
    return sorted(entry.name for entry in _templates().iterdir() if entry.is_dir() and not entry.name.startswith("_"))


def write_example(kind: str, folder: Path) -> list[Path]:
    """Write an example campaign into the folder, which is made if need be.

    Args:
        kind: `function` (a Python function), `command` (any executable, with a template of its input file) or `by_hand`
            (people do the experiments).
        folder: where.

    Returns:
        The files, the campaign file first.

    Raises:
        SoftalError: for another kind.
        CampaignStateError: if one of the files is there already; nothing is written then.
    """
    if kind not in example_kinds():
        raise SoftalError(f"{kind!r} is no kind of example; allowed are {', '.join(example_kinds())}")
    sources = [entry for entry in (_templates() / kind).iterdir() if entry.is_file() and not _is_litter(entry.name)]
    sources.sort(key=lambda entry: (entry.name != CAMPAIGN_FILE, entry.name))
    targets = [folder / entry.name for entry in sources]
    if present := [str(path) for path in targets if path.exists() or path.is_symlink()]:
        raise CampaignStateError(
            f"nothing is written over files that are there: {', '.join(present)}. "
            "Another folder will do: softal init FOLDER"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source, target in zip(sources, targets, strict=True):
            _write(target, source.read_text(encoding="utf-8"))
    except OSError as error:
        raise CampaignStateError(f"{folder} cannot be written: {error}") from error
    return targets


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    if text.startswith(SCRIPT):
        path.chmod(path.stat().st_mode | 0o111)


def _templates() -> Traversable:
    return resources.files("softal") / "templates"


def _is_litter(name: str) -> bool:
    return name.startswith((".", "_")) or name.endswith(".pyc")
