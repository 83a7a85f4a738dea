"""Loading an environment from a folder anywhere, as often as needed, without touching the ones that are installed."""

from __future__ import annotations

import importlib.util
import sys
from hashlib import sha256
from pathlib import Path

from servers.runtime import DefinitionError, Environment, ServerError


def environment_in(folder: Path) -> Environment:
    """Give the environment of a folder; raises `DefinitionError` when its files don't make one."""
    path = folder.resolve() / "server.py"
    if not path.exists():
        raise DefinitionError(f"{folder} has no server.py; an environment's folder has one, and a manifest.toml.")
    name = f"envfactory_folder_{sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(f"{name}.server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        environment = module.env
        names = environment.name  # reads the manifest
    except ServerError:
        raise
    except Exception as error:  # the folder's own code runs here: whatever it raises is its fault, not ours
        raise DefinitionError(f"{path} doesn't load: {type(error).__name__}: {error}") from error
    if not isinstance(environment, Environment) or not names:
        raise DefinitionError(f"{path} must define env = Environment(__file__).")
    return environment
