"""The listing of a code forge, made up for measuring: tools as servers by other authors write them, without contracts.

Repositories, branches, files, issues, pull requests and workflow runs, with the habits that such servers have: results
called `id` that others take as `issue_id`, lists in objects, names for keys.
"""

from __future__ import annotations

from typing import Any

# Tool: what it takes, then what it gives; "?" is optional, "#" a whole number, "things[]" a list of objects with what
# follows; "!" before the tool marks a write.
_TOOLS = """
search_repositories: query | repositories[] id# url
get_repository: repository_id# | id# owner_username default_branch
fork_repository!: repository_id# | id# url
list_branches: repository_id# | branches[] name sha
create_branch!: repository_id# sha new_name | branch
list_commits: repository_id# branch? | commits[] sha author_username author_email
get_commit: repository_id# sha | sha message author_username
list_files: repository_id# ref? | files[] path size#
read_file: repository_id# path ref? | text
write_file!: repository_id# path text branch | sha
delete_file!: repository_id# path branch | sha
list_issues: repository_id# state? | issues[] id# title author_username
get_issue: issue_id# | id# title milestone_id#
open_issue!: repository_id# title | issue_id#
close_issue!: issue_id# | state
comment_on_issue!: issue_id# text | comment_id#
edit_comment!: comment_id# text | updated
assign_issue!: issue_id# username | state
list_labels: repository_id# | labels[] id# color
add_labels!: issue_id# label_id# | state
list_milestones: repository_id# | milestones[] id# due_on
set_milestone!: issue_id# milestone_id# | state
get_user: username | username email
open_pull_request!: repository_id# source_branch target_branch title | pull_request_id#
list_pull_requests: repository_id# state? | pull_requests[] id# branch author_username
get_pull_request: pull_request_id# | id# branch sha mergeable
list_pull_request_files: pull_request_id# | changes[] path added#
review_pull_request!: pull_request_id# text | review_id#
dismiss_review!: pull_request_id# review_id# | state
merge_pull_request!: pull_request_id# | sha
list_workflows: repository_id# | workflows[] id# title
run_workflow!: workflow_id# branch | run_id#
get_run: run_id# | id# state
list_jobs: run_id# | jobs[] id# state
read_job_log: job_id# | text
cancel_run!: run_id# | state
"""


def listing() -> list[dict[str, Any]]:
    """Give the entries of the forge's `tools/list`."""
    return [_entry(line) for line in _TOOLS.strip().splitlines()]


def _entry(line: str) -> dict[str, Any]:
    head, _, body = line.partition(": ")
    takes, _, gives = body.partition(" | ")
    container, bracket, fields = gives.partition("[] ")
    result = _object(fields if bracket else gives)
    if bracket:
        result = {"type": "object", "properties": {container: {"type": "array", "items": result}}}
    return {
        "name": head.removesuffix("!"),
        "inputSchema": _object(takes),
        "outputSchema": result,
        "annotations": {"readOnlyHint": not head.endswith("!")},
    }


def _object(words: str) -> dict[str, Any]:
    """Give the schema of an object with these fields."""
    names = {word.rstrip("#?"): {"type": "integer" if "#" in word else "string"} for word in words.split()}
    return {
        "type": "object",
        "properties": names,
        "required": [word.rstrip("#?") for word in words.split() if "?" not in word],
    }
