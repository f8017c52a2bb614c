"""The forecast service that the app asks: it answers after UPSTREAM_DELAY_MS milliseconds.

`python upstream.py` runs it as a process of its own.
"""

import asyncio
import json
import os

DELAY_S = float(os.environ.get("UPSTREAM_DELAY_MS", "40")) / 1000
FORECASTS = {"berlin": 19.5, "lisbon": 26.0, "oslo": 12.5}


def respond(path):
    celsius = FORECASTS.get(path.rpartition("/")[2])
    status = "200 OK" if celsius is not None else "404 Not Found"
    body = json.dumps({"celsius": celsius})
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def converse(reader, writer):
    """Answer GET after GET on one connection until the client closes it."""
    try:
        while request := await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(DELAY_S)
            writer.write(respond(request.split()[1].decode()))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def start(port=0):
    """Listen on the loopback interface; port 0 takes a free one. Gives the server and its URL."""
    server = await asyncio.start_server(converse, "127.0.0.1", port, backlog=1024)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def main():
    server, url = await start(int(os.environ.get("UPSTREAM_PORT", "9000")))
    print(f"export UPSTREAM_URL={url}", flush=True)  # noqa: T201  what the reader is to copy
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
