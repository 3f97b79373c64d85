"""Self-contained HTML page of an evaluation, without network access or other files.

The text, charts and script are in report.html next to this file; this module inserts figures and pictures as JSON,
escaped so that it cannot end its element. The content security policy of the page allows this script only, and no
requests.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from srntt.evaluate import Evaluation, Score, finite, protocol_named
from srntt.report._measured import measured, not_taken, shown_metric, taken_metrics

CROPS = 24
"""Number of pictures shown; the figures cover all pictures."""

_MAX_PICTURE_BYTES = 14 << 20  # of the whole page: opens quickly in a browser, and fits in a mail


def page(evaluations: Sequence[Evaluation]) -> str:
    """Return the HTML of the page."""
    template = files("srntt.report").joinpath("report.html").read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", template, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template.replace("SCRIPT-HASH", f"sha256-{digest}", 1).replace("{}", _embedded(_content(evaluations)), 1)


def _embedded(value: Any) -> str:
    """Serialise to JSON without characters that HTML interprets."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))  # ASCII: line separators are escaped, too
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def _content(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    first = evaluations[0]
    protocol = protocol_named(first.protocol)
    pool = _Pool()
    images = [_image(pool, [item.scores[number] for item in evaluations]) for number in range(len(first.scores))]
    return {
        "protocol": first.protocol,
        "description": protocol.description,
        "scale": protocol.scale,
        "measured": " ".join(measured(evaluations)),
        "metrics": [
            {"name": name, "title": metric.title, "digits": metric.digits, "better": metric.better}
            for name, metric in ((name, shown_metric(name)) for name in taken_metrics(evaluations))
        ],
        "note": not_taken(evaluations),
        "runs": [_run(item) for item in evaluations],
        "images": images,
        "pictures": pool.pictures,
        "environment": first.environment,
    }


def _run(evaluation: Evaluation) -> dict[str, Any]:
    mean = {name: finite(value) for name, value in evaluation.mean().items()}
    about = {"model": evaluation.model, "references": evaluation.references, "refs": evaluation.refs}
    peer = None if evaluation.peer is None else dict(evaluation.peer)
    change = evaluation.change and {"what": evaluation.change.what, "value": evaluation.change.value}
    return {**about, "change": change, "peer": peer, "mean": mean, "seconds": evaluation.seconds}


def _image(pool: "_Pool", scores: Sequence[Score]) -> dict[str, Any]:
    """Return the scores of a picture in all evaluations; its crops are shown for all of them or for none."""
    crops = [score.crops and asdict(score.crops) for score in scores]
    shown = any(crops) and pool.has_room_for(crops)
    return {
        "name": scores[0].name,
        "scores": [_score(score) for score in scores],
        "crops": [one and pool.put(one) for one in crops] if shown else None,
    }


def _score(score: Score) -> dict[str, Any]:
    values = {name: finite(value) for name, value in score.values.items()}
    about = {"similarity": finite(score.similarity), "bicubic": finite(score.bicubic)}
    texts = {"fallbacks": list(score.fallbacks), "placed": list(score.placed)}
    return {"values": values, "seconds": score.seconds, **texts, **about}


class _Pool:
    """Numbered pictures without duplicates, since the target is the same in every evaluation."""

    def __init__(self) -> None:
        self.pictures: list[str] = []
        self._numbers: dict[str, int] = {}
        self._bytes = 0

    def has_room_for(self, crops: Sequence[dict[str, Any] | None]) -> bool:
        uris = {uri for one in crops if one for uri in (*one["pictures"].values(), *dict(one["references"]).values())}
        return self._bytes + sum(len(uri) for uri in uris - set(self._numbers)) <= _MAX_PICTURE_BYTES

    def put(self, crops: dict[str, Any]) -> dict[str, Any]:
        """Add the pictures of crops, and return the crops with numbers in their place."""
        pictures = {what: self._number(uri) for what, uri in crops["pictures"].items()}
        references = [{"name": name, "picture": self._number(uri)} for name, uri in crops["references"]]
        return {**crops, "pictures": pictures, "references": references}

    def _number(self, uri: str) -> int:
        if uri not in self._numbers:
            self._numbers[uri] = len(self.pictures)
            self.pictures.append(uri)
            self._bytes += len(uri)
        return self._numbers[uri]
