"""Which settings of a file the worker class in use never heeds, and what it is preloaded before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.checks.look import Hit
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.checks.look import Look
    from gunitune.conf.model import Assigned
    from gunitune.report import Fix


def without_effect(look: Look) -> Iterator[Hit]:
    """Each of the rule's settings that the class named in the file does not act on.

    A value equal to the default asks for nothing, and a class left to the command line is not
    known. Facts: `name`, `value`, `classes` (those it acts on) and `reason`.
    """
    worker_class = look.scope["effective.worker_class"]
    if "worker_class" not in look.settings or isinstance(worker_class, Unknown):
        return
    for name in look.rule.settings:
        written = look.settings.get(name)
        heeded = look.catalog.acts_on(name)
        if written is None or heeded is None or worker_class in (*heeded, "other"):
            continue
        if name in look.catalog.names and look.scope[f"conf.{name}"] != look.catalog.default(name):
            facts = {
                "name": name,
                "value": look.scope[f"conf.{name}"],
                "classes": ", ".join(sorted(heeded)),
                "reason": look.catalog.why_not(name),
            }
            yield Hit(written.span, name, facts, _deletion(look, written))


def preloads_before_patching(look: Look) -> Iterator[Hit]:
    """Where the app is preloaded under gevent or eventlet and this file does not patch before."""
    scope = look.scope
    asked = scope["conf.preload_app"]
    if isinstance(asked, Unknown) or not asked or "preload_app" not in look.settings:
        return
    green = scope["effective.worker_class"] in ("gevent", "eventlet")
    if green and "patch_all" not in look.conf.text and "monkey_patch" not in look.conf.text:
        yield Hit(look.settings["preload_app"].span, "preload_app")


def _deletion(look: Look, written: Assigned) -> Fix | None:
    """The statement taken out, where it is without effect whatever the file's conditions say."""
    from gunitune import fixes

    return fixes.delete(look.conf, written) if look.settings is look.conf.settings else None
