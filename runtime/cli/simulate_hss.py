"""`farebox simulate hss`: a subscriber store of a network, to provision into."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.cli.options import fail

ReadyOption = Annotated[
    Path | None, typer.Option("--ready-file", help="Gets `<port> <pid>` once requests are taken.", show_default=False)
]


def hss(
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen at; 0: any free one.")] = 8081,
    subscribers: Annotated[
        Path | None,
        typer.Option("--subscribers", help="SQLite file that keeps them.", show_default="memory, gone at the end"),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault", help="<operation>=<fault>:<times>, such as provision=timeout_after:1.", show_default=False
        ),
    ] = None,
    ready_file: ReadyOption = None,
) -> None:
    """Be an HSS/UDM that is provisioned over HTTP, and that can fail on demand.

    \b
        farebox simulate hss --port 8081 --subscribers hss.sqlite
        farebox simulate hss --fault provision=timeout_after:1 --fault sim=refuses:2
        curl -X POST localhost:8081/faults -d '{"operation": "suspend", "fault": "late"}'

    Operations: provision, sim, suspend, resume, deprovision. Faults: timeout_after (does it and doesn't answer),
    timeout_before, late (done after the next request), twice (answers twice), refuses, busy, broken, slow.
    GET /subscribers shows what it knows. ^C ends it.
    """
    import signal
    import sqlite3
    import threading

    from runtime.simulate.hss import HssServer
    from runtime.simulate.hss_faults import FaultInvalid, parse_fault
    from runtime.simulate.hss_subscribers import Subscribers

    try:
        known = Subscribers(subscribers)
    except sqlite3.Error as error:
        fail(f"--subscribers {subscribers}: {error}: name a SQLite file that can be written, or a new one")
    try:
        server = HssServer(host, port, known)
    except OSError as error:
        fail(f"--port {port} of {host} can't be had: {error.strerror}")
    try:
        for text in fault or ():
            operation, name, times = parse_fault(text)
            server.hss.faults.add(operation, name, times=times)
    except FaultInvalid as error:
        fail(f"--fault: {error}")
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 1.0}, daemon=True)
    thread.start()
    print(f"HSS at http://{host}:{server.server_port}, ^C ends it", flush=True)
    if ready_file is not None:
        from runtime.ready_file import write_ready_file

        write_ready_file(ready_file, server.server_port)
    stopping.wait()
    server.stop()
    known.close()
