"""What a request of this app costs, by running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.measure.asgi import learn_asgi
from gunitune.measure.course import Course
from gunitune.measure.look import Place
from gunitune.measure.wsgi import learn_wsgi

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gunitune.trial import AppFacts, Launch, Limits, Load

BUDGET_S = 60.0


@dataclass(frozen=True, slots=True)
class Learned:
    """The facts; the Gunicorn they were learned on, how it was kept to its limits, the time.

    `concurrency` is the most clients of any look.
    """

    facts: AppFacts
    gunicorn: str
    confined: str
    spent_s: float
    concurrency: int


def learn(  # noqa: PLR0913  (what a measurement stands on)
    launch: Launch,
    load: Load,
    limits: Limits,
    *,
    budget_s: float = BUDGET_S,
    progress: Callable[[str], None] = lambda _: None,
    generator_cores: frozenset[int] = frozenset(),
    generator: str = "embedded",
    asgi_classes: Sequence[str] = ("asgi",),
) -> AppFacts:
    """Run the app in a few ways for `budget_s` seconds and give what that tells of it.

    Of `load` the requests and the keeping of connections count; of its concurrency, each look takes
    what it needs, looks at several event loops no more than that. `asgi_classes` are those for an
    ASGI app, the one that is looked at most first. What could not be told is Unknown; raises
    GunituneError where not even one plain worker serves the app.
    """
    place = Place(launch, load, limits, generator_cores, generator)
    return learn_in(place, budget_s=budget_s, progress=progress, asgi_classes=asgi_classes).facts


def learn_in(
    place: Place,
    *,
    budget_s: float,
    progress: Callable[[str], None],
    asgi_classes: Sequence[str] = ("asgi",),
) -> Learned:
    """As `learn`, in a place."""
    course = Course(place, budget_s, progress)
    if place.launch.interface == "asgi":
        facts = learn_asgi(course, *asgi_classes)
    else:
        facts = learn_wsgi(course)
    looks = [look for some in course.looks.values() for look in some]
    most = max(look.clients for look in looks)
    return Learned(facts, looks[0].gunicorn, looks[0].confined, course.spent_s, most)
