"""Coverage: how often chains have used each tool and each link so far. A value, so that workers can share one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from envfactory_client.graph import Link
from envfactory_client.sampling.chain import Chain, LinkEnds


@dataclass(frozen=True, slots=True)
class Coverage:
    """Uses by tool and by link; what isn't there hasn't been used."""

    tools: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[LinkEnds, int] = field(default_factory=dict)

    def plus(self, *chains: Chain) -> Coverage:
        """The coverage with these chains counted in."""
        tools, links = Counter(self.tools), Counter(self.links)
        for chain in chains:
            tools.update(chain.tools)
            links.update(chain.links)
        return Coverage(dict(tools), dict(links))

    def uses(self, of: str | Link) -> int:
        """How often a tool or a link has been used."""
        return self.tools.get(of, 0) if isinstance(of, str) else self.links.get(ends(of), 0)


def ends(link: Link) -> LinkEnds:
    """What tells a link from all others."""
    return link.producer, link.path, link.consumer, link.parameter
