"""Web page of ``srntt serve``. It requires Gradio (the extra ``demo``), which is imported when the page is served."""

from srntt.demo._limits import OrderLimits
from srntt.demo._serve import Settings, is_loopback, serve
