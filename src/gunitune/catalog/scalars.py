"""What Gunicorn's validators of numbers, booleans, users and groups take, and what they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.catalog.refusal import Refused, formatted, refused, unhashable
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

_NO_INT = "int() can't convert non-string with explicit base"
# ssl.PROTOCOL_*, by name; which of them there are hangs on Python and OpenSSL.
_TLS = {"SSLv23": 2, "TLS": 2, "TLSv1": 3, "TLSv1_1": 4, "TLSv1_2": 5}
_TLS |= {"TLS_CLIENT": 16, "TLS_SERVER": 17}
_SSL = {"SSLv2": 0, "SSLv3": 1}


def integer(value: Any) -> int:
    """As `validate_pos_int`: "4", "0x4" and True pass."""
    number = _integer(value)
    if number < 0:
        raise refused("an integer of 0 or more", value, "Value must be positive")
    return number


def _integer(value: Any) -> int:
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, (str, bytes, bytearray)):
        raise refused("an integer", value, _NO_INT)
    try:
        return int(value, 0)
    except ValueError as error:
        raise refused("an integer", value, str(error).partition(":")[0]) from None


def boolean(value: Any) -> bool | None:
    """As `validate_bool`: "true" and "false" in any case pass, 1 and 0 do not."""
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise refused("True or False", value, formatted("Invalid type for casting: %s", value))
    found = {"true": True, "false": False}.get(value.lower().strip())
    if found is None:
        raise refused("True or False", value, "Invalid boolean")
    return found


def stream_limit(value: Any) -> int:
    """As `validate_http2_stream_limit`."""
    return _within(integer(value), 1, None, "HTTP/2 max concurrent streams must be at least 1")


def window_size(value: Any) -> int:
    """As `validate_http2_window_size`."""
    return _within(integer(value), 0, 2**31 - 1, "HTTP/2 window size must be at most 2147483647")


def frame_size(value: Any) -> int:
    """As `validate_http2_frame_size`, which tells no negative number from one that is too low."""
    error = "http2_max_frame_size must be between 16384 and 16777215"
    return _within(_integer(value), 16384, 16777215, error)


def _within(number: int, least: int, most: int | None, error: str) -> int:
    if number < least or (most is not None and number > most):
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        raise refused(f"an integer of {allowed}", number, error)
    return number


def ssl_version(value: Any) -> int | Unknown:
    """As `validate_ssl_version` of Gunicorn 20; SSLv2 and SSLv3 are there on some machines only."""
    found = (_TLS | _SSL).get(value) if isinstance(value, str) else None
    if found is None:
        try:
            found = integer(value)
        except Refused:
            found = -1
    if found in _SSL.values():
        return Unknown("whether Python there has that protocol")
    if found not in _TLS.values():
        error = unhashable(value) or "Invalid ssl_version"
        raise refused("the name of a TLS protocol, such as TLS,", value, error)
    return found


def anything(value: Any) -> Any:
    """A setting that Gunicorn takes whatever it is."""
    return tuple(value) if isinstance(value, list) else value


def user(value: Any) -> int | Unknown:
    """As `validate_user`; who has a name on the target can't be told, but for root."""
    found = _account(value, "user")
    return 0 if value == "root" else found


def group(value: Any) -> int | Unknown:
    """As `validate_group`."""
    return _account(value, "group")


def _account(value: Any, what: str) -> int | Unknown:
    if value is None:
        return Unknown(f"the {what} that Gunicorn is started as")
    if isinstance(value, int):
        return value
    wanted = f"a {what}'s name or number"
    if not isinstance(value, (str, bytes, bytearray)):
        raise refused(wanted, value, "has no attribute 'isdigit'")
    if value.isdigit():
        return _number(value, wanted)
    if not isinstance(value, str):
        function = "getpwnam" if what == "user" else "getgrnam"
        raise refused(wanted, value, f"{function}() argument")
    if not value or "\0" in value:
        raise refused(wanted, value, "embedded null byte" if value else f"No such {what}")
    return Unknown(f"the number of the {what} {value[:60]}")


def _number(value: str | bytes | bytearray, wanted: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise refused(wanted, value, str(error).partition(":")[0]) from None


SCALARS: dict[str, Callable[[Any], Any]] = {
    "anything": anything,
    "bool": boolean,
    "group": group,
    "http2_frame_size": frame_size,
    "http2_stream_limit": stream_limit,
    "http2_window_size": window_size,
    "int": integer,
    "ssl_version": ssl_version,
    "user": user,
}
