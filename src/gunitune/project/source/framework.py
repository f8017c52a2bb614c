"""Which framework a project uses, told without an app object."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.project.source.knowledge import load_knowledge
from gunitune.project.source.layout import is_aside

if TYPE_CHECKING:
    from gunitune.model import Interface
    from gunitune.project.dependencies import Dependencies
    from gunitune.project.source import Source


def framework_in_use(source: Source, dependencies: Dependencies) -> str | None:
    """Framework that most files import, else one that is declared; None where there is neither."""
    known = load_knowledge().frameworks
    glances = (glance for path, glance in source.scans.items() if not is_aside(path))
    packages = Counter(package for glance in glances for package in glance.packages)
    counts = [(sum(packages[p] for p in item.packages), item.name) for item in known]
    most = max(count for count, _ in counts)
    if most:
        return next(name for count, name in counts if count == most)
    declared = dependencies.names
    return next((item.name for item in known if item.packages & declared), None)


def interface_of(framework: str | None) -> Interface | Unknown:
    """Interface of a framework's apps, the usual one where there are two."""
    for item in load_knowledge().frameworks:
        if item.name == framework and item.packages:
            return item.interface
    return Unknown("no web framework that gunitune knows was found")
