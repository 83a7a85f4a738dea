"""Installing: putting an environment into the configuration of an MCP client, beside all that stands there."""
