"""``srntt serve``."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from srntt.cli._compiling import telling_of_compiling
from srntt.cli._exit import Exit
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
    max_pixels: int | None = None,
    max_reference_pixels: int | None = None,
    max_references: int | None = None,
    max_bytes: int | None = None,
    max_work: int | None = None,
) -> int:
    """Serve a web page to try it, for this machine only unless told otherwise. Ctrl-C ends it. Needs srntt[demo].

    Args:
        port: To listen on. Default: 7860.
        host: Address to listen on. Default: 127.0.0.1, which only this machine reaches. There is no password: whoever
            reaches another address can use the page.
        model: One that visitors may choose: a name (srntt weights list), a model folder or a .safetensors file. May be
            given several times, the first is chosen at the start. auto takes lite-rec or lite-real by
            the picture. Default: auto, lite-rec and lite-gan.
        device: cpu, cuda, cuda:1, mps or auto. Default: auto, the GPU where there is one.
        memory: Most that the whole process may hold, such as 2GB. Default: most of what is free.
        queue: How many pictures may wait while one is done; more are refused. Default: 8.
        max_pixels: Of the small picture. Default: 262144, which is 512 x 512.
        max_reference_pixels: Of one reference. Default: 16 million.
        max_references: Of one picture. Default: 6.
        max_bytes: Of one uploaded file. Default: 20 MiB.
        max_work: Pixels of the small picture times places (4 x 4 pixels) of its references. Default: 100 billion.
    """
    with telling_of_compiling():
        from srntt.demo import Ceilings, Settings
        from srntt.demo import serve as run

        given = {
            "max_pixels": max_pixels,
            "max_reference_pixels": max_reference_pixels,
            "max_references": max_references,
            "max_bytes": max_bytes,
            "max_work": max_work,
        }
        ceilings = Ceilings(**{name: value for name, value in given.items() if value is not None})
        models = _by_name(model) if model else Settings().models
        settings = Settings(host, port, models, ceilings, queue, device, memory)
        settings.check()
        if not settings.is_private:
            complain(
                f"--host {host}: whoever can reach this machine can use the page, without a password and without "
                "encryption, and uploads pictures that are decoded here. Put it behind a proxy that asks who they are, "
                "or leave --host out."
            )
        run(settings, _announce)
    return Exit.DONE


def _announce(address: str) -> None:
    say(f"{address}   Ctrl-C ends it")
    sys.stdout.flush()


def _by_name(models: tuple[str, ...]) -> dict[str, str]:
    named = {Path(each).name: each for each in models}
    if len(named) < len(models):
        raise InputError(f"Two models would have one name: {', '.join(models)}. Give each its own.")
    return named
