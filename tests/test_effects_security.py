"""What the rules on security say happens, happens on real Gunicorn.

Each test serves the config of the rule's own example.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from effect import Place, environ, example, examples, exchange, head, status, until

if TYPE_CHECKING:
    from serving import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="users are told by /proc")

# Rule -> the test here that shows its effect.
VERIFIED: dict[str, str] = {
    "GT601": "test_any_client_is_believed_like_a_proxy",
    "GT603": "test_any_client_writes_its_own_address",
    "GT604": "test_any_client_speaks_uwsgi",
    "GT605": "test_a_request_line_of_any_length_is_taken",
    "GT608": "test_a_unix_socket_is_open_to_all_users",
    "GT609": "test_a_unix_socket_is_open_to_all_users",
    "GT610": "test_workers_run_as_the_user_that_is_set",
    "GT612": "test_a_user_alone_keeps_the_group_of_root",
    "GT613": "test_the_control_socket_is_open_to_all_users",
    "GT615": "test_a_header_with_underscores_passes_for_one_with_hyphens",
    "GT616": "test_a_space_before_the_colon_is_taken_away",
    "GT617": "test_malformed_requests_are_let_in",
    "GT619": "test_a_key_alone_gives_no_tls",
    "GT620": "test_a_certificate_alone_gives_no_tls",
    "GT621": "test_no_client_is_asked_for_a_certificate",
    "GT622": "test_no_client_certificate_is_good_without_an_authority",
    "GT623": "test_broken_ciphers_give_no_tls",
    "GT626": "test_a_header_in_lower_case_never_matches",
    "GT627": "test_old_releases_skip_an_unknown_transfer_encoding",
}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_any_client_is_believed_like_a_proxy(place: Place) -> None:
    said = {"X_Forwarded_Proto": "https"}

    with place.serve(example("GT601")) as server:
        assert environ(server, **said)["wsgi.url_scheme"] == "https"
        moved = exchange(server, head("SCRIPT_NAME: /shop", first="GET /shop/pay HTTP/1.1"))
        assert '"PATH_INFO": "/pay"' in moved
    with place.serve("") as server:
        assert environ(server, **said)["wsgi.url_scheme"] == "http"
        kept = exchange(server, head("SCRIPT_NAME: /shop", first="GET /shop/pay HTTP/1.1"))
        assert '"PATH_INFO": "/shop/pay"' in kept


def test_any_client_writes_its_own_address(place: Place) -> None:
    request = "PROXY TCP4 203.0.113.9 192.0.2.1 5555 80\r\n" + head()

    with place.serve(example("GT603")) as server:
        assert '"REMOTE_ADDR": "203.0.113.9"' in exchange(server, request)
    with place.serve("proxy_protocol = True") as server:
        assert status(exchange(server, request)) == 403


def uwsgi(**variables: str) -> str:
    """A request in the uwsgi protocol: its size, then each name and value with theirs."""
    texts = [text for pair in variables.items() for text in pair]
    body = "".join(f"{len(text).to_bytes(2, 'little').decode('latin-1')}{text}" for text in texts)
    return f"\0{len(body).to_bytes(2, 'little').decode('latin-1')}\0{body}"


def test_any_client_speaks_uwsgi(place: Place) -> None:
    request = uwsgi(REQUEST_METHOD="GET", PATH_INFO="/", HTTPS="on", HTTP_CONNECTION="close")

    with place.serve(example("GT604")) as server:
        assert '"wsgi.url_scheme": "https"' in exchange(server, request)
    with place.serve('protocol = "uwsgi"') as server:
        assert status(exchange(server, request)) != 200


def test_a_request_line_of_any_length_is_taken(place: Place) -> None:
    path = "/?" + "a" * 100_000

    with place.serve(example("GT605")) as server:
        assert server.get(path)[0] == 200
    with place.serve("") as server:
        assert server.get(path)[0] == 414


@pytest.mark.parametrize(
    ("conf", "mode"),
    [(example("GT608"), 0o777), (example("GT609"), 0o777), ("umask = 0o007", 0o770)],
)
def test_a_unix_socket_is_open_to_all_users(place: Place, conf: str, mode: int) -> None:
    with place.serve(conf, "--bind", "unix:gunicorn.sock"):
        assert (place.folder / "gunicorn.sock").stat().st_mode & 0o777 == mode


def ids_of_worker(server: Server) -> tuple[int, int]:
    """The real user and group of its worker."""
    (pid,) = server.await_workers(1)
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    words = {line.split()[0]: line.split()[1] for line in lines if line.startswith(("Uid", "Gid"))}
    return int(words["Uid:"]), int(words["Gid:"])


@AS_ROOT
def test_workers_run_as_the_user_that_is_set(place: Place) -> None:
    with place.serve(example("GT610")) as server:
        assert ids_of_worker(server)[0] == 0


@AS_ROOT
def test_a_user_alone_keeps_the_group_of_root(place: Place) -> None:
    conf = example("GT612")

    with place.serve(conf, "--preload") as server:  # what is imported, root may read alone
        assert ids_of_worker(server) == (1000, 0)
    with place.serve(conf + "\ngroup = 1000", "--preload") as server:
        assert ids_of_worker(server) == (1000, 1000)


def test_the_control_socket_is_open_to_all_users(place: Place) -> None:
    path = place.folder / "ctl"

    with place.serve(example("GT613"), "--control-socket", str(path)) as server:
        until(path.exists, server)
        until(lambda: "Control socket listening" in server.log(), server)
        assert path.stat().st_mode & 0o777 == 0o666
        command = [*_gunicornc(), "-s", str(path), "-c", "worker add 1"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        server.await_workers(2)


def _gunicornc() -> list[str]:
    from effect import RELEASES

    return [str(RELEASES["newest"].python()), "-m", "gunicorn.ctl.cli"]


def test_a_header_with_underscores_passes_for_one_with_hyphens(place: Place) -> None:
    request = head("X-Forwarded-For: 192.0.2.1", "X_Forwarded_For: 203.0.113.9")

    with place.serve(example("GT615")) as server:
        assert "192.0.2.1,203.0.113.9" in exchange(server, request)
    with place.serve("") as server:
        assert "203.0.113.9" not in exchange(server, request)


def test_a_space_before_the_colon_is_taken_away(place: Place) -> None:
    request = head("X-Shop : 1")

    with place.serve(example("GT616")) as server:
        assert '"HTTP_X_SHOP": "1"' in exchange(server, request)
    with place.serve("") as server:
        assert status(exchange(server, request)) == 400


@pytest.mark.parametrize(
    ("conf", "request_"),
    [
        (examples("GT617")[0], head("X-Shop: a", " b")),
        (examples("GT617")[1], head(first="GET / HTTP/2.0")),
        ("permit_unconventional_http_method = True", head(first="get / HTTP/1.1")),
    ],
)
def test_malformed_requests_are_let_in(place: Place, conf: str, request_: str) -> None:
    with place.serve(conf) as server:
        assert status(exchange(server, request_)) == 200
    with place.serve("") as server:
        assert status(exchange(server, request_)) == 400


class Files:
    """A certificate that vouches for itself, and its key; a client may have it too."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "app.pem"
        self.key = folder / "app.key"
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("openssl is not there to make a certificate")
        made = ["-subj", "/CN=localhost", "-keyout", str(self.key), "-out", str(self.certificate)]
        new = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        subprocess.run([openssl, "req", *new, *made], check=True, capture_output=True)

    def conf(self, text: str) -> str:
        """An example's config with these files in the place of its own."""
        for name in ("app.pem", "clients.pem"):
            text = text.replace(f"/etc/ssl/{name}", str(self.certificate))
        return text.replace("/etc/ssl/app.key", str(self.key)).replace(
            "/etc/ssl/private/app.key", str(self.key)
        )

    def pair(self) -> str:
        """The settings for both."""
        return f"certfile = {str(self.certificate)!r}\nkeyfile = {str(self.key)!r}\n"

    def ask(self, found: tuple[str, int], *, known: bool = False) -> bytes:
        """The first bytes of an answer over TLS, as a client with or without a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if known:
            context.load_cert_chain(self.certificate, self.key)
        with (
            socket.create_connection(found, 30) as plain,
            context.wrap_socket(plain) as client,
        ):
            client.sendall(head().encode())
            return client.recv(12)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_key_alone_gives_no_tls(place: Place, files: Files) -> None:
    with place.serve_tls(files.conf(example("GT619"))) as found, pytest.raises(ssl.SSLError):
        files.ask(found)
    with place.serve_tls(files.pair()) as found:
        assert files.ask(found) == b"HTTP/1.1 200"


def test_a_certificate_alone_gives_no_tls(place: Place, files: Files) -> None:
    conf = files.conf(example("GT620"))

    with place.serve_tls(conf) as found, pytest.raises(ssl.SSLError):
        files.ask(found)
    both = files.key.read_text(encoding="ascii") + files.certificate.read_text(encoding="ascii")
    files.certificate.write_text(both, encoding="ascii")
    with place.serve_tls(conf) as found:
        assert files.ask(found) == b"HTTP/1.1 200"


def test_no_client_is_asked_for_a_certificate(place: Place, files: Files) -> None:
    conf = files.conf(example("GT621"))

    with place.serve_tls(conf) as found:
        assert files.ask(found) == b"HTTP/1.1 200"
    with place.serve_tls(conf + "\ncert_reqs = 2") as found:
        assert files.ask(found, known=True) == b"HTTP/1.1 200"
        with pytest.raises(ssl.SSLError):
            files.ask(found)


def test_no_client_certificate_is_good_without_an_authority(place: Place, files: Files) -> None:
    with place.serve_tls(files.conf(example("GT622"))) as found, pytest.raises(ssl.SSLError):
        files.ask(found, known=True)


def test_broken_ciphers_give_no_tls(place: Place, files: Files) -> None:
    if any("RC4" in cipher["name"] for cipher in ssl.create_default_context().get_ciphers()):
        pytest.skip("this OpenSSL still has RC4")

    with place.serve_tls(files.pair() + example("GT623")) as found, pytest.raises(ssl.SSLError):
        files.ask(found)


def test_a_header_in_lower_case_never_matches(place: Place) -> None:
    conf = example("GT626") + '\nforwarded_allow_ips = "*"\n'
    said = {"X_Forwarded_Proto": "https"}

    with place.serve(conf) as server:
        assert environ(server, **said)["wsgi.url_scheme"] == "http"
    with place.serve(conf.replace("X-Forwarded-Proto", "X-FORWARDED-PROTO")) as server:
        assert environ(server, **said)["wsgi.url_scheme"] == "https"


def test_old_releases_skip_an_unknown_transfer_encoding(place: Place) -> None:
    body = ("Content-Length: 3", "Transfer-Encoding: xchunked")
    request = head(*body, first="POST / HTTP/1.1") + "abc"

    with place.serve(example("GT627"), release="20.1.0") as server:
        assert status(exchange(server, request)) == 200
    with place.serve(example("GT627"), release="23.0.0") as server:
        assert status(exchange(server, request)) == 501
