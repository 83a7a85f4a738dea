"""Serve every environment: `python -m servers --help`."""

import typer

from servers.commands import serve

if __name__ == "__main__":
    typer.run(serve)
