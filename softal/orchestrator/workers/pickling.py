"""What goes from the driver to agents and workers, some of it made of classes in the user's own modules.

Parcels travel between processes of one campaign and are never stored: what is stored is JSON, SQLite and safetensors.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cloudpickle

from softal.kinds.own_modules import loaded_from, prefer, put_last


def pack(content: Any, source: Path) -> bytes:
    """Return `content` as bytes, with the folder in which the user's modules are found, and those loaded from there.

    A function of a notebook or script may be in a module where that runs, so this folder is sent along, too.
    """
    where = str(source), str(Path.cwd())
    return bytes(cloudpickle.dumps((where, loaded_from(source), cloudpickle.dumps(content))))


def unpack(parcel: bytes) -> Any:
    """Return what was packed, having made the user's folders importable, after all libraries."""
    (source, launched_in), names, content = pickle.loads(parcel)
    put_last(launched_in)
    prefer(Path(source), names)
    return pickle.loads(content)
