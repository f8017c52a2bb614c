"""Where in a text secrets stand: beside a name that tells, in a URL, or by their own shape."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_STRONG = ("secret", "password", "passwd", "passphrase", "apikey", "credential")
_WORDS = {
    "auth", "authorization", "bearer", "cookie", "cookies", "creds", "dsn", "jwt", "key", "keys",
    "pass", "private", "pwd", "salt", "token", "tokens",
}  # fmt: skip
# A name that ends in one of these is no secret's: TOKEN_URL, COOKIE_AGE, KEY_FILE.
_ENDS = {
    "age", "algorithm", "backend", "backends", "class", "count", "dir", "domain", "enabled",
    "expiry", "file", "files", "header", "host", "hours", "httponly", "id", "length", "lifetime",
    "limit", "max", "min", "minutes", "mode", "model", "name", "names", "path", "paths", "port",
    "prefix", "region", "required", "samesite", "seconds", "secure", "size", "timeout", "ttl",
    "type", "uri", "url", "user", "username", "validators", "version",
}  # fmt: skip
_HINTS = (*_STRONG, *_WORDS, "basic", "raw_env")
_OPEN_KEYS = {"cache", "foreign", "group", "partition", "primary", "public", "routing", "sort"}
_NAME = r"[A-Za-z_][\w.-]{0,99}"
_LITERAL = r"""
    [rbfuRBFU]{0,2}(?:
        \"{3}[\s\S]*?(?:\"{3}|\Z)
        | '{3}[\s\S]*?(?:'{3}|\Z)
        | \"(?:\\[\s\S]|[^\"\\\n])*(?:\"|(?=\n)|\Z)
        | '(?:\\[\s\S]|[^'\\\n])*(?:'|(?=\n)|\Z)
    )"""
# name = "value", "name": "value", name: str = ("value" "value"), environ["NAME"] = "value"
_ASSIGNED = rf"""
    (?<![\w.-])(?P<name>{_NAME})["']?\]?
    (?:\s{{0,9}}:\s{{0,9}}(?P<after>[\w.\[\]|\ ]{{1,40}})=|\s{{0,9}}[+!:=]?[=:])
    \s{{0,9}}\(?\s{{0,99}}(?P<value>(?:{_LITERAL}\s{{0,99}})+)"""
# What getenv, config and the like give for a name that is not set.
_DEFAULTED = rf"""
    (?:get|getenv|setdefault|config|environ|env|pop|putenv|setenv|str)\(
    \s{{0,9}}["'](?P<name>{_NAME})["']\s{{0,9}},\s{{0,9}}(?:default\s{{0,9}}=\s{{0,9}})?
    (?P<value>{_LITERAL})"""
# A shell's NAME=value; in Python such a name is lower case, or the value a call.
_EXPORTED = r"""
    (?<![\w.$-])(?P<name>[A-Z][A-Z0-9_]{1,99})=
    (?!os\.|[A-Za-z_][\w.]{0,99}[(\[])(?P<value>[^\s"'`,;)\]}]+)"""
_FLAG = (
    r"""(?<![\w-])--(?P<name>[a-z][a-z0-9-]{1,60})[=\ ](?P<value>[^\s"'`,;)\]}-][^\s"'`,;)\]}]*)"""
)
_QUERY = rf"""[?&;](?P<name>{_NAME})=(?P<value>[^&\s"'\#;]+)"""
_NAMED = (_ASSIGNED, _DEFAULTED, _EXPORTED, _FLAG, _QUERY)
_PAIR = rf"""
    "({_NAME})=((?:\\[\s\S]|[^"\\\n])*)
    | '({_NAME})=((?:\\[\s\S]|[^'\\\n])*)"""
_ENVIRONMENT = r"\braw_env\b(?:[^\n\[(]{0,60}[\[(][^\])]*|[^\n]*)"
_URL = r"""
    [A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/'"@:]{0,200}:
    (?!\d{1,5}(?:[/?\#,;\s'"]|\Z))([^\s'"]{1,500})@"""
_BEARER = r"(?i:\b(?:bearer|basic|token))\s{1,9}(?=[^\s\d]{0,99}\d)([A-Za-z0-9._~+/=-]{16,})"
_SHAPED = r"""
    -----BEGIN[ ][A-Z0-9 ]{0,40}PRIVATE[ ]KEY-----[\s\S]*?
        (?:-----END[ ][A-Z0-9 ]{0,40}PRIVATE[ ]KEY-----|\Z)
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | \bgh[oprsu]_[A-Za-z0-9]{20,}
    | \bgithub_pat_\w{20,}
    | \bglpat-[\w-]{16,}
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}
    | \bwhsec_[A-Za-z0-9]{8,}
    | \bsk-[A-Za-z0-9_-]{20,}
    | \bxox[a-z]-[A-Za-z0-9-]{8,}
    | (?<=hooks\.slack\.com/services/)[\w/-]+
    | \bAIza[\w-]{30,}
    | \bSG\.[\w-]{16,}\.[\w-]{16,}
    | \b(?:hf|npm)_[A-Za-z0-9]{20,}
    | \bpypi-[\w-]{20,}
    | \beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"""
_MARKS = (
    "-----BEGIN", "AKIA", "ASIA", "ghp_", "gho_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-",
    "_live_", "_test_", "whsec_", "sk-", "xox", "hooks.slack.com", "AIza", "SG.", "hf_", "npm_",
    "pypi-", "eyJ",
)  # fmt: skip
_RUN = r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{32,}={0,2}"
# What stands where a secret would and is none: a switch, a reference, a path.
_HARMLESS = r"""(?i:
    | \*+ | true | false | none | null | yes | no | on | off
    | \$\{[^}]*\} | \$\w+ | \{[^}]*\} | %\([^)]*\)[a-z] | %s | <[^>]*>
    | (?:~|\.{1,2})/[\w.@%+/-]*
    | /(?:app|certs|code|dev|etc|home|mnt|opt|root|run|secrets|srv|tmp|usr|var|vault|workspace)
        (?:/[\w.@%+/-]*)?
    | [\w./@+-]+\.(?:cer|crt|der|env|json|key|p12|pem|pfx|py|sock|toml|txt|ya?ml)
)"""


def secrets(text: str) -> list[tuple[int, int]]:
    """Where in the text the secrets are: (start, end) in characters, in order, apart."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(span for span in _found(text) if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether what a name stands for is a secret, by its words: API_KEY, dbPassword, DSN."""
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])", name)
    words = [word.lower() for word in words] or [""]
    if words[-1] in _ENDS or name in {"key", "keys", "private"}:
        return False
    if words[-1] == "key" and len(words) > 1 and words[-2] in _OPEN_KEYS:
        return False
    if any(part in name.lower().replace("_", "") for part in _STRONG):
        return True
    return any(word in _WORDS for word in words) or words[-1].endswith(("token", "tokens"))


def _found(text: str) -> Iterator[tuple[int, int]]:
    """Where secrets are; what no secret of a kind is without is looked for first, for speed."""
    lower = text.lower()
    if any(hint in lower for hint in _HINTS):
        yield from _named(text)
    if "://" in text and "@" in text:
        for match in _compiled(_URL).finditer(text):
            if not is_harmless(match[1]):
                yield match.span(1)
    if any(mark in text for mark in _MARKS):
        yield from (match.span() for match in _compiled(_SHAPED).finditer(text))
    if any(len(word) >= 32 for word in text.split()):
        for match in _compiled(_RUN).finditer(text):
            yield from _random_parts(match[0], match.start(), text[match.end() : match.end() + 1])


def _named(text: str) -> Iterator[tuple[int, int]]:
    """The values that stand beside a secret's name."""
    for pattern in _NAMED:
        for match in _compiled(pattern).finditer(text):
            after = match.groupdict().get("after") or ""  # an annotation, or after a colon a name
            if is_secret(match["name"]) or is_secret(after.strip()):
                yield from _values(match["value"], match.start("value"))
    yield from _pairs(text)
    yield from (match.span(1) for match in _compiled(_BEARER).finditer(text))


def _values(written: str, at: int) -> Iterator[tuple[int, int]]:
    """The insides of a run of literals, or a bare word, save for what can't be secret."""
    literals: Iterable[re.Match[str]] = _compiled(_LITERAL).finditer(written)
    spans = [_inside(match) for match in literals] or [(0, len(written))]
    for start, end in spans:
        if not is_harmless(written[start:end]):
            yield at + start, at + end


def _inside(match: re.Match[str]) -> tuple[int, int]:
    """Where a literal's text is, without its prefix and quotes."""
    body = match[0].lstrip("rbfuRBFU")
    quote = body[:3] if body[:3] in {'"""', "'''"} else body[:1]
    start = match.end() - len(body) + len(quote)
    closed = body.endswith(quote) and len(body) >= 2 * len(quote)
    return start, match.end() - (len(quote) if closed else 0)


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """The values of "NAME=value": those of a raw_env all, others where the name is a secret's."""
    environments = [match.span() for match in _compiled(_ENVIRONMENT).finditer(text)]
    for match in _compiled(_PAIR).finditer(text):
        group = 2 if match[1] else 4
        while environments and environments[0][1] < match.start():
            environments.pop(0)
        held = bool(environments) and environments[0][0] <= match.start()
        quoted = match[group][:1] in {"'", '"'}  # 'name="value"': no environment's
        named = is_secret(match[group - 1]) and not quoted and not is_harmless(match[group])
        if held or named:
            yield match.span(group)


def _random_parts(run: str, at: int, after: str) -> Iterator[tuple[int, int]]:
    """The parts of a long run of letters and digits that no one would have written by hand."""
    parts = [run]
    if run.startswith("/"):  # a path: its names stand each for itself
        parts = run.split("/")
    for part in parts:
        is_file = len(parts) > 1 and after == "." and part is parts[-1]
        if len(part) >= 32 and not is_file and _is_random(part):
            yield at, at + len(part)
        at += len(part) + 1


def _is_random(run: str) -> bool:
    kinds = [
        "digit" if char.isdigit() else "upper" if char.isupper() else "lower"
        for char in run
        if char.isalnum()
    ]
    digits = kinds.count("digit")
    if 0 < digits < len(run) and _compiled("[0-9a-f]+|[0-9A-F]+").fullmatch(run):
        return True
    changes = sum(left != right for left, right in pairwise(kinds))
    return 2 < digits < len(kinds) and changes >= len(run) / 4


def is_harmless(value: str) -> bool:
    """Whether a secret's name is given no secret: nothing, a switch, a reference, a path."""
    return bool(_compiled(_HARMLESS).fullmatch(value))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern, compiled when it is first needed."""
    return re.compile(pattern, re.VERBOSE)
