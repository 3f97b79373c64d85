"""Settings of a training run as frozen dataclasses, read from TOML: an unknown key fails, a wrong type fails."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from srntt.errors import InputError

_Settings = TypeVar("_Settings")
_MOST_BYTES = 1 << 16
_MOST_DOTS = 200  # in a line; a key of thousands of parts takes gigabytes


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a TOML file; InputError if it is not a file, larger than 64 KB, or not TOML."""
    if not os.path.isfile(file):  # unlike Path's, it answers for any name; nor does it wait for a pipe
        raise InputError(f"Recipe {file} is not a file. Give a TOML file.")
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise InputError(f"{file} is larger than {_MOST_BYTES} bytes, which no recipe is.")
        return _parsed(text.decode())
    except OSError as error:
        raise InputError(f"Recipe {file} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not TOML of a recipe: {error}.") from error


def override(table: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """A copy of a table with some values replaced, each given as ``section.key=value``.

    The value is TOML; text that is not, such as a bare word or path, stands for itself.

    Example:
        >>> override({"schedule": {"steps": 5}}, ["schedule.steps=9", "start=lite-rec"])
        {'schedule': {'steps': 9}, 'start': 'lite-rec'}
    """
    result = {name: dict(value) if isinstance(value, dict) else value for name, value in table.items()}
    for setting in settings:
        path, equals, text = setting.partition("=")
        *sections, key = path.strip().split(".")
        if not equals or not key:
            raise InputError(f"--set {setting!r} is not key=value; such as schedule.steps=1000.")
        place = result
        for section in sections:
            inner = place.get(section, {})
            if not isinstance(inner, dict):
                raise InputError(f"--set {setting!r}: {section} is a setting, not a section.")
            place[section] = dict(inner)
            place = place[section]
        place[key] = _value_of(text.strip())
    return result


def build(kind: type[_Settings], table: Mapping[str, Any], where: str = "") -> _Settings:
    """A dataclass from a table, its sections from tables within.

    Args:
        kind: frozen dataclass of int, float, bool, str, Literal, tuples and dicts of those, and dataclasses.
        table: as TOML gives it.
        where: name of the section, for messages.

    Raises:
        InputError: an unknown key, a missing one, a value of another type.
    """
    hints = get_type_hints(kind)
    known: dict[str, Field] = {field.name: field for field in fields(kind)}  # pyright: ignore[reportArgumentType]
    prefix = f"{where}." if where else ""
    if unknown := sorted(set(table) - set(known)):
        raise InputError(f"There is no setting {prefix}{unknown[0]}; there are {prefix}{{{', '.join(known)}}}.")
    needed = [f.name for f in known.values() if f.default is MISSING and f.default_factory is MISSING]
    if missing := sorted(set(needed) - set(table)):
        raise InputError(f"The setting {prefix}{missing[0]} is missing.")
    return kind(**{name: _checked(hints[name], value, f"{prefix}{name}") for name, value in table.items()})


def as_table(settings: object) -> Any:
    """The table that ``build`` makes the same settings from; plain values, for JSON and TOML."""
    if is_dataclass(settings):
        return {field.name: as_table(getattr(settings, field.name)) for field in fields(settings)}
    if isinstance(settings, Mapping):
        return {name: as_table(value) for name, value in settings.items()}
    if isinstance(settings, tuple):
        return [as_table(value) for value in settings]
    return settings


def _value_of(text: str) -> Any:
    try:
        return _parsed(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _parsed(text: str) -> dict[str, Any]:
    """Raises ValueError for what is not TOML, or has a key of very many parts."""
    if max(line.count(".") for line in text.splitlines() or [""]) > _MOST_DOTS:
        raise ValueError(f"a line of more than {_MOST_DOTS} dots")
    return tomllib.loads(text)


_WORDS: dict[Any, str] = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}


def _checked(hint: Any, value: Any, name: str) -> Any:
    """The value as the hint wants it; integers pass for floats, lists for tuples."""
    origin, inner = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(value, Mapping):
        return build(hint, value, name)  # pyright: ignore[reportArgumentType]
    if origin in (Union, UnionType) and (own := _only_other_than_none(inner)):
        return _checked(own, value, name)
    if origin is Literal and value in inner:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(value):
            return tuple(_checked(kind, item, name) for kind, item in zip(kinds, value, strict=True))
    if origin is dict and isinstance(value, Mapping):
        return {key: _checked(inner[1], item, f"{name}.{key}") for key, item in value.items()}
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and origin is None and type(value) is hint:
        return value
    wanted = " or ".join(map(repr, inner)) if origin is Literal else _WORDS.get(hint, getattr(hint, "__name__", hint))
    raise InputError(f"The setting {name} is {value!r}; it takes {wanted}.")


def _only_other_than_none(kinds: tuple[Any, ...]) -> Any:
    others = [kind for kind in kinds if kind is not type(None)]
    return others[0] if len(others) == 1 else None
