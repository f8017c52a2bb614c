"""What the user sees when something can't be done: one line, and exit code 2."""


class GunituneError(Exception):
    """Something the user can mend. `message` says what and where, `hint` what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class UsageError(GunituneError):
    """An option or argument that can't be used."""


class RuleError(GunituneError):
    """A rule file that is broken; the message names file, key and what is wrong."""


class ProjectError(GunituneError):
    """A project that can't be read or can't run under Gunicorn."""
