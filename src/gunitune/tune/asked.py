"""What a study remembers of its requests: enough to know them again, none of their secrets."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from gunitune.mask import mask
from gunitune.tune.codec import to_json

if TYPE_CHECKING:
    from gunitune.trial import Load, Request


@cache
def digest(requests: tuple[Request, ...]) -> str:
    """A hash of the requests, whole: headers and bodies are never written themselves."""
    return hashlib.sha256(json.dumps(to_json(requests)).encode()).hexdigest()


def described(requests: tuple[Request, ...]) -> list[dict[str, Any]]:
    """Method, masked path, weight and the headers' names of each, with its digest."""
    return [
        {
            "method": one.method,
            "path": mask(one.path),
            "weight": one.weight,
            "headers": [name for name, _ in one.headers],
            "sha256": digest((one,)),
        }
        for one in requests
    ]


def plain_load(load: Load) -> dict[str, Any]:
    """The load without its requests."""
    plain: dict[str, Any] = to_json(load)
    del plain["requests"]
    return plain
