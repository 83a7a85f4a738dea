"""The server on which the conformance suite tries everything: an environment of ours, with the tools that it asks for.

The suite's scenarios name the tools, resources and prompts that a server must have for them. They stand here on a
server that our runtime built, beside the tools of the library, and are served as all environments are.
"""

from __future__ import annotations

import asyncio
import base64
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.prompts import Message
from fastmcp.tools import ToolResult
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CreateMessageRequest,
    CreateMessageResult,
    ElicitRequest,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    ListRootsRequest,
    LoggingMessageNotification,
    TextContent,
    TextResourceContents,
)
from pydantic import AnyUrl

from servers.runtime import Environment
from servers.runtime.contract import Actor
from servers.runtime.environment import ACTORS
from tests.fixtures.library.server import env as library


class Everything(Environment):
    """The library, with all that the suite asks for on its server."""

    def build_server(self, actors: frozenset[Actor] = ACTORS, *, note: str = "") -> FastMCP:
        """Give the library's server with the suite's tools, resources and prompts."""
        server = super().build_server(actors, note=note)
        for add in (_contents, _tells, _asks, _resources, _prompts, _rounds, _states, _capabilities):
            add(server)
        return server


def everything() -> Everything:
    """Give the environment."""
    made = Everything(str(library.folder / "server.py"))
    made.tools = dict(library.tools)
    return made


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


_PNG_BYTES = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
    + _chunk(b"IEND", b"")
)
_PNG = base64.b64encode(_PNG_BYTES).decode()
_WAV = base64.b64encode(
    b"RIFF" + struct.pack("<I", 38) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    + b"data" + struct.pack("<Ih", 2, 0)
).decode()  # fmt: skip
_IMAGE = ImageContent(type="image", data=_PNG, mime_type="image/png")


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _embedded(uri: str, text: str, media: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=media, text=text))


def _contents(server: FastMCP) -> None:
    """Add tools that give each kind of content."""

    @server.tool(output_schema=None)
    def test_simple_text() -> ToolResult:
        """Give a text."""
        return ToolResult(content=[_text("This is a simple text response for testing.")])

    @server.tool(output_schema=None)
    def test_image_content() -> ToolResult:
        """Give an image."""
        return ToolResult(content=[_IMAGE])

    @server.tool(output_schema=None)
    def test_audio_content() -> ToolResult:
        """Give a sound."""
        return ToolResult(content=[AudioContent(type="audio", data=_WAV, mime_type="audio/wav")])

    @server.tool(output_schema=None)
    def test_embedded_resource() -> ToolResult:
        """Give a resource."""
        return ToolResult(content=[_embedded("test://embedded-resource", "This is an embedded resource content.")])

    @server.tool(output_schema=None)
    def test_multiple_content_types() -> ToolResult:
        """Give a text, an image and a resource."""
        body = _embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json")
        return ToolResult(content=[_text("Multiple content types test:"), _IMAGE, body])

    @server.tool(output_schema=None)
    def test_error_handling() -> ToolResult:
        """Fail."""
        raise ToolError("This tool intentionally returns an error for testing")


def _tells(server: FastMCP) -> None:
    """Add tools that tell the client something while they run."""

    @server.tool(output_schema=None)
    async def test_tool_with_logging(ctx: Context) -> ToolResult:
        """Tell three things by the log."""
        for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            note = LoggingMessageNotification.model_validate({"params": {"level": "info", "data": said}})
            await ctx.session.send_notification(note, related_request_id=ctx.request_id)
            await asyncio.sleep(0.05)
        return ToolResult(content=[_text("All was told.")])

    @server.tool(output_schema=None)
    async def test_tool_with_progress(ctx: Context) -> ToolResult:
        """Report progress three times."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await asyncio.sleep(0.05)
        return ToolResult(content=[_text("All is done.")])


def _asks(server: FastMCP) -> None:
    """Add tools that ask the client something while they run, as clients of the older eras allow."""

    @server.tool(output_schema=None)
    async def test_sampling(prompt: str, ctx: Context) -> ToolResult:
        """Ask the client's model."""
        answer = await ctx.session.send_request(
            _sample(prompt, 100), CreateMessageResult, metadata=ServerMessageMetadata(related_request_id=ctx.request_id)
        )
        return ToolResult(content=[_text(f"LLM response: {answer.content}")])

    @server.tool(output_schema=None)
    async def test_elicitation(message: str, ctx: Context) -> ToolResult:
        """Ask the user for a name and an address."""
        asked = {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        }
        return await _elicited(ctx, message, "User response", {**_object(asked), "required": list(asked)})

    @server.tool(output_schema=None)
    async def test_elicitation_sep1034_defaults(ctx: Context) -> ToolResult:
        """Ask the user for one value of each type, with defaults."""
        asked = {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "default": True},
        }
        return await _elicited(ctx, "Please check these.", "Elicitation completed", _object(asked))

    @server.tool(output_schema=None)
    async def test_elicitation_sep1330_enums(ctx: Context) -> ToolResult:
        """Ask the user for a choice in each form that there is."""
        plain = ["option1", "option2", "option3"]
        titled = [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)]
        legacy = {"enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]}
        asked = {
            "untitledSingle": {"type": "string", "enum": plain},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", **legacy},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        }
        return await _elicited(ctx, "Please choose.", "Elicitation completed", _object(asked))


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties)}


async def _elicited(ctx: Context, message: str, words: str, schema: dict[str, Any]) -> ToolResult:
    answer = await ctx.session.elicit(message=message, requested_schema=schema, related_request_id=ctx.request_id)
    return ToolResult(content=[_text(f"{words}: action={answer.action}, content={answer.content}")])


def _resources(server: FastMCP) -> None:
    """Add resources of text, of bytes, and of a template."""

    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """Give a text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """Give an image."""
        return _PNG_BYTES

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """Give a text that could be watched."""
        return "Nothing has changed."

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def templated(id: str) -> str:  # noqa: A002 - the suite's name
        """Give what belongs to an id."""
        return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'


def _prompts(server: FastMCP) -> None:
    """Add prompts, and completion of their arguments."""

    @server.prompt
    def test_simple_prompt() -> str:
        """Give a message."""
        return "This is a simple prompt for testing."

    @server.prompt
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """Give a message with two words in it."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[Message]:  # noqa: N803 - the suite's name
        """Give a resource and a message about it."""
        body = _embedded(str(AnyUrl(resourceUri)), "Embedded resource content for testing.")
        return [Message(body), Message("Please process the embedded resource above.")]

    @server.prompt
    def test_prompt_with_image() -> list[Message]:
        """Give an image and a message about it."""
        return [Message(_IMAGE), Message("Please analyze the image above.")]

    @server.prompt
    def test_input_required_result_prompt(ctx: Context) -> Any:
        """Ask for the context before giving the message."""
        answer = _answer(ctx, "user_context")
        if answer is None:
            question = _question("What context should the prompt use?", context="string")
            return InputRequiredResult(input_requests={"user_context": question})
        return f"The context is {answer.content['context']}."

    @server.completion
    def complete(ref: Any, argument: Any, context: Any) -> list[str]:
        """Complete the beginning of a city."""
        return [city for city in ("paris", "park", "party") if city.startswith(argument.value)]


def _question(message: str, **fields: str) -> ElicitRequest:
    schema = {**_object({name: {"type": kind} for name, kind in fields.items()}), "required": list(fields)}
    return ElicitRequest.model_validate({"params": {"message": message, "requestedSchema": schema}})


def _sample(text: str, tokens: int) -> CreateMessageRequest:
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return CreateMessageRequest.model_validate({"params": {"messages": [message], "maxTokens": tokens}})


def _answer(ctx: Context, key: str) -> Any:
    """What the client answered to a question, if it did and in the question's form."""
    found = (ctx.input_responses or {}).get(key)
    usable = getattr(found, "action", "accept") != "accept" or getattr(found, "content", found) is not None
    return found if found is not None and usable else None


def _rounds(server: FastMCP) -> None:
    """Add tools that ask by ending with a question and being called again, as today's era has it."""

    @server.tool(output_schema=None)
    def test_input_required_result_elicitation(ctx: Context) -> Any:
        """Ask for a name and greet."""
        answer = _answer(ctx, "user_name")
        if not isinstance(getattr(answer, "content", None), dict) or "name" not in answer.content:
            return InputRequiredResult(input_requests={"user_name": _question("What is your name?", name="string")})
        return ToolResult(content=[_text(f"Hello, {answer.content['name']}!")])

    @server.tool(output_schema=None)
    def test_input_required_result_sampling(ctx: Context) -> Any:
        """Ask the client's model."""
        answer = _answer(ctx, "capital_question")
        if answer is None:
            asked = _sample("What is the capital of France?", 100)
            return InputRequiredResult(input_requests={"capital_question": asked})
        return ToolResult(content=[_text(f"The model says: {answer.content.text}")])

    @server.tool(output_schema=None)
    def test_input_required_result_list_roots(ctx: Context) -> Any:
        """Ask for the client's roots."""
        answer = _answer(ctx, "client_roots")
        if answer is None:
            return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})
        return ToolResult(content=[_text(", ".join(str(root.uri) for root in answer.roots))])


def _states(server: FastMCP) -> None:
    """Add tools that ask and give the client a state to bring back."""

    @server.tool(output_schema=None)
    def test_input_required_result_request_state(ctx: Context) -> Any:
        """Ask for a confirmation, and know the state again."""
        if _answer(ctx, "confirm") is None:
            asked = {"confirm": _question("Please confirm", ok="boolean")}
            return InputRequiredResult(input_requests=asked, request_state="asked")
        return ToolResult(content=[_text("state-ok" if ctx.request_state == "asked" else "state-lost")])

    @server.tool(output_schema=None)
    def test_input_required_result_multiple_inputs(ctx: Context) -> Any:
        """Ask three things at once."""
        asked = {
            "user_name": _question("What is your name?", name="string"),
            "greeting": _sample("Generate a greeting", 50),
            "client_roots": ListRootsRequest(),
        }
        if any(_answer(ctx, key) is None for key in asked):
            return InputRequiredResult(input_requests=asked, request_state="asked")
        return ToolResult(content=[_text("All three were answered.")])

    @server.tool(output_schema=None)
    def test_input_required_result_multi_round(ctx: Context) -> Any:
        """Ask for a name, then for a colour."""
        if ctx.request_state == "asked for the colour" and _answer(ctx, "step2") is not None:
            return ToolResult(content=[_text("Both steps are done.")])
        if _answer(ctx, "step1") is not None:
            asked = {"step2": _question("Step 2: What is your favorite color?", color="string")}
            return InputRequiredResult(input_requests=asked, request_state="asked for the colour")
        asked = {"step1": _question("Step 1: What is your name?", name="string")}
        return InputRequiredResult(input_requests=asked, request_state="asked for the name")

    @server.tool(output_schema=None)
    def test_input_required_result_tampered_state(ctx: Context) -> Any:
        """Ask for a confirmation with a state that nobody else can make."""
        if ctx.request_state is None:
            asked = {"confirm": _question("Please confirm", ok="boolean")}
            return InputRequiredResult(input_requests=asked, request_state="asked")
        return ToolResult(content=[_text("The state is ours.")])


def _capabilities(server: FastMCP) -> None:
    """Add tools that need more of a client than it may have."""

    @server.tool(output_schema=None)
    def test_missing_capability(ctx: Context) -> ToolResult:
        """Need a client that samples."""
        if not _declares(ctx, "sampling"):
            raise MCPError(
                MISSING_REQUIRED_CLIENT_CAPABILITY,
                "This tool needs a client that samples.",
                {"requiredCapabilities": {"sampling": {}}},
            )
        return ToolResult(content=[_text("The client samples.")])

    @server.tool(output_schema=None)
    def test_input_required_result_capabilities(ctx: Context) -> Any:
        """Ask what the client can be asked."""
        questions = {"sampling": _sample("Say hello.", 50), "elicitation": _question("Who are you?", name="string")}
        asked = {name: question for name, question in questions.items() if _declares(ctx, name)}
        if not asked or all(_answer(ctx, name) is not None for name in asked):
            return ToolResult(content=[_text("There is nothing to ask.")])
        return InputRequiredResult(input_requests=asked)


def _declares(ctx: Context, capability: str) -> bool:
    return getattr(ctx.session.client_capabilities, capability, None) is not None
