"""Films: containers such as MP4, and folders of frames, upscaled shot by shot with bounded memory."""

from srntt.video._clip import Clip, open_clip
from srntt.video._job import FilmOptions
from srntt.video._ray import RayShots
from srntt.video._stack import upscale_stack
from srntt.video._upscale import FilmResult, upscale_film

__all__ = ["Clip", "FilmOptions", "FilmResult", "RayShots", "open_clip", "upscale_film", "upscale_stack"]
