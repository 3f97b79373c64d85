"""A web page to try it: ``srntt serve``. Gradio, the extra ``demo``, is imported when it is served."""

from srntt.demo._limits import Ceilings
from srntt.demo._serve import Settings, serve
