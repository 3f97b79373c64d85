"""The whole light model as one ONNX graph: a picture and any number of references to the larger picture."""

import onnx
from onnx import helper

from srntt.models.lite import Lite
from srntt.models.lite.onnx._encode_graph import Described, describe, describe_reference, whole_positions
from srntt.models.lite.onnx._graph import BOOL, FLOAT, INT64, Graph, tensor
from srntt.models.lite.onnx._match_graph import match
from srntt.models.lite.onnx._transfer_graph import (
    candidate_channels,
    candidates_info,
    join,
    sample_candidate,
    synthesise,
)

OPSET = 18  # the first in which Resize antialiases
IR_VERSION = 8  # of the same release of ONNX, so that whatever runs the one reads the other


def lite_graph(model: Lite) -> onnx.ModelProto:
    """Inputs ``low_res`` (1, 3, h, w) and ``references``, a sequence of (1, 3, H, W), each of its own size; output
    ``picture`` (1, 3, scale h, scale w). All are float32 RGB in 0..1.

    References are matched one after the other by a Loop, which keeps the best candidates for each position,
    so that memory does not grow with their number.
    """
    graph = Graph("lite")
    query = describe(graph, model.encoder, "low_res")
    size = graph("Concat", [0, candidate_channels(model)], graph("Shape", "low_res", start=2), axis=0)
    none = graph("ConstantOfShape", size)
    body = _of_one_reference(Graph("reference", graph), model, query)
    best = graph("Loop", graph("SequenceLength", "references"), "", none, body=body)
    picture = synthesise(graph, model, "low_res", best)
    references = helper.make_tensor_sequence_value_info("references", FLOAT, [1, 3, None, None])
    finished = graph.finished(
        [tensor("low_res", FLOAT, 1, 3, "h", "w"), references],
        [tensor("picture", FLOAT, 1, 3, f"{model.scale}h", f"{model.scale}w")],
    )
    assert finished.node[-1].output[0] == picture
    finished.node[-1].output[0] = "picture"
    return helper.make_model(finished, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _of_one_reference(graph: Graph, model: Lite, query: Described) -> onnx.GraphProto:
    """Body of the Loop: the best candidates so far, and those of one more reference, to the best of both."""
    number, on, best = "reference.number", "reference.on", "reference.best"
    reference = whole_positions(graph, graph("SequenceAt", "references", number), model.scale)
    key = describe_reference(graph, model.encoder, reference)
    matches = match(graph, query, key, float(model.temperature.detach()), model.config.descriptor)
    kept = join(graph, model, best, sample_candidate(graph, model, reference, query, key, matches))
    goes_on = graph("Identity", on)
    return graph.finished(
        [tensor(number, INT64), tensor(on, BOOL), candidates_info(best, model)],
        [tensor(goes_on, BOOL), candidates_info(kept, model)],
    )
