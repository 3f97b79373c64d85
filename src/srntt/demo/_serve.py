"""Server of the page: a temporary folder, Gradio without telemetry, and the guard."""

import os
import shutil
import socket
import time
from collections.abc import Callable, Container
from contextlib import closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from srntt._system import allow_recent_address
from srntt.demo._guard import LOOPBACK, Guard
from srntt.demo._limits import OrderLimits
from srntt.demo._uploads import Uploads
from srntt.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from srntt.demo._page import Example
    from srntt.demo._service import Service
    from srntt.library import Library

_MODELS = ("auto", "lite-rec", "lite-real", "lite-gan")
_STORED_BYTES = 2 * 2**30  #: bytes of uploads from which further ones are refused
_TIDY_SECONDS = 30.0
_SESSIONS = 200  #: sessions whose state Gradio keeps; by default it keeps 10,000, each for an hour
_GRADIO = {  # read at import and in use: no telemetry, and no statistics of events
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(2**62),
    "HF_HUB_OFFLINE": "1",
}


@dataclass(frozen=True)
class Settings:
    """Settings of the server.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        models: Names or paths of the models by the name offered; the first is the default.
        limits: Limits on an order; by default those of the machine.
        waiting: Maximum number of waiting orders.
        device, memory: As for ``Upscaler``.
        library: Library in which references can be found, if any; on a private page only.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    models: dict[str, str] = field(default_factory=lambda: {name: name for name in _MODELS})
    limits: OrderLimits = field(default_factory=OrderLimits.of_machine)
    waiting: int = 8
    device: str = "auto"
    memory: str | None = None
    library: "Library | None" = None

    @property
    def is_private(self) -> bool:
        """Whether the page is reachable only from this machine."""
        return is_loopback(self.host)

    def check(self) -> None:
        """Validate the settings before importing large packages.

        Raises:
            InputError: The port is invalid or in use, the address is not one of this machine, the queue length is out
                of range, or others could see the photographs of the library.
            MissingDependencyError: Gradio is not installed.
        """
        if not 1 <= self.port <= 65535:
            raise InputError(f"--port {self.port}: must be 1..65535.")
        if not 1 <= self.waiting <= 30:  # Gradio handles 40 events at a time
            raise InputError(f"--queue {self.waiting}: must be 1..30.")
        if self.library and not (self.is_private and self.limits.local):
            raise InputError(
                "--library shows your photographs to everyone who can open the page, and is therefore limited to this "
                "machine. Omit --library, or --public and --host."
            )
        if find_spec("gradio") is None:
            raise MissingDependencyError.of_extra("srntt serve needs Gradio", "demo")
        _check_free(self.host, self.port)


def is_loopback(host: str) -> bool:
    """Return whether an address is reachable only from this machine."""
    return host in LOOPBACK


def serve(settings: Settings, when_ready: Callable[[str], None]) -> None:
    """Serve until interrupted, then remove all files.

    Args:
        settings: Settings of the server.
        when_ready: Called with the address once the server responds.

    Raises:
        KeyboardInterrupt: Ctrl-C, the normal end.
        InputError, MissingDependencyError: See ``Settings.check``.
        ModelError: The model cannot be used.
    """
    settings.check()
    from srntt.demo._service import Service

    with TemporaryDirectory(prefix="srntt-serve-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        with closing(Service(folder / "results", settings)) as service:
            service.warm_up()
            uploads = Uploads(folder / "uploads", _STORED_BYTES)
            page = _launch(settings, service, uploads)
            try:
                when_ready(f"http://{_in_address(settings.host)}:{settings.port}")
                while True:
                    time.sleep(_TIDY_SECONDS)
                    service.shelf.sweep()
                    uploads.tidy()
            finally:
                page.close(verbose=False)


def _launch(settings: Settings, service: "Service", uploads: Uploads) -> Any:
    folder = uploads.folder.parent
    uploads.folder.mkdir()
    os.environ |= {**_GRADIO, "GRADIO_TEMP_DIR": str(uploads.folder)}
    from srntt.demo import _page
    from srntt.demo._connections import limit_connections

    page = _page.build_page(service, _examples(folder / "examples"))
    page.launch(
        server_name=settings.host, server_port=settings.port, share=False, inbrowser=False, quiet=True,
        prevent_thread_lock=True, ssr_mode=False, pwa=False, mcp_server=False, enable_monitoring=False,
        run_history=False, footer_links=[], state_session_capacity=_SESSIONS, max_file_size=settings.limits.max_bytes,
        allowed_paths=[str(folder / "results"), str(folder / "examples")], theme=_page.theme(), css=_page.CSS,
        head=_page.HEAD, app_kwargs={"middleware": [_guard(settings, uploads, page.fns)]},
    )  # fmt: skip
    limit_connections(page.server)
    return page


def _guard(settings: Settings, uploads: Uploads, functions: Container[int]) -> Any:
    from starlette.middleware import Middleware  # pyright: ignore[reportMissingImports]

    hosts = LOOPBACK if settings.is_private else ()
    whole = min(
        uploads.most, settings.limits.max_bytes * (settings.limits.max_pictures + settings.limits.max_references)
    )
    return Middleware(Guard, hosts=hosts, uploads=uploads, max_upload=whole, functions=functions)


def _examples(folder: Path) -> tuple["Example", ...]:
    """Copy the example pictures: with a matching reference, with one that does not help, and without."""
    from srntt.demo._page import Example
    from srntt.image import load, picture_like, save

    shipped = example_folder()
    if shipped is None:
        return ()
    folder.mkdir()
    names = "motorcycle", "reference", "reference-negative"
    small, reference, other = (str(folder / f"{name}.png") for name in names)
    shutil.copyfile(shipped / "low-res.png", small)
    shutil.copyfile(shipped / "reference.png", reference)
    picture = load(reference)
    save(picture_like(picture, ~picture.color), other, strip=True)
    return (
        Example("Example: motorcycle, with another photograph", small, (reference,)),
        Example("Example: the same, a negative as reference", small, (other,)),
        Example("Example: the same, no reference", small, ()),
    )


def _check_free(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            allow_recent_address(probe)
            probe.bind(address)
    except OSError as error:
        raise InputError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. "
            "Choose another --port, or an address of this machine for --host."
        ) from error


def example_folder() -> Path | None:
    """Return the folder of low-res.png and reference.png; None for an installation without examples."""
    beside, checkout = Path(__file__).parent, Path(__file__).parents[3]  # in a wheel, and not
    folders = (root / "examples" / "motorcycle" for root in (beside, checkout))
    return next((folder for folder in folders if (folder / "reference.png").is_file()), None)


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
