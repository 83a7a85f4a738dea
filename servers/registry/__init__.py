"""The registry: every environment, described as the official MCP registry describes servers.

`registry.json` is the body of the official registry's `GET /v0.1/servers`, generated from the environments' folders by
`python -m servers.registry`; with `--check` it only says whether the file is up to date.
"""
