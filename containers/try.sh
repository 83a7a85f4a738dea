#!/usr/bin/env bash
# On a machine with a container engine: build the image, start the farm and one environment alone, wait until both are
# healthy, look at how they are confined, call a tool of each through their published ports, and take all down again.
#
#   containers/try.sh                          with Docker
#   COMPOSE="podman compose" containers/try.sh with another engine
#   BUILD=no containers/try.sh                 with the image that is there already
#
# The ports 8000 to 8008 and 8100 must be free.
set -euo pipefail
cd "$(dirname "$0")/.."

compose=(${COMPOSE:-docker compose} --project-name envfactory-try)
export ENVFACTORY_TOKEN=${ENVFACTORY_TOKEN:-a-token-to-try}
trap '"${compose[@]}" --profile single down --volumes --timeout 5' EXIT

if [ "${BUILD:-yes}" = yes ]; then
    "${compose[@]}" build farm
fi
"${compose[@]}" up --detach --no-build farm single

# Not `up --wait`: some engines have nobody who runs health checks in the background, so the probe is run by hand.
alive() {
    "${compose[@]}" --profile single exec -T "$1" python -m servers.probe "$2"
}
for _ in $(seq 60); do
    if alive farm http://127.0.0.1:8000/farm/mcp && alive single http://127.0.0.1:8000/mcp; then break; fi
    sleep 1
done 2>/dev/null
alive farm http://127.0.0.1:8000/farm/mcp
alive single http://127.0.0.1:8000/mcp

"${compose[@]}" --profile single exec -T farm python - <<'END'
import os
from pathlib import Path

facts = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
assert os.getuid() == 10001, os.getuid()
assert int(facts["CapEff"], 16) == 0, facts["CapEff"]
assert facts["NoNewPrivs"] == "1", facts["NoNewPrivs"]
try:
    Path("/envfactory/written").touch()
except OSError as error:
    print("confined: uid 10001, no capabilities, no new privileges,", error.strerror.lower())
else:
    raise SystemExit("the root file system can be written")
END

python3 containers/call.py http://127.0.0.1:8000 http://127.0.0.1:8100/mcp
echo "All is well."
