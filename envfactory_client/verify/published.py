"""Published schemas: what JSON Schema says of a value, formats included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from envfactory_client.errors import MissingExtra


def misfit(schema: Mapping[str, Any], value: Any) -> str | None:
    """What a schema has against a value, as a phrase; None if it accepts it."""
    error = next(iter(_validator(json.dumps(schema, sort_keys=True)).iter_errors(value)), None)
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path) or "the whole"
    return f"{where}: {error.message:.200}"


def sound_schema(schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a schema itself; None if it is one of draft 2020-12."""
    try:
        import jsonschema
    except ModuleNotFoundError as error:
        raise MissingExtra("Verifying", "verify") from error
    try:
        jsonschema.Draft202012Validator.check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        return f"{'.'.join(str(part) for part in error.absolute_path) or 'the whole'}: {error.message:.200}"
    return None


@lru_cache(maxsize=1024)
def _validator(schema: str) -> Any:
    try:
        import jsonschema
    except ModuleNotFoundError as error:
        raise MissingExtra("Verifying", "verify") from error
    kind = jsonschema.Draft202012Validator
    return kind(json.loads(schema), format_checker=_formats())


@lru_cache(maxsize=1)
def _formats() -> Any:
    import jsonschema

    from envfactory_client.verify.draw import is_date

    checker = jsonschema.FormatChecker(formats=())
    checker.checks("date")(lambda value: not isinstance(value, str) or is_date(value))
    return checker
