"""The part of JSON Schema that our API description uses, checked."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_KNOWN = {
    "type",
    "description",
    "format",
    "pattern",
    "enum",
    "minimum",
    "maximum",
    "maxLength",
    "items",
    "properties",
    "required",
    "additionalProperties",
    "$ref",
}


def problems(value: Any, schema: dict[str, Any], whole: dict[str, Any], at: str = "") -> list[str]:
    """What is wrong with a value, each with where it is; a keyword we do not know is wrong too."""
    if "$ref" in schema:
        schema = resolve(schema["$ref"], whole)
    found = [f"{at}: unknown keyword {name}" for name in set(schema) - _KNOWN]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        return [*found, f"{at}: {value!r} is no {kinds}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if isinstance(value, str):
        found += _text(value, schema, at)
    if isinstance(value, int) and value < schema.get("minimum", value):
        found.append(f"{at}: {value} is too small")
    if isinstance(value, list):
        for index, one in enumerate(value):
            found += problems(one, schema.get("items", {}), whole, f"{at}[{index}]")
    if isinstance(value, dict):
        found += _object(value, schema, whole, at)
    return found


def resolve(reference: str, whole: dict[str, Any]) -> dict[str, Any]:
    """What `#/a/b` points at."""
    for name in reference.removeprefix("#/").split("/"):
        whole = whole[name]
    return whole


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])


def _text(value: str, schema: dict[str, Any], at: str) -> list[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{at}: {value!r} is not like {schema['pattern']}"]
    try:
        if schema.get("format") == "date":
            date.fromisoformat(value)
        if schema.get("format") == "date-time":
            assert datetime.fromisoformat(value).tzinfo
    except (ValueError, AssertionError):
        return [f"{at}: {value!r} is no {schema['format']}"]
    return []


def _object(
    value: dict[str, Any], schema: dict[str, Any], whole: dict[str, Any], at: str
) -> list[str]:
    parts = schema.get("properties", {})
    found = [f"{at}.{name}: is missing" for name in schema.get("required", []) if name not in value]
    if schema.get("additionalProperties") is False:
        found += [f"{at}.{name}: is not described" for name in set(value) - set(parts)]
    for name in set(value) & set(parts):
        found += problems(value[name], parts[name], whole, f"{at}.{name}")
    return found
