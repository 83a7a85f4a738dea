"""Run this environment alone: `python -m servers.schedule --help`."""

from servers.runtime.standalone import run
from servers.schedule.server import env

if __name__ == "__main__":
    run(env)
