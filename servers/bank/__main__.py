"""Run this environment alone: `python -m servers.bank --help`."""

from servers.bank.server import env
from servers.runtime.standalone import run

if __name__ == "__main__":
    run(env)
