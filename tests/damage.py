"""Damages good files at random, as disks, editors and other programs do; the same seed, the same damage."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
import random
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

WORDS = (
    "", " ", "~", "null", "nan", "NaN", "-.inf", "1e999", "1e-999", "-0", "0x", "0o" + "7" * 5000, "9" * 5000,
    "1" * 309, "_" * 20_000, "a" * 140_000, "é", "٣", "٣ min", "\u2028", "\ufeff", "\x00", "\\", '"', "'", "#",
    "x and y", "lambda: 1", "__import__('os')", "../../etc/passwd", "/dev/null", "/dev/zero", "/", ".", "x" * 300,
    "boom:x", "boom2:x", "boom3:x", "module:Class", "{x}", "{x:>999999999}", "{", "}}", "[" * 3000, "{a: " * 200,
    "&a", "*a", "&a [*a]", "!!python/object:os.system", "!!binary aa==", '"\\U00110000"', '"\\ud800"', "1:2:3",
    "2001-01-01", "true", "off", "1,5", "1.234,5", "1;2", "\t", "-", "? ", "|", "<<: *a", "%", "@", "`", "inf", "-1",
    "1.5", "18446744073709551616",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53 + 1, 2**63, 2**64, 10**400, 1.5, -0.0, 1e308, 5e-324, math.inf, -math.inf,
    math.nan, "", "x", "nan", "x" * 300, "\x00", "\ud800", "é", [], {}, [[]], {"": None}, [None], [1, "a", {}],
    {"kind": "gp"}, {"kind": None}, "boom:x", "boom2:x", "boom3:x", "mod:simulate", ["a"] * 3000, list(range(200)),
    {"low": 1, "high": 0},
)  # fmt: skip
DTYPES = ("F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "X", "")


def text(content: str, rng: random.Random) -> str:
    """Damage a text: words, lines, characters."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        content = rng.choice((_word, _word, _lines, _lines, _characters, _characters, _number))(content, rng)
    return content


def _word(content: str, rng: random.Random) -> str:
    words = content.split(" ")
    words[rng.randrange(len(words))] = rng.choice(WORDS)
    return " ".join(words)


def _lines(content: str, rng: random.Random) -> str:
    lines = content.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(6):
        case 0:
            lines[i], lines[j] = lines[j], lines[i]
        case 1:
            del lines[i]
        case 2:
            lines[i:i] = [lines[j]] * rng.choice((1, 2, 100))
        case 3:
            lines[i] = rng.choice((" ", "  ", "\t", "      ")) + lines[i]
        case 4:
            lines[i] = rng.choice(WORDS)
        case _:
            lines = lines[:i]
    return rng.choice(("\n", "\n", "\n", "\r\n", "\r")).join(lines)


def _characters(content: str, rng: random.Random) -> str:
    i, j = sorted((rng.randrange(len(content) + 1), rng.randrange(len(content) + 1)))
    match rng.randrange(5):
        case 0:
            return (
                content[:i]
                + chr(rng.choice((0, 7, 9, 34, 39, 58, 91, 123, 133, 160, 8232, 65279, 128512)))
                + content[i:]
            )
        case 1:
            return content[:i] + content[i + 1 :]
        case 2:
            return content[:j]
        case 3:
            return content[:i] + content[i:j] * 2 + content[j:]
        case _:
            return content[:i] + content[i:j].swapcase() + content[j:]


def _number(content: str, rng: random.Random) -> str:
    digits = [i for i, character in enumerate(content) if character.isdigit()]
    if not digits:
        return content
    i = rng.choice(digits)
    return content[:i] + rng.choice(WORDS) + content[i + 1 :]


def octets(content: bytes, rng: random.Random) -> bytes:
    """Damage bytes: bits that flip, blocks that are cut, doubled, zeroed or overwritten."""
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        i, j = sorted((rng.randrange(len(found) + 1), rng.randrange(len(found) + 1)))
        match rng.randrange(7) if found else 6:
            case 0 | 1 | 2:
                found[min(i, len(found) - 1)] ^= 1 << rng.randrange(8)
            case 3:
                del found[i : min(j, i + 64)]
            case 4:
                found[i:i] = found[i : min(j, i + 4096)]
            case 5:
                found[i : min(j, i + 512)] = bytes(rng.choice((0, 255)) for _ in range(min(j, i + 512) - i))
            case _:
                found[i:i] = rng.randbytes(rng.choice((1, 8, 64)))
    return bytes(found[: rng.randrange(len(found) + 1)] if rng.random() < 0.15 else found)


def data(content: Any, rng: random.Random) -> Any:
    """Damage plain data (of YAML or JSON): a value replaced, taken away, doubled or put elsewhere."""
    content = copy.deepcopy(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(content))
        if not places:
            return rng.choice(VALUES)
        holder, key = rng.choice(places)
        other = rng.choice(places)
        match rng.randrange(6):
            case 0 if isinstance(holder, dict):
                holder[rng.choice(("x", "kind", "zz", "low", "\x00", "", "command"))] = holder.pop(key)
            case 1:
                del holder[key]
            case 2:
                holder[key] = copy.deepcopy(other[0][other[1]]) if other[1] in _keys(other[0]) else None
            case 3 if isinstance(holder, list):
                holder.extend([holder[key]] * rng.choice((1, 50)))
            case _:
                holder[key] = copy.deepcopy(rng.choice(VALUES))
    return content


def _keys(holder: Any) -> Any:
    return holder if isinstance(holder, dict) else range(len(holder))


def _places(content: Any) -> Any:
    for key in list(_keys(content)) if isinstance(content, dict | list) else ():
        yield content, key
        yield from _places(content[key])


def yaml_text(content: str, rng: random.Random) -> bytes:
    """Damage a campaign file: its text, its bytes or what it says."""
    match rng.randrange(4):
        case 0:
            return octets(content.encode(), rng)
        case 1:
            return text(content, rng).encode("utf-8", "surrogatepass")
        case _:
            with contextlib.suppress(yaml.YAMLError, UnicodeError):
                return yaml.safe_dump(data(yaml.safe_load(content), rng), allow_unicode=rng.random() < 0.5).encode()
            return octets(content.encode(), rng)


def json_text(content: str, rng: random.Random) -> bytes:
    """Damage a JSON file in the same way; now and then it is nested deep."""
    match rng.randrange(8):
        case 0:
            return octets(content.encode(), rng)
        case 1 | 2:
            return text(content, rng).encode("utf-8", "surrogatepass")
        case 3 if rng.random() < 0.2:
            depth = rng.choice((100, 5000, 200_000))
            return (rng.choice(("[", '{"a":')) * depth).encode()
        case _:
            try:
                return json.dumps(data(json.loads(content), rng)).encode()
            except ValueError:  # an integer of too many digits
                return octets(content.encode(), rng)


def plain_text(content: bytes, rng: random.Random) -> bytes:
    """Damage a file of lines."""
    if rng.random() < 0.3:
        return octets(content, rng)
    return text(content.decode(), rng).encode("utf-8", "surrogatepass")


def npy(content: bytes, rng: random.Random) -> bytes:
    """Damage a .npy: its bytes, or its header, so that shape, type and order are others."""
    if rng.random() < 0.4:
        return octets(content, rng)
    array = np.load(io.BytesIO(content))
    if rng.random() < 0.5:
        return _saved(_other_array(array, rng))
    shape = rng.choice(
        ((10**12, 2), (2**62,), (-1, 2), (0, 2), (3,), (len(array), 3), (2**31, 2**31), (1,) * 40, "x", None, (1.5, 2))
    )
    described = rng.choice(
        ("<f8", ">f8", "|O", "<U7", "<f4", "<c16", "|V8", [("a", "<f8"), ("b", "<f8")], "<M8[s]", "x", 3, "<f999")
    )
    header = repr({"descr": described, "fortran_order": rng.choice((False, True, 3)), "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + array.tobytes()


def _saved(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def _other_array(array: Any, rng: random.Random) -> Any:
    match rng.randrange(9):
        case 0:
            return np.rec.fromarrays(array.T if array.ndim > 1 else [array])
        case 1:
            return array.astype(rng.choice(("U8", "S8", "c16", "f4", "f2", "M8[s]", "?", "O")))
        case 2:
            return array[..., None]
        case 3:
            return array[:0]
        case 4:
            return array.ravel()
        case 5:
            return np.array(rng.choice((1.0, "x", None)))
        case 6:
            changed = array.copy()
            values = (np.nan, np.inf, -np.inf, 1e308, 0.0) if array.dtype.kind == "f" else (0, 1, 127)
            changed.flat[rng.randrange(array.size)] = rng.choice(values)
            return changed
        case 7:
            return array[::-1]
        case _:
            return np.array([{"a": 1}, None], dtype=object)


def npz(content: bytes, rng: random.Random) -> bytes:
    """Damage a .npz: its bytes, one of its arrays, or the archive around them."""
    if rng.random() < 0.4:
        return octets(content, rng)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(parts))
    match rng.randrange(5):
        case 0:
            parts[rng.choice(("x", "../x.npy", "é.npy", "_" * 20_000))] = parts.pop(name)
        case 1:
            parts[name] = b"\x93NUMPY\x01\x00" + b"\x00" * rng.choice((0, 100_000_000 if rng.random() < 0.1 else 1000))
        case _:
            parts[name] = npy(parts[name], rng)
    stream = io.BytesIO()
    with zipfile.ZipFile(
        stream, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA))
    ) as archive:
        for part, octet in parts.items():
            archive.writestr(part, octet)
    return octets(stream.getvalue(), rng) if rng.random() < 0.3 else stream.getvalue()


def safetensors(content: bytes, rng: random.Random) -> bytes:
    """Damage a file of tensors: its bytes, its header, or a tensor that is another one than it was."""
    from safetensors.numpy import load, save

    if rng.random() < 0.3:
        return octets(content, rng)
    (length,) = struct.unpack("<Q", content[:8])
    if rng.random() < 0.3:
        header = json.loads(content[8 : 8 + length])
        one = header[rng.choice(list(header))]
        if isinstance(one, dict) and "shape" in one:
            key = rng.choice(("shape", "dtype", "data_offsets"))
            one[key] = {"shape": rng.choice(([10**12], [], [1, 1], [-1], "x")), "dtype": rng.choice(DTYPES)}.get(
                key, [0, 8]
            )
        changed = json.dumps(header).encode()
        return struct.pack("<Q", rng.choice((len(changed), 2**63, 0))) + changed + content[8 + length :]
    tensors = load(content)
    if not tensors:
        return octets(content, rng)
    name = rng.choice(list(tensors))
    match rng.randrange(4):
        case 0:
            del tensors[name]
        case 1:
            tensors[rng.choice(("x", "0.X", ""))] = tensors.pop(name)
        case 2:
            tensors[name] = np.ascontiguousarray(tensors[rng.choice(list(tensors))])
        case _:
            with contextlib.suppress(Exception):
                other = np.ascontiguousarray(_other_array(tensors[name], rng))
                return save(tensors | {name: other})
    return save(tensors)


CELLS: tuple[Any, ...] = (
    None, "", "x", b"\x00\xff", -1, 2**62, 1e308, math.inf, 0, 1.5, "[]", "{}", "null", "{\"x\": null}",
    "{\"x\": \"a\"}", "{\"x\": [1]}", "[1]", "[[[[", "[" * 100_000, "9" * 5000, "{\"x\": 1e999}", "{\"x\": NaN}",
    "{\"f\": true}", "done", "running", "[{}]", "{}},{", "é", "{\"g\": {\"unit\": 3}}", "{\"g\": 1}",
    "{\"../../x\": {}}",
)  # fmt: skip


def sqlite(path: Path, rng: random.Random) -> None:
    """Damage a database: its bytes and pages, cells of other types, rows and tables that are gone."""
    if rng.random() < 0.4:
        path.write_bytes(
            octets(path.read_bytes(), rng) if rng.random() < 0.9 else rng.choice((b"", b"garbage", b"\x00" * 8192))
        )
        return
    connection = sqlite3.connect(path, isolation_level=None)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for _ in range(rng.choice((1, 1, 2))):
        with contextlib.suppress(sqlite3.Error):
            connection.execute(*_statement(connection, rng.choice([*tables, "trials", "trials", "trials"]), rng))
    connection.close()


def _statement(connection: sqlite3.Connection, table: str, rng: random.Random) -> tuple[str, Sequence[Any]]:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    column, row = rng.choice(columns), rng.randrange(max(1, rows))
    key = columns[0]
    chosen = f"(SELECT {key} FROM {table} LIMIT 1 OFFSET {row})"
    match rng.randrange(10):
        case 0:
            return f"DROP TABLE {table}", ()
        case 1:
            return f"DELETE FROM {table} WHERE {key} = {chosen}", ()
        case 2:
            return f"PRAGMA user_version = {rng.choice((-1, 0, 1, 3, 2**31 - 1))}", ()
        case 3:
            return f"ALTER TABLE {table} DROP COLUMN {column}", ()
        case 4:
            return f"UPDATE {table} SET {column} = ?", (rng.choice(CELLS),)
        case _:
            return f"UPDATE {table} SET {column} = ? WHERE {key} = {chosen}", (rng.choice(CELLS),)


Damage = Callable[[bytes, random.Random], bytes]
