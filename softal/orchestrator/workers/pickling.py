"""What goes from the driver to agents and workers, some of it made of classes in the user's own modules.

Parcels travel between processes of one campaign and are never stored: what is stored is JSON, SQLite and safetensors.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import cloudpickle


def pack(content: Any, source: Path) -> bytes:
    """Return `content` as bytes, with the folder in which the user's modules are found."""
    return bytes(cloudpickle.dumps((str(source), cloudpickle.dumps(content))))


def unpack(parcel: bytes) -> Any:
    """Return what was packed, having made the user's folder importable first."""
    source, content = pickle.loads(parcel)
    if source not in sys.path:
        sys.path.insert(0, source)
    return pickle.loads(content)
