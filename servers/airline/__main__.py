"""Run this environment alone: `python -m servers.airline --help`."""

from servers.airline.server import env
from servers.runtime.standalone import run

if __name__ == "__main__":
    run(env)
