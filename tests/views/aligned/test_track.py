"""Placements carried along a sequence are those that keypoints would give."""

import numpy as np
import pytest
from views.aligned.scenes import LOW, low_res_to_scene, scene, seen, unit

from srntt.views.aligned import Track, find_features, find_target_features, place


def _motion(number: int) -> np.ndarray:
    """A camera that moves, turns and comes closer, in pixels of the small picture."""
    angle, size = np.radians(0.4 * number), 1 - 0.004 * number
    cosine, sine = size * np.cos(angle), size * np.sin(angle)
    return np.array([[cosine, -sine, 0.6 * number], [sine, cosine, -0.4 * number], [0, 0, 1]])


def test_a_path_stays_where_keypoints_lead(monkeypatch: pytest.MonkeyPatch):
    whole, searches = scene(), []
    features, track = find_features(whole), Track()
    monkeypatch.setattr("srntt.views.aligned._track.place", lambda *given: searches.append(1) or place(*given))
    y, x = np.mgrid[8 : LOW[0] - 8 : 8, 8 : LOW[1] - 8 : 8].astype(float)
    for number in range(8):
        to_scene = low_res_to_scene() @ _motion(number)
        target = find_target_features(unit(seen(whole, to_scene, LOW, 8)))
        track.begin(target)
        found = track.place(0, target, features)
        track.keep(0, found)
        assert found is not None
        exact = to_scene @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
        off = np.hypot(*(a.ravel() - b for a, b in zip(found.positions(x, y), exact, strict=False)))
        assert np.median(off) < 8 * 0.15  # pixels of the scene, of which 8 are one of the small picture
        assert found.coverage > 0.9
    assert len(searches) == 1


def test_after_a_cut_it_searches_again():
    whole, track = scene(), Track()
    features, found = find_features(whole), []
    for picture in (whole, scene(seed=9)):
        target = find_target_features(unit(seen(picture, low_res_to_scene(), LOW, 8)))
        track.begin(target)
        found.append(track.place(0, target, features))
        track.keep(0, found[-1])
    assert found[0] is not None
    assert found[1] is None
