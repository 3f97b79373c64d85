"""``srntt serve``."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from srntt.cli._compiling import compiling_reported
from srntt.cli._exit import Exit
from srntt.cli._library_options import LibraryOptions
from srntt.cli._say import complain, say
from srntt.errors import InputError


def serve(
    *,
    port: int = 7860,
    host: str = "127.0.0.1",
    model: Annotated[tuple[str, ...], Parameter(name=["--model", "-m"])] = (),
    device: str = "auto",
    memory: str | None = None,
    queue: int = 8,
    public: bool = False,
    library: LibraryOptions = LibraryOptions(),  # noqa: B008 (frozen)
    max_seconds: int | None = None,
    max_pixels: int | None = None,
    max_reference_pixels: int | None = None,
    max_references: int | None = None,
    max_pictures: int | None = None,
    max_bytes: int | None = None,
    max_work: int | None = None,
) -> int:
    """Serve a web page for trying srntt, by default only on this machine. Ctrl-C stops it. Requires srntt[demo].

    Args:
        port: Port to listen on. Default: 7860.
        host: Address to listen on. Default: 127.0.0.1, reachable only from this machine. There is no password: anyone
            who reaches another address can use the page.
        model: Model offered to visitors: a name (srntt weights list), a model folder or a .safetensors file. May be
            repeated; the first is preselected. auto chooses lite-rec or lite-real by the picture. Default: auto,
            lite-rec, lite-real and lite-gan.
        device: cpu, cuda, cuda:1, mps or auto. Default: auto, the GPU if there is one.
        memory: Memory budget of the process, such as 2GB. Default: most of the available memory.
        queue: Number of pictures that may wait; more are refused. Default: 8.
        public: Apply the limits of a page for the public, as with an address other than this machine's. By default,
            the limits are those of this machine: predicted time and memory. References that exceed them are reduced.
        max_seconds: Maximum predicted time of a picture. Default: 900; no limit with --public.
        max_pixels: Maximum pixels of the low-res picture. Default: 200 million; 262144, i.e. 512 x 512, with --public.
        max_reference_pixels: Maximum pixels of a reference. Default: 200 million; 16 million with --public.
        max_references: Maximum number of references. Default: 255; 6 with --public.
        max_pictures: Maximum number of low-res pictures of an order. Default: 100; 1 with --public.
        max_bytes: Maximum size of an uploaded file. Default: 512 MiB; 20 MiB with --public.
        max_work: Maximum product of the pixels of the low-res picture and the positions (4 x 4 pixels) of its
            references. Default: no limit; 100 billion with --public.
    """
    with compiling_reported():
        from srntt.demo import OrderLimits, Settings, is_loopback
        from srntt.demo import serve as run
        from srntt.image import Limits

        given: dict[str, Any] = {
            "max_pixels": max_pixels,
            "max_reference_pixels": max_reference_pixels,
            "max_references": max_references,
            "max_pictures": max_pictures,
            "max_bytes": max_bytes,
            "max_work": max_work,
            "max_seconds": max_seconds,
        }
        make = OrderLimits if public or not is_loopback(host) else OrderLimits.of_machine
        limits = make(**{name: value for name, value in given.items() if value is not None})
        models = _by_name(model) if model else Settings().models
        album = library.open(Limits())
        settings = Settings(host, port, models, limits, queue, device, memory, album)
        settings.check()
        if not settings.is_private:
            complain(
                f"--host {host}: anyone who can reach this machine can use the page, without password or encryption, "
                "and upload pictures that are decoded here. Use a proxy with authentication, or omit --host."
            )
        run(settings, _announce)
    return Exit.DONE


def _announce(address: str) -> None:
    say(f"{address}   Ctrl-C to stop")
    sys.stdout.flush()


def _by_name(models: tuple[str, ...]) -> dict[str, str]:
    named = {Path(each).name: each for each in models}
    if len(named) < len(models):
        raise InputError(f"Two models have the same name: {', '.join(models)}. Give each a different name.")
    return named
