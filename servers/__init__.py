"""The farm's environments: each folder is a standalone MCP server with SQLite-backed state."""
