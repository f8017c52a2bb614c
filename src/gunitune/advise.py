"""What to recommend: applies the advice rules, layer by layer, to the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.errors import GunituneError, RuleError
from gunitune.evaluate import EvaluationError
from gunitune.facts import facts, known_settings
from gunitune.formulas import FUNCTIONS
from gunitune.model import Capacity, Recommendation, Setting, Skipped, Step, Unknown
from gunitune.rulebook import compiled
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gunitune.model import App, Goal, Host, Installed
    from gunitune.rulebook import AdviceRule, Remark, Template

FIRST = ("worker_class", "workers", "threads", "worker_connections")
MOST = 10_000_000
REMARKS = ("warn", "next", "alternative")


def advise(
    host: Host, app: App, goal: Goal, installed: Installed, rules: Iterable[AdviceRule]
) -> Recommendation:
    """Apply the rules in order; every setting keeps the trail of what set and changed it.

    Raises RuleError naming the rule whose expression can't be worked out.
    """
    advice = Advice(facts(host, app, goal, installed))
    for rule in rules:
        advice.apply(rule)
    order = sorted(advice.trails, key=lambda name: (*FIRST, name).index(name))
    return Recommendation(
        host=host,
        app=app,
        goal=goal,
        installed=installed,
        settings=tuple(Setting(name, tuple(advice.trails[name])) for name in order),
        constraint=advice.constraint,
        capacity=capacity(advice.scope),
        warnings=tuple(dict.fromkeys([*_unclear(app), *advice.said["warn"]])),
        next=tuple(dict.fromkeys([*_first(app), *advice.said["next"]])),
        alternatives=tuple(dict.fromkeys(_others(advice))),
        skipped=tuple(advice.skipped),
    )


def _unclear(app: App) -> Iterator[str]:
    yield from app.warnings
    if isinstance(app.interface, Unknown):
        yield f"taken as WSGI, but that is not sure: {app.interface.reason} (--interface, --app)"


def _first(app: App) -> Iterator[str]:
    if isinstance(app.spec, Unknown):
        yield app.spec.reason


def _others(advice: Advice) -> Iterator[str]:
    """The alternatives, without those that turned out to be chosen after all."""
    chosen = str(advice.scope["set.worker_class"])
    for said in advice.said["alternative"]:
        names = said.partition(":")[0].replace(",", " ").split()
        if chosen not in names:
            yield said


class LocalScope(dict[str, Any]):
    """The facts as a rule finds them, and its `let` names, worked out when first asked for."""

    def __init__(self, scope: Mapping[str, Any], let: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.outer = scope
        self.pending = dict(let)
        self.working: list[str] = []

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.pending or name in self.outer

    def __missing__(self, name: str) -> Any:
        if name not in self.pending:
            return self.outer[name]
        if name in self.working:
            raise EvaluationError(f"let.{name} needs itself", "break the circle")
        self.working.append(name)
        value = compiled(self.pending[name]).evaluate(self, FUNCTIONS)
        self[name] = value
        self.working.pop()
        return value


class Advice:
    """The advice as it grows: the facts with the settings so far, and what the rules said."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope
        self.trails: dict[str, list[Step]] = {}
        self.constraint = ""
        self.key = ""  # of the rule file, for the error that names it
        self.said: dict[str, list[str]] = {key: [] for key in REMARKS}
        self.skipped: list[Skipped] = []

    def apply(self, rule: AdviceRule) -> bool:
        """Apply one rule if its condition holds; a rule that lacks a fact is skipped and noted."""
        try:
            fires = self._apply(rule)
        except RuleError:
            raise
        except GunituneError as error:
            raise RuleError(f"{rule.path}: {self.key}: {error.message}", error.hint) from None
        except RecursionError:
            raise RuleError(f"{rule.path}: let is nested too deeply", "shorten it") from None
        return fires

    def _apply(self, rule: AdviceRule) -> bool:
        # A copy: all assignments of a rule speak of the state before it.
        local = LocalScope(dict(self.scope), rule.let)
        self.key = "when"
        if not self._holds(rule, rule.when, local):
            return False
        self.scope["fired"] += (rule.id,)
        for assignment in rule.assignments:
            self.key = f"set.{assignment.setting}"
            if self._holds(rule, assignment.when, local):
                value = compiled(assignment.value).evaluate(local, FUNCTIONS)
                self._set(rule, assignment.setting, value, text(assignment.reason, local))
        for key in REMARKS:
            remarks: tuple[Remark, ...] = getattr(rule, key)
            self.key = key
            self.said[key] += [
                text(remark.text, local)
                for remark in remarks
                if self._holds(rule, remark.when, local)
            ]
        self.key = "constraint"
        if rule.constraint:
            self.constraint = text(rule.constraint, local)
        return True

    def _holds(self, rule: AdviceRule, condition: str, scope: dict[str, Any]) -> bool:
        value = compiled(condition).evaluate(scope, FUNCTIONS)
        if isinstance(value, Unknown):
            self.skipped.append(Skipped(rule.id, value.reason))
            return False
        return bool(value)

    def _set(self, rule: AdviceRule, name: str, value: Any, reason: str) -> None:
        if isinstance(value, Unknown):
            self.skipped.append(Skipped(rule.id, value.reason))
            return
        key = f"set.{name}"
        if key not in self.scope:
            raise RuleError(
                f"{rule.path}: set.{name}: Gunicorn has no such setting", "mend the name"
            )
        if fault := fault_of(name, value):
            raise RuleError(f"{rule.path}: set.{name}: {fault}", "mend its value")
        changed = self.scope[key] != value
        self.scope[key] = value
        if value is None:
            self.trails.pop(name, None)
        elif changed:
            self.trails.setdefault(name, []).append(Step(value, reason, rule.id, rule.basis))


def fault_of(name: str, value: Any) -> str | None:
    """What is wrong with a value that a rule gives a setting; None where nothing is.

    Refused is what Gunicorn refuses or what leaves it without a worker, and callables: a rule file
    must not be able to name code that Gunicorn runs.
    """
    kind = known_settings()[name]["type"]
    if name == "config" or kind in ("hook", "dict"):
        return "a rule can't set it"
    if value is None:
        return "it can't be taken back" if name in ("workers", "worker_class") else None
    if kind == "int":
        least = 1 if name in ("workers", "threads", "worker_connections") else 0
        whole = isinstance(value, int) and not isinstance(value, bool)
        return None if whole and least <= value <= MOST else f"{value!r} is no number from {least}"
    wanted = bool if kind == "bool" else str
    return None if isinstance(value, wanted) else f"{value!r} is no {wanted.__name__}"


def text(template: Template, scope: dict[str, Any]) -> str:
    """Write a template with real numbers in the place of its expressions."""
    return "".join(
        part if isinstance(part, str) else _shown(part[0].evaluate(scope, FUNCTIONS), part[1])
        for part in template.parts()
    )


def _shown(value: Any, style: str) -> str:
    if isinstance(value, Unknown):
        return "an unknown number"
    if isinstance(value, (tuple, list)):
        return ", ".join(str(item) for item in value)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return str(value)
    if style == "size":
        return format_size(value)
    return f"{format_number(value)} {_noun(style, value)}".rstrip()


def _noun(plural: str, number: float) -> str:
    return plural[:-1] if number == 1 else plural


def capacity(scope: dict[str, Any]) -> Capacity:
    """What the settings carry: requests in flight per class (docs/classes.md), and memory."""
    workers, threads = scope["set.workers"] or 1, scope["set.threads"] or 1
    own, shared = _worker_memory(scope)
    memory = int(
        scope["app.master_memory"]
        + shared
        + workers * (own + (threads - 1) * scope["app.thread_memory"])
    )
    return Capacity(_in_flight(scope, workers, threads), memory, scope["app.worker_memory_source"])


def _worker_memory(scope: dict[str, Any]) -> tuple[float, float]:
    """A worker's own memory and what is shared: preloaded, if that is set and was measured."""
    own, shared = scope["app.preload_worker_memory"], scope["app.preload_shared_memory"]
    told = not isinstance(own, Unknown) and not isinstance(shared, Unknown)
    if scope["set.preload_app"] and told and scope["app.worker_memory_basis"] == "measured":
        return own, shared
    return scope["app.worker_memory"], scope["app.shared_memory"]


def _in_flight(scope: dict[str, Any], workers: int, threads: int) -> int | Unknown:
    worker_class = scope["set.worker_class"]
    if worker_class == "gthread":
        return workers * threads
    if worker_class in ("gevent", "eventlet"):
        return int(workers * (scope["set.worker_connections"] or 1000))
    if worker_class == "sync":
        return workers
    return Unknown(f"{worker_class} takes every connection: open files are its only limit")
