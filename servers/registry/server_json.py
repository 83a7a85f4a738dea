"""A server.json entry: the official registry's format as models, with the rules that its JSON schema leaves out.

The format is the one of 2025-12-11. The official service refuses some entries that its schema accepts (ranges as
versions, remotes on localhost, placeholders that nothing fills); each such rule is here, with a sentence of its own.
Fields that the format doesn't know are errors, because the official service would silently drop them.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

SCHEMA_URL: Final = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
PUBLISHER_PROVIDED = "io.modelcontextprotocol.registry/publisher-provided"
OFFICIAL = "io.modelcontextprotocol.registry/official"
PUBLISHER_BYTES = 4096

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9]/[a-zA-Z0-9][a-zA-Z0-9._-]*[a-zA-Z0-9]")
_RANGE = re.compile(r"[\^~<>=|*]|\s|(^|\.)[xX](\.|$)")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_REPOSITORY = re.compile(r"https://(github|gitlab)\.com/[\w.-]+(/[\w.-]+)+?(\.git)?/?")
_SUBFOLDER = re.compile(r"(?!.*(^|/)\.\.?(/|$))[\w.@+-]+(/[\w.@+-]+)*")
_OCI_IMAGE = re.compile(r"[a-z0-9.-]+(:[0-9]+)?/[a-z0-9._/-]+:[\w.-]+(@sha256:[a-f0-9]{64})?")
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "0.0.0.0", "::1")  # noqa: S104  these are refused, not bound
_ONE_REGISTRY = frozenset({"pypi", "npm", "nuget"})


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            "a name is a reverse-DNS namespace, one slash and a name, both beginning and ending with a letter or "
            "digit, such as io.github.user/weather"
        )
    return value


def _specific(value: str) -> str:
    if value == "latest" or _RANGE.search(value):
        raise ValueError("a version is one specific version such as 1.0.2, not 'latest' and not a range")
    return value


def _https(value: str) -> str:
    if urlsplit(value).scheme != "https" or not urlsplit(value).hostname:
        raise ValueError("the URL must begin with https://")
    return value


def _flag(value: str) -> str:
    if re.search(r"[<>$\s]", value):
        raise ValueError(
            "a named argument's name is only the flag, such as --port: no value, blank or placeholder in it"
        )
    return value


def _unbroken(value: str) -> str:
    if re.search(r"\s", value):
        raise ValueError("a package identifier has no blanks in it")
    return value


Name = Annotated[str, Field(min_length=3, max_length=200), AfterValidator(_name)]
Version = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_specific)]
HttpsUrl = Annotated[str, AfterValidator(_https)]
Timestamp = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$")]


class Part(BaseModel):
    """Any part of an entry: camelCase on the wire, nothing unknown in it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    def to_json(self) -> dict[str, Any]:
        """Give the part as it stands in the file: what isn't set is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Input(Part):
    """A value that is fixed by `value`, or that the user is asked for."""

    description: str | None = None
    is_required: bool | None = None
    format: Literal["string", "number", "boolean", "filepath"] | None = None
    value: str | None = None
    is_secret: bool | None = None
    default: str | None = None
    placeholder: str | None = None
    choices: tuple[str, ...] | None = None
    variables: dict[str, Input] | None = None


class _Name(Part):
    name: str


class _Place(Part):
    type: Literal["positional"] = "positional"


class _Flag(Part):
    type: Literal["named"] = "named"
    name: Annotated[str, Field(min_length=1), AfterValidator(_flag)]


class KeyValue(Input, _Name):
    """An environment variable or a header."""


class Positional(Input, _Place):
    """An argument that is only its value."""

    value_hint: str | None = None
    is_repeated: bool | None = None

    @model_validator(mode="after")
    def _is_known_by_something(self) -> Self:
        if self.value is None and self.value_hint is None:
            raise ValueError("a positional argument needs a value or a valueHint")
        return self


class Named(Input, _Flag):
    """An argument that is a flag with a value."""

    is_repeated: bool | None = None

    @model_validator(mode="after")
    def _does_not_repeat_its_name(self) -> Self:
        if any(value and value.startswith(self.name) for value in (self.value, self.default)):
            raise ValueError(f"the value of a named argument must not begin with its name, {self.name}")
        return self


Argument = Annotated[Positional | Named, Field(discriminator="type")]


class Stdio(Part):
    """Standard input and output of a process that the client starts."""

    type: Literal["stdio"] = "stdio"


class Http(Part):
    """An HTTP endpoint; {placeholders} in its URL stand for arguments or variables of the package or remote."""

    type: Literal["streamable-http", "sse"] = "streamable-http"
    url: str
    headers: tuple[KeyValue, ...] | None = None

    @property
    def placeholders(self) -> set[str]:
        """The names of the placeholders in the URL."""
        return set(_PLACEHOLDER.findall(self.url))

    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        address = urlsplit(_PLACEHOLDER.sub("0", self.url))
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError(f"{self.url} is not an http or https URL")
        return self


class Remote(Http):
    """An endpoint that is already running, for everybody."""

    variables: dict[str, Input] | None = None

    @model_validator(mode="after")
    def _is_public(self) -> Self:
        _https(self.url)
        host = urlsplit(self.url).hostname or ""
        if host in _LOCAL_HOSTS or host.endswith(".localhost"):
            raise ValueError("a remote can't be on this machine; describe a local endpoint as a package's transport")
        return self

    @model_validator(mode="after")
    def _fills_its_placeholders(self) -> Self:
        _need_filled(self.placeholders, set(self.variables or {}), "the remote's variables")
        return self


class Package(Part):
    """How to get and start the server on one's own machine."""

    registry_type: Literal["pypi", "npm", "nuget", "oci", "mcpb"]
    registry_base_url: HttpsUrl | None = None
    identifier: Annotated[str, Field(min_length=1), AfterValidator(_unbroken)]
    version: Version | None = None
    file_sha256: Annotated[str | None, Field(alias="fileSha256", pattern=r"^[a-f0-9]{64}$")] = None
    runtime_hint: str | None = None
    transport: Annotated[Stdio | Http, Field(discriminator="type")]
    runtime_arguments: tuple[Argument, ...] | None = None
    package_arguments: tuple[Argument, ...] | None = None
    environment_variables: tuple[KeyValue, ...] | None = None

    @model_validator(mode="after")
    def _names_one_version_the_way_of_its_registry(self) -> Self:
        if self.registry_type in _ONE_REGISTRY and self.version is None:
            raise ValueError(f"a {self.registry_type} package needs its version")
        if self.registry_type in _ONE_REGISTRY and self.registry_base_url is not None:
            raise ValueError(
                f"a {self.registry_type} package comes from the public registry of its type; leave registryBaseUrl out"
            )
        if self.registry_type == "oci" and (self.version or self.registry_base_url):
            raise ValueError("an oci package has its version in its identifier, and no version or registryBaseUrl")
        if self.registry_type == "oci" and not _OCI_IMAGE.fullmatch(self.identifier):
            raise ValueError("the identifier of an oci package is registry/namespace/repository:tag")
        return self

    @model_validator(mode="after")
    def _can_be_checked_when_downloaded(self) -> Self:
        if self.registry_type == "mcpb" and self.file_sha256 is None:
            raise ValueError("an mcpb package needs the fileSha256 of its file")
        if self.registry_type == "mcpb":
            _https(self.identifier)
        return self

    @model_validator(mode="after")
    def _says_what_runs_it(self) -> Self:
        if self.runtime_arguments and self.runtime_hint is None:
            raise ValueError("runtimeArguments need a runtimeHint that says whose arguments they are")
        return self

    @model_validator(mode="after")
    def _fills_its_placeholders(self) -> Self:
        if isinstance(self.transport, Http):
            arguments = (*(self.runtime_arguments or ()), *(self.package_arguments or ()))
            filled = {variable.name for variable in self.environment_variables or ()}
            filled |= {argument.name for argument in arguments if isinstance(argument, Named)}
            filled |= {argument.value_hint or "" for argument in arguments if isinstance(argument, Positional)}
            _need_filled(self.transport.placeholders, filled, "an environment variable, argument name or valueHint")
        return self


def _need_filled(placeholders: set[str], filled: set[str], by: str) -> None:
    unfilled = sorted(placeholders - filled)
    if unfilled:
        raise ValueError(f"nothing fills {{{unfilled[0]}}} in the transport's URL; declare it among {by}")


class Repository(Part):
    """Where the sources are."""

    url: str
    source: Literal["github", "gitlab"]
    id: str | None = None
    subfolder: str | None = None

    @model_validator(mode="after")
    def _can_be_cloned(self) -> Self:
        address = _REPOSITORY.fullmatch(self.url)
        if address is None or address[1] != self.source:
            raise ValueError(f"the repository's url must be https://{self.source}.com/owner/repository")
        if self.subfolder is not None and not _SUBFOLDER.fullmatch(self.subfolder):
            raise ValueError("the repository's subfolder must be a clean relative path such as servers/airline")
        return self


class Icon(Part):
    """A picture for the server."""

    src: Annotated[HttpsUrl, Field(max_length=255)]
    mime_type: Literal["image/png", "image/jpeg", "image/jpg", "image/svg+xml", "image/webp"] | None = None
    sizes: tuple[Annotated[str, Field(pattern=r"^([0-9]+x[0-9]+|any)$")], ...] | None = None
    theme: Literal["light", "dark"] | None = None


class PublisherMeta(Part):
    """What the publisher adds; the official service keeps this key only, and only so many bytes of it."""

    provided: dict[str, Any] | None = Field(default=None, alias=PUBLISHER_PROVIDED)

    @model_validator(mode="after")
    def _is_small(self) -> Self:
        size = len(json.dumps(self.provided, ensure_ascii=False, separators=(",", ":")).encode())
        if size > PUBLISHER_BYTES:
            raise ValueError(f"the publisher's _meta has {size} bytes of JSON, and {PUBLISHER_BYTES} are allowed")
        return self


class ServerJson(Part):
    """One version of one server."""

    schema_url: Literal["https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"] = Field(
        default=SCHEMA_URL, alias="$schema"
    )
    name: Name
    title: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    description: Annotated[str, Field(min_length=1, max_length=100)]
    version: Version
    website_url: HttpsUrl | None = None
    repository: Repository | None = None
    icons: tuple[Icon, ...] | None = None
    packages: Annotated[tuple[Package, ...] | None, Field(min_length=1)] = None
    remotes: Annotated[tuple[Remote, ...] | None, Field(min_length=1)] = None
    meta: PublisherMeta | None = Field(default=None, alias="_meta")


class Status(Part):
    """What a registry itself says of an entry."""

    status: Literal["active", "deprecated", "deleted"]
    status_message: Annotated[str | None, Field(max_length=500)] = None
    status_changed_at: Timestamp
    published_at: Timestamp
    updated_at: Timestamp
    is_latest: bool

    @model_validator(mode="after")
    def _has_times_in_order(self) -> Self:
        published, changed, updated = (
            datetime.fromisoformat(moment) for moment in (self.published_at, self.status_changed_at, self.updated_at)
        )
        if not published <= changed <= updated:
            raise ValueError("publishedAt, statusChangedAt and updatedAt must follow one another in this order")
        if self.status == "active" and self.status_message is not None:
            raise ValueError("an active entry has no statusMessage")
        return self


class EntryMeta(Part):
    """The registry's own words on an entry."""

    official: Status = Field(alias=OFFICIAL)


class Entry(Part):
    """An entry of the list."""

    server: ServerJson
    meta: EntryMeta = Field(alias="_meta")


class ListMeta(Part):
    """How many entries a page has, and where the next one begins."""

    count: int
    next_cursor: str | None = None


class ServerList(Part):
    """The body of `GET /v0.1/servers`."""

    comment: str | None = Field(default=None, alias="$comment")
    servers: tuple[Entry, ...]
    metadata: ListMeta

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.metadata.count != len(self.servers):
            raise ValueError(f"metadata.count is {self.metadata.count}, but there are {len(self.servers)} servers")
        versions = [(entry.server.name, entry.server.version) for entry in self.servers]
        for name, version in versions:
            if versions.count((name, version)) > 1:
                raise ValueError(f"{name} {version} is listed more than once")
            latest = [entry for entry in self.servers if entry.server.name == name and entry.meta.official.is_latest]
            if len(latest) != 1:
                raise ValueError(f"exactly one version of {name} must be the latest, not {len(latest)}")
        return self
