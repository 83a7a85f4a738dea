"""An environment's resources: what it says of itself, for clients that read before they call. Never its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastmcp.resources import TextResource

if TYPE_CHECKING:
    from servers.runtime.environment import Environment


def resources_of(environment: Environment) -> list[TextResource]:
    """Give the manifest as JSON and the schema as SQL, at environment://{name}/manifest and …/schema."""
    said = environment.manifest
    return [
        TextResource.model_validate(
            {
                "uri": f"environment://{said.name}/{name}",
                "name": name,
                "title": title,
                "description": description,
                "mime_type": media,
                "text": text,
            }
        )
        for name, title, description, media, text in (
            (
                "manifest",
                f"{said.title}: manifest",
                "What the environment is, its version and licence, and the public material it is modelled on.",
                "application/json",
                said.model_dump_json(indent=2),
            ),
            (
                "schema",
                f"{said.title}: schema",
                "The tables and views that hold its state, with their constraints.",
                "application/sql",
                environment.schema,
            ),
        )
    ]
