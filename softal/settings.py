"""Settings of simulators, strategies and surrogates: pydantic models, filled with errors that a user understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from softal.errors import SoftalError
from softal.validation import problems_in


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
