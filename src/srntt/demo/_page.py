"""Gradio page: components and events."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr  # pyright: ignore[reportMissingImports]

from srntt.demo import _words
from srntt.demo._line import Ticket
from srntt.demo._order import FORMATS, Order
from srntt.demo._service import Ready, Service
from srntt.errors import InputError, SrnttError

_HERE = Path(__file__).parent
_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.25
_MOST_LOGGED = 200  # characters of the reason for which a request is refused
_UNSEEN: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}  # events
_EVENTS = 200  # events that Gradio may queue: enough to report to each that our much shorter queue is full
_SCALES = [("of the model, usually 4 times", 0), *((f"{scale:g} times", scale) for scale in (1.5, 2, 3, 6, 8, 12, 16))]
_INTRODUCTION = """# srntt
Reference-based image super-resolution: upscales pictures, with detail from sharper pictures of similar
content, and shows where each detail came from."""
_WARNING = """Output detail is not evidence: a face, a number plate or text may come from another picture. Such
places are not detected automatically; the command line excludes them with `--protect`.

Results are deleted when you close the page; uploads and anything left, after an hour."""

CSS = (_HERE / "_page.css").read_text(encoding="utf-8")
HEAD = f"<script>{(_HERE / '_view.js').read_text(encoding='utf-8')}</script>"


@dataclass(frozen=True)
class Example:
    """Button that fills in example pictures.

    Attributes:
        label: Label of the button.
        picture, references: Files.
    """

    label: str
    picture: str
    references: tuple[str, ...]


class _Page(gr.Blocks):
    """Page that logs requests which its components do not accept in one line; Gradio logs a traceback for each."""

    async def preprocess_data(self, *given: Any, **named: Any) -> list[Any]:
        """Convert the values of a request for the components."""
        try:
            return await super().preprocess_data(*given, **named)
        except Exception as error:
            _log.warning("Refused a request: %s", ascii(f"{type(error).__name__}: {error}")[:_MOST_LOGGED])
            raise gr.Error("The page does not accept this. Reload it, and try again.", print_exception=False) from error


def theme() -> gr.themes.Base:
    """Create a theme with system fonts; Gradio's default theme makes the browser download fonts."""
    return gr.themes.Base(
        primary_hue="amber",
        font=("system-ui", "sans-serif"),
        font_mono=("ui-monospace", "monospace"),
    ).set(  # the default shades have too little contrast
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
    )


def build_page(service: Service, examples: tuple[Example, ...]) -> gr.Blocks:
    """Build the page.

    Args:
        service: Service behind the page.
        examples: Examples; their files must be in a folder that the server may serve.
    """
    with _Page(title="srntt", analytics_enabled=False, delete_cache=(60, 3600)) as page:
        gr.Markdown(_INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                limits = service.limits
                pictures = _files("Small pictures" if limits.max_pictures > 1 else "Small picture", "small")
                most = "" if limits.local else f", at most {limits.max_references}"
                references = _files(f"References{most}", "references")
                wishes = [*_options(service), _library(service)]
                with gr.Row():
                    begin = gr.Button("Upscale", variant="primary", elem_id="begin", min_width=100)
                    cancel = gr.Button("Cancel", interactive=False, elem_id="cancel", min_width=100)
                for number, example in enumerate(examples):
                    button = gr.Button(example.label, size="sm", elem_id=f"example-{number}")
                    button.click(partial(_files_of, example), None, [pictures, references], **_UNSEEN)
            with gr.Column(scale=2, min_width=280):
                message = gr.HTML(_words.introduction(limits), elem_id="message")
                view = gr.HTML(elem_id="view")
        gr.Markdown(_WARNING)
        _wire(service, page, begin, cancel, [pictures, references, *wishes], [message, view, begin, cancel])
    return page.queue(max_size=_EVENTS, default_concurrency_limit=None)


def _files(label: str, name: str) -> gr.File:
    """Create an upload of files, without Gradio's preprocessing, which leaves an empty file for each upload."""
    files = gr.File(label=label, file_count="multiple", type="filepath", height=150, elem_id=name)
    files.preprocess = _paths_of
    return files


def _paths_of(payload: Any) -> list[str] | None:
    return None if payload is None else [file.path for file in payload]


def _library(service: Service) -> gr.Checkbox:
    """Create the choice to find references in the library, shown if there is one."""
    library = service.library
    about = f"{library.info().photographs:,} photographs; which are used, and why, is stated below." if library else ""
    return gr.Checkbox(
        False, label="Find references in my photographs", info=about, visible=library is not None, elem_id="library"
    )


def _options(service: Service) -> list[Any]:
    """Create the choice of the model and the options, in the order of the arguments of ``_order``."""
    models = list(service.models)
    model = gr.Dropdown(models, value=models[0], label="Model", info=_words.model_help(models[0]), elem_id="model")
    with gr.Accordion("Options", open=False, elem_id="options"):
        scale = gr.Dropdown(_SCALES, value=0, label="Size", elem_id="scale")
        strength = gr.Slider(0, 1, 1, step=0.05, label="Strength of the references", elem_id="strength")
        form = gr.Radio(list(FORMATS), value="PNG", label="Format", elem_id="format")
        quality = gr.Slider(1, 100, 95, step=1, label="Quality of JPEG", visible=False, elem_id="quality")
        metadata = gr.Checkbox(False, label="Keep EXIF, colour profile and comments", elem_id="metadata")
    model.change(lambda chosen: gr.update(info=_words.model_help(chosen)), model, model, **_UNSEEN)
    form.change(lambda chosen: gr.update(visible=chosen == "JPEG"), form, quality, **_UNSEEN)
    return [model, scale, strength, form, quality, metadata]


def _order(pictures: list[str] | None, references: list[str] | None, *wishes: Any) -> Order:
    """Return the order of what the components give.

    Raises:
        InputError: A value is out of range, or no picture was given.
    """
    if not pictures:
        raise InputError("Give a small picture first: drop one here, or try an example.")
    model, scale, strength, form, quality, metadata, find = wishes
    try:
        return Order(
            tuple(pictures), tuple(references or ()), str(model), float(scale) or None, float(strength), str(form),
            int(quality), bool(metadata), bool(find),
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        if isinstance(error, SrnttError):
            raise
        raise InputError(f"An option is not a number: {error}.") from error


def _files_of(example: Example) -> tuple[list[str], list[str]]:
    return [example.picture], list(example.references)


def _wire(
    service: Service, page: gr.Blocks, begin: gr.Button, cancel: gr.Button, given: list[Any], shown: list[Any]
) -> None:
    async def upscale(
        pictures: list[str] | None,
        references: list[str] | None,
        model: str,
        scale: float,
        strength: float,
        form: str,
        quality: int,
        metadata: bool,
        find: bool,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Upscale; yields the message and the view of the results."""
        try:
            order = _order(pictures, references, model, scale, strength, form, quality, metadata, find)
            ticket = service.order(_owner(request), order)
        except SrnttError as error:
            yield _idle(_words.ended(error))
            return
        try:
            async for words, view in _watch(service, ticket):
                yield words, view, gr.update(interactive=False), gr.update(interactive=True)
            yield _conclude(ticket)
        finally:
            ticket.cancel()  # the page was closed

    def withdraw(request: gr.Request) -> None:
        service.line.cancel(_owner(request))

    def leave(request: gr.Request) -> None:
        service.leave(_owner(request))

    begin.click(upscale, given, shown, concurrency_limit=None, show_progress="hidden", api_name="upscale")
    cancel.click(withdraw, None, None, **_UNSEEN)
    page.unload(leave)


async def _watch(service: Service, ticket: "Ticket[tuple[Ready, ...]]") -> AsyncIterator[tuple[str, Any]]:
    """Yield the message about an order whenever it changes, and its finished pictures, until it is finished."""
    last, shown = "", 0
    while not ticket.finished:
        words = _words.under_way(ticket) if ticket.started else _words.waiting(service.line.ahead_of(ticket))
        finished = len(ticket.parts)
        if words != last or finished != shown:
            yield words, _words.view(ticket.parts[:finished]) if finished != shown else gr.skip()
        last, shown = words, finished
        await asyncio.sleep(_LOOK_SECONDS)


def _conclude(ticket: "Ticket[tuple[Ready, ...]]") -> tuple[Any, ...]:
    view = _words.view(ticket.parts)
    if ticket.outcome is not None:
        return _idle(_words.ready(ticket.outcome), view)
    if not isinstance(ticket.error, SrnttError):
        traceback.print_exception(ticket.error)  # for the operator of the server
    return _idle(_words.ended(ticket.error, len(ticket.parts)), view)


def _idle(message: str, view: str = "") -> tuple[Any, ...]:
    """Return the state of the components when no order is running."""
    return message, view, gr.update(interactive=True), gr.update(interactive=False)


def _owner(request: gr.Request) -> str:
    return str(request.session_hash)
