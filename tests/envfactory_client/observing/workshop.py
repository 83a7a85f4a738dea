"""A server by other authors whose state is JSON in memory and whose names give little away.

Its truth: `who` takes the `ident` of people, which is also a project's `lead` and a job's `owner`; `id` of
`project_jobs` takes a project's `slug`, and answers to any other with an empty list; `job` takes a `job_id`, which a
text shows too; `text` searches titles; `page_size` and `times` are settings, `shout` takes anything at all.
"""

import sys
from pathlib import Path
from typing import Any

from fastmcp import FastMCP

NAMES = ("Ada", "Brahim", "Chen", "Dora", "Emil", "Fatou", "Goran", "Hana", "Ivo", "Jun", "Kofi", "Lena")
TITLES = ("oak table", "garden bench", "tall shelf", "rocking chair", "bird house", "sliding door")
PEOPLE = [{"ident": 401 + 7 * number, "name": name, "shift": number % 3} for number, name in enumerate(NAMES)]
PROJECTS = [
    {"slug": "-".join(reversed(title.split())), "title": title, "lead": 401 + 7 * number}
    for number, title in enumerate(TITLES)
]
JOBS = [
    {"job_id": f"J{1000 + 37 * number}", "owner": 401 + 7 * (number % 12), "state": ("open", "done")[number % 2]}
    for number in range(24)
]
READS = {"readOnlyHint": True}
DIARY = Path(sys.argv[1]) if len(sys.argv) > 1 else None
mcp = FastMCP("Workshop")


@mcp.tool(annotations=READS)
def list_people(page_size: int = 50) -> dict[str, Any]:
    """List those who work here."""
    return {"people": PEOPLE[:page_size]}


@mcp.tool(annotations=READS)
def show_person(who: int) -> dict[str, Any]:
    """Show one of them."""
    found = next((person for person in PEOPLE if person["ident"] == who), None)
    if found is None:
        raise ValueError("nobody")
    return {**found, "desk": f"desk {who % 5}", "tools": ["saw", "plane"]}


@mcp.tool(annotations=READS)
def find_projects(text: str) -> dict[str, Any]:
    """Find projects by a part of their title."""
    return {"hits": [project for project in PROJECTS if text in str(project["title"])]}


@mcp.tool(annotations=READS)
def project_jobs(id: str) -> dict[str, Any]:  # noqa: A002 - as others name it
    """List what is to be done."""
    places = [number for number, project in enumerate(PROJECTS) if project["slug"] == id]
    return {"asked": id, "jobs": [job for place in places for job in JOBS[4 * place : 4 * place + 4]]}


@mcp.tool(annotations=READS)
def job_log(job: str) -> str:
    """Tell how a job went."""
    found = next((number for number, one in enumerate(JOBS) if one["job_id"] == job), None)
    if found is None:
        return f"No such job: {job}"
    return f"Before: {JOBS[found - 1]['job_id']}\nNote: sawn and glued on bench {found}\nHours: {found + 1}"


@mcp.tool(annotations=READS)
def shout(phrase: str, times: int = 1) -> str:
    """Say something loudly."""
    return " ".join([phrase.upper()] * max(0, min(times, 5)))


@mcp.tool
def assign_job(job: str, person: int) -> str:
    """Give a job to somebody."""
    if DIARY is not None:
        DIARY.write_text(f"{job} {person}", encoding="utf-8")
    return "assigned"


if __name__ == "__main__":
    mcp.run(show_banner=False)
