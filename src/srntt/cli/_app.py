"""The commands. Importing them costs little: whatever needs torch imports it once it has work."""

from cyclopts import App, Parameter

import srntt
from srntt.cli import (
    _batch,
    _bench,
    _corpus,
    _doctor,
    _evaluate,
    _export,
    _protocols,
    _serve,
    _train,
    _upscale,
    _weights,
)

app = App(
    name="srntt",
    version=srntt.__version__,
    help="Give it a small picture and better pictures of similar things; it returns the small one four times larger.",
    help_epilogue=(
        "Results go to stdout, progress to stderr. Exit codes: 0 done, 1 some inputs failed, 2 usage, 3 nothing to do, "
        "4 model or environment, 130 interrupted, 143 terminated. "
        "--debug or SRNTT_DEBUG=1 shows where an error came from."
    ),
    help_format="plaintext",
    default_parameter=Parameter(negative=(), show_default=False),
    suppress_keyboard_interrupt=False,
)
app.command(_upscale.upscale)
app.command(_batch.batch)
app.command(_evaluate.evaluate)
app.command(_protocols.protocols)
app.command(_train.train)
app.command(_serve.serve)
app.command(_bench.bench)
app.command(_doctor.doctor)

weights = App(name="weights", help="Models and the weights that they need.")
weights.command(_weights.list_weights, name="list")
weights.command(_weights.get)
weights.command(_weights.convert)
weights.command(_weights.push)
app.command(weights)

corpus = App(name="corpus", help="Photographs to train from.")
corpus.command(_corpus.build)
app.command(corpus)

export = App(name="export", help="Models as files for other runtimes.")
export.command(_export.onnx)
app.command(export)
