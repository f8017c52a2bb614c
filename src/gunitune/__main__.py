"""`python -m gunitune` and the console script."""

import sys

from gunitune import __version__


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"] and _printed(f"gunitune {__version__}\n"):
        return  # asked often, by scripts: no command line has to be built for it
    from gunitune.cli import run

    sys.exit(run(sys.argv[1:]))


def _printed(text: str) -> bool:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, AttributeError):  # a full disk or a closed stdout: `run` says so
        return False
    return True


if __name__ == "__main__":
    main()
