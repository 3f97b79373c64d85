"""The commands. Importing them is cheap, because torch is imported on use."""

from cyclopts import App, Parameter

import srntt
from srntt.cli import (
    _batch,
    _bench,
    _corpus,
    _doctor,
    _evaluate,
    _export,
    _library,
    _protocols,
    _serve,
    _stack,
    _train,
    _upscale,
    _video,
    _weights,
)

app = App(
    name="srntt",
    version=srntt.__version__,
    help="Reference-based image super-resolution: upscale pictures with detail from sharper ones of similar content.",
    help_epilogue=(
        "Results go to stdout, progress to stderr. Exit codes: 0 done, 1 some inputs failed, 2 usage, 3 nothing to do, "
        "4 model or environment, 130 interrupted, 143 terminated. "
        "--debug or SRNTT_DEBUG=1 shows the traceback of an error."
    ),
    help_format="plaintext",
    default_parameter=Parameter(negative=(), show_default=False),
    suppress_keyboard_interrupt=False,
)
app.command(_upscale.upscale)
app.command(_batch.batch)
app.command(_video.video)
app.command(_stack.stack)
app.command(_evaluate.evaluate)
app.command(_protocols.protocols)
app.command(_train.train)
app.command(_serve.serve)
app.command(_bench.bench)
app.command(_doctor.doctor)

weights = App(name="weights", help="Manage models and pretrained weights.")
weights.command(_weights.list_weights, name="list")
weights.command(_weights.get)
weights.command(_weights.convert)
weights.command(_weights.push)
app.command(weights)

library = App(name="library", help="Find references in an album of photographs.")
library.command(_library.add)
library.command(_library.update)
library.command(_library.find)
library.command(_library.list_files, name="list")
library.command(_library.remove)
library.command(_library.info)
app.command(library)

corpus = App(name="corpus", help="Prepare photographs for training.")
corpus.command(_corpus.build)
app.command(corpus)

export = App(name="export", help="Export models to other runtimes.")
export.command(_export.onnx)
app.command(export)
