"""A view: whoever is told the news of each round sees what is in the data."""

from __future__ import annotations

import asyncio
from pathlib import Path

from envfactory_client.card.links import links_used
from synthesis.campaign import ROUND, Campaign
from synthesis.coverage import failure_counts, goal_counts
from synthesis.engine import keys_of
from synthesis.folder import RunFolder
from synthesis.goals import kinds_in
from synthesis.hidden import of_trajectories
from synthesis.language.novelty import Heard, said_in
from synthesis.view import View
from tests.synthesis.conftest import SETTINGS, library_farm


def test_the_news_of_all_rounds_make_the_view_of_the_data_before_the_last(tmp_path: Path) -> None:
    async def run() -> Campaign:
        async with library_farm() as farm:
            campaign = Campaign(farm, SETTINGS, RunFolder(tmp_path / "run"), 4 * ROUND)
            campaign.folder.begin(SETTINGS)
            async for _ in campaign.run():
                pass
            return campaign

    done, view = asyncio.run(run()), View()
    told = Campaign(done.farm, SETTINGS, done.folder, done.wanted, scope=done.scope)
    told.trajectories, told.jobs = done.trajectories, done.jobs
    for index in range(0, done.jobs[-1].index + 1, ROUND):
        here = told._round(index)
        view.learn(here.news)

        known = index - ROUND
        before = [one for one in done.trajectories if one.seed[1] < known]
        drops = [drop for job in done.jobs if job.index < known for drop in job.drops]
        assert view.counts == goal_counts(before) + failure_counts(drops)
        assert view.taken == frozenset[str]().union(*map(keys_of, before))
        heard = Heard()
        heard.hear(said_in(before))
        assert view.heard.recent == heard.recent

        used = {link for one in before for link in links_used(one)}
        met = {kind for one in before for kind in kinds_in(one)}
        assert all(job.aim.reached == of_trajectories(before) for job in here.jobs)
        assert all(job.wanted == done.scope.reach.links - used and not job.unmet & met for job in here.jobs)
    assert view.taken
