"""What a check rule may know: the settings as Gunicorn holds them, and what follows from them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gunitune.checks import effective
from gunitune.conf.model import Defined
from gunitune.model import Unknown
from gunitune.units import release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.catalog import Catalog
    from gunitune.checks.project import Project
    from gunitune.conf.model import Assigned

RELEASE = "gunicorn.release"


class Scope(dict[str, Any]):
    """The facts about one file in one world, each worked out when first asked for.

    `reads` collects the names of the facts that were asked for, and of those they rest on. Names
    given at the start hold as they are: an example's own facts.
    """

    def __init__(
        self,
        settings: Mapping[str, Assigned],
        catalog: Catalog,
        project: Project,
        given: Mapping[str, Any],
    ) -> None:
        super().__init__(given)
        self.settings = settings
        self.catalog = catalog
        self.project = project
        self.reads: set[str] = set()
        self._under: dict[str, set[str]] = {}

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or is_fact(str(name))

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        self.reads.add(name)
        if name in self._under:
            self.reads |= self._under[name]
        return value

    def peek(self, name: str) -> Any:
        """A fact that can only take a finding back, so that none rests on it."""
        reads = set(self.reads)
        value = self[name]
        self.reads = reads
        return value

    def __missing__(self, name: str) -> Any:
        if not is_fact(name):
            raise KeyError(name)
        outer, self.reads = self.reads, set()
        value = self._work_out(name)
        if self.reads:
            self._under[name] = self.reads
        self.reads = outer
        self[name] = value
        return value

    def _work_out(self, name: str) -> Any:
        group, _, rest = name.partition(".")
        if group in ("conf", "written", "depends", "advice"):
            return getattr(self, f"_{group}")(rest)
        if group == "effective":
            return effective.FACTS[rest](self)
        if name == RELEASE:
            return release(self.catalog.version)
        facts = self.project.facts
        return facts if isinstance(facts, Unknown) else facts[name]

    def _written(self, name: str) -> bool:
        return name in self.settings

    def _depends(self, name: str) -> tuple[str, ...]:
        found = self.settings.get(name)
        return found.depends_on if found else ()

    def _conf(self, name: str) -> Any:
        """The value as Gunicorn holds it; None for a setting that the release does not have."""
        if name not in self.catalog.names:
            return None
        found = self.settings.get(name)
        if found is None:
            return self.catalog.default(name, self.project.environ)
        value = found.value
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Defined):
            return Unknown(f"{name} is a {value.kind}")
        if fault := self.catalog.fault(name, value):
            return Unknown(f"Gunicorn refuses {name}: {fault}")
        return self.catalog.convert(name, value)

    def _advice(self, name: str) -> Any:
        advice = self.project.advice
        if isinstance(advice, Unknown):
            return advice
        values = {setting.name: setting.value for setting in advice.settings}
        if name in values or name not in self.catalog.names:
            return values.get(name)
        return self.catalog.default(name)


@lru_cache(maxsize=4096)
def is_fact(name: str) -> bool:
    """Whether an expression in a check rule may read this name."""
    from gunitune.catalog import setting_names
    from gunitune.facts import fact_names

    group, _, rest = name.partition(".")
    if group in ("conf", "written", "depends", "advice"):
        return rest in setting_names()
    if group == "effective":
        return rest in effective.FACTS
    return name in fact_names() and group not in ("set", "fired")
