"""Makes the safe fixes in files, or shows what they would change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.checks.run import STDIN
from gunitune.conf.text import encoding_of
from gunitune.errors import UsageError
from gunitune.fixes import difference, fix_all, write_fixed

if TYPE_CHECKING:
    from gunitune.checks.run import Check
    from gunitune.conf.find import Found
    from gunitune.report import Finding

_BOM = b"\xef\xbb\xbf"
# What a terminal or the log of a CI job would obey.
_CONTROL = re.compile(r"[^\t\n\f\r\x20-\x7e\xa0-\U0010ffff]")


def mend(task: Check, *, write: bool, terminal: bool) -> tuple[str, list[str]]:
    """The patch that the fixes make, and a line for people on each file that has some.

    With `write` the files are changed. Raises UsageError for stdin then: there is no file.
    """
    if write and STDIN in task.paths:
        raise UsageError("stdin can't be mended", "use --diff, or name the file")
    changes, lines = [], []
    for found in task.found():
        data = task.data(found)
        before, after, mended = fixed(task, found, data)
        if before == after:
            continue
        if write:
            write_fixed(found.path, data, after)
        mark = "\ufeff" if data.startswith(_BOM) else ""
        shown = terminal or _CONTROL.search(before) is not None
        changes.append(difference(mark + before, mark + after, found.shown, terminal=shown))
        rules = ", ".join(sorted({finding.rule for finding in mended}))
        if not (encoding := encoding_of(data)).lower().startswith("utf"):
            lines.append(f"{found.shown} is in {encoding}: the difference is shown in UTF-8")
        lines.append(
            f"{found.shown}: {'' if write else 'would have '}mended {len(mended)} ({rules})"
        )
    return "".join(changes), lines


def fixed(task: Check, found: Found, data: bytes) -> tuple[str, str, tuple[Finding, ...]]:
    """A file's text, the text with its safe fixes made, and what these mended."""
    encoding = encoding_of(data)

    def fixable(text: str) -> list[Finding]:
        report = task.report_on(found, text.encode(encoding, errors="surrogatepass"))
        ready = [finding for finding in report.findings if finding.fix is not None]
        # A name that is mended may be what another rule misses: it speaks in the next round.
        return [finding for finding in ready if finding.rule.startswith("GT1")] or ready

    conf = task.read(found, data)
    if conf.faults:
        return "", "", ()
    after, mended = fix_all(conf.text, fixable)
    return conf.text, after, mended
