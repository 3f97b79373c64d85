"""Gradio page: components and events."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr  # pyright: ignore[reportMissingImports]

from srntt.demo import _words
from srntt.demo._line import Ticket
from srntt.demo._service import Ready, Service
from srntt.errors import SrnttError

_HERE = Path(__file__).parent
_LOOK_SECONDS = 0.25
_EVENTS = 200  # events that Gradio may queue: enough to report to each that our much shorter queue is full
_INTRODUCTION = """# srntt
Reference-based image super-resolution: upscales a picture four times, with detail from sharper pictures of similar
content, and shows where each detail came from."""
_WARNING = """Output detail is not evidence: it is transferred from the best match, so that faces, plates and text may
come from the wrong picture. Results are deleted when you close the page; uploads and anything left, after an hour."""

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


def theme() -> gr.themes.Base:
    """Create a theme with system fonts; Gradio's default theme makes the browser download fonts."""
    return gr.themes.Base(
        primary_hue="amber",
        font=("system-ui", "sans-serif"),
        font_mono=("ui-monospace", "monospace"),
    ).set(  # the default shade has too little contrast with white text
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_text_color="white",
    )


def build_page(service: Service, examples: tuple[Example, ...]) -> gr.Blocks:
    """Build the page.

    Args:
        service: Service behind the page.
        examples: Examples; their files must be in a folder that the server may serve.
    """
    models = list(service.models)
    with gr.Blocks(title="srntt", analytics_enabled=False, delete_cache=(60, 3600)) as page:
        gr.Markdown(_INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                picture = gr.Image(
                    label="Small picture", type="filepath", image_mode=None, sources=["upload", "clipboard"],
                    buttons=[], height=220, elem_id="small",
                )  # fmt: skip
                picture.preprocess = _unopened
                references = gr.File(
                    label=_about_references(service), file_count="multiple", type="filepath", height=150,
                    elem_id="references",
                )  # fmt: skip
                references.preprocess = _unopened_each
                model = gr.Dropdown(models, value=models[0], label="Model", elem_id="model")
                with gr.Row():
                    begin = gr.Button("Upscale", variant="primary", elem_id="begin", min_width=100)
                    cancel = gr.Button("Cancel", interactive=False, elem_id="cancel", min_width=100)
                for number, example in enumerate(examples):
                    _fill_in(
                        gr.Button(example.label, size="sm", elem_id=f"example-{number}"), example, picture, references
                    )
            with gr.Column(scale=2, min_width=280):
                message = gr.HTML(_limits_in_words(service), elem_id="message")
                view = gr.HTML(elem_id="view")
        gr.Markdown(_WARNING)
        _wire(service, page, begin, cancel, [picture, references, model], [message, view, begin, cancel])
    return page.queue(max_size=_EVENTS, default_concurrency_limit=None)


def _unopened(payload: Any) -> str | None:
    """Replace Gradio's preprocessing, which decodes uploads without limits."""
    return None if payload is None else payload.path


def _unopened_each(payload: Any) -> list[str] | None:
    """Replace Gradio's preprocessing, which leaves an empty file for each upload."""
    return None if payload is None else [file.path for file in payload]


def _about_references(service: Service) -> str:
    return "References" if service.limits.local else f"References, at most {service.limits.max_references}"


def _limits_in_words(service: Service) -> str:
    limits = service.limits
    if limits.local:
        return (
            '<div class="srntt-message">Give a small picture, and sharper pictures of similar content as references, '
            "of any size: large ones are reduced if time or memory requires it.</div>"
        )
    return (
        f'<div class="srntt-message">Give a small picture of at most {limits.max_pixels:,} pixels '
        f"(such as {int(limits.max_pixels**0.5)} x {int(limits.max_pixels**0.5)}), and sharper pictures of similar "
        f"content as references, of at most {limits.max_reference_pixels / 1e6:g} megapixels each.</div>"
    )


def _fill_in(button: gr.Button, example: Example, picture: gr.Image, references: gr.File) -> None:
    def fill_in() -> tuple[str, list[str]]:
        return example.picture, list(example.references)

    button.click(fill_in, None, [picture, references], queue=False, show_progress="hidden", api_visibility="private")


def _wire(
    service: Service, page: gr.Blocks, begin: gr.Button, cancel: gr.Button, given: list[Any], shown: list[Any]
) -> None:
    async def upscale(
        picture: str | None, references: list[str] | None, model: str, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Upscale; yields the message and the view of the result."""
        if not picture:
            yield _idle(_words.refused("Give a small picture first: drop one here, or try an example."))
            return
        try:
            ticket = service.order(_owner(request), picture, references or [], model)
        except SrnttError as error:
            yield _idle(_words.refused(str(error)))
            return
        try:
            async for words in _watch(service, ticket):
                yield words, gr.skip(), gr.update(interactive=False), gr.update(interactive=True)
            yield _conclude(ticket)
        finally:
            ticket.cancel()  # the page was closed

    def withdraw(request: gr.Request) -> None:
        service.line.cancel(_owner(request))

    def leave(request: gr.Request) -> None:
        service.leave(_owner(request))

    begin.click(upscale, given, shown, concurrency_limit=None, show_progress="hidden", api_name="upscale")
    cancel.click(withdraw, None, None, queue=False, show_progress="hidden", api_visibility="private")
    page.unload(leave)


async def _watch(service: Service, ticket: "Ticket[Ready]") -> AsyncIterator[str]:
    """Yield the message about an order whenever it changes, until the order is finished."""
    last = ""
    while not ticket.finished:
        words = _words.under_way(ticket) if ticket.started else _words.waiting(service.line.ahead_of(ticket))
        if words != last:
            yield words
        last = words
        await asyncio.sleep(_LOOK_SECONDS)


def _conclude(ticket: "Ticket[Ready]") -> tuple[Any, ...]:
    if ticket.outcome is not None:
        return _idle(_words.ready(ticket.outcome), _words.view(ticket.outcome.folder))
    if not isinstance(ticket.error, SrnttError):
        traceback.print_exception(ticket.error)  # for the operator of the server
    return _idle(_words.ended(ticket.error))


def _idle(message: str, view: str = "") -> tuple[Any, ...]:
    """Return the state of the components when no order is running."""
    return message, view, gr.update(interactive=True), gr.update(interactive=False)


def _owner(request: gr.Request) -> str:
    return str(request.session_hash)
