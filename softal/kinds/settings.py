"""Settings of simulators, strategies and learners: pydantic models, filled with errors that a user understands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo

from softal.errors import SoftalError
from softal.kinds.inputs import input_file
from softal.kinds.validation import problems_in, show, strictly_filled


class Settings(BaseModel):
    """Base of all settings: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def filled(
    model: type[BaseModel], settings: BaseModel | Mapping[str, Any] | None, kind: str, error: type[SoftalError]
) -> Any:
    """Return `settings` as an instance of `model`.

    Raises:
        SoftalError: of the class `error`, with every mistake: the setting, its value and what is allowed.
    """
    if isinstance(settings, BaseModel):
        return settings
    data = dict(settings or {})
    try:
        return model.model_validate(data)
    except ValidationError as wrong:
        listed = "; ".join(str(problem) for problem in problems_in(wrong, model, data))
        raise error(f"settings of {kind!r}: {listed}") from None


def _in_folder(file: Path, info: ValidationInfo) -> Path:
    path = input_file((Path((info.context or {}).get("folder", ".")) / file).resolve())
    if not path.is_file():
        raise ValueError(f"{show(str(file))} is given, but there is no file {path}")
    return path


# A file that is there; relative to the campaign file, where one is read.
ExistingFile = Annotated[Path, AfterValidator(_in_folder)]


@dataclass(frozen=True)
class ChosenKind:
    """A kind with its settings, within the settings of another.

    Attributes:
        kind: its name.
        found: the class behind it.
        settings: of that class.
    """

    kind: str
    found: type[Any]
    settings: BaseModel


def choosing(find: Callable[[str], type[Any]]) -> BeforeValidator:
    """Return what makes a ChosenKind of `kind` or `{kind: ..., settings...}`; ValueError, in one line, where it cannot.

    Args:
        find: kind -> class with `Settings`; SoftalError where there is none.
    """

    def read(value: object, info: ValidationInfo) -> ChosenKind:
        if isinstance(value, ChosenKind):
            return value
        data = dict(value) if isinstance(value, Mapping) else {"kind": value}
        kind = data.pop("kind", None)
        if not isinstance(kind, str) or not kind:
            raise ValueError(f"{show(value)} is given; allowed: the name of a kind, or a mapping with `kind`")
        try:
            found = find(kind)
        except SoftalError as error:
            raise ValueError(str(error)) from None
        settings, problems = strictly_filled(found.Settings, data, info.context or {})
        if settings is None:
            raise ValueError(f"{kind}: " + "; ".join(map(str, problems)))
        return ChosenKind(kind, found, settings)

    return BeforeValidator(read)


def folder_beside(named: Path, info: ValidationInfo) -> Path:
    """Return the folder that a campaign file names: looked for beside the file first, then where softal runs."""
    beside = Path((info.context or {}).get("folder", ".")) / named
    try:
        return (beside if beside.exists() else named).resolve()
    except OSError:  # a name that is too long
        return beside
