"""Figures of plotly that stay live on the page: their data next to the still picture, and plotly itself, once."""
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

PLOTLY = "application/vnd.plotly.v1+json"
SCRIPT = "plotly.min.js"
MOST_SCENES = 12      # in one figure: a browser draws about sixteen at a time on a page


def scenes(figure: dict) -> int:
    "How many 3D scenes a figure has."
    return sum(key.startswith("scene") for key in figure.get("layout", {}))


def is_light(figure: dict) -> bool:
    "Whether a browser can draw the figure live."
    return bool(figure.get("data")) and scenes(figure) <= MOST_SCENES


def live(figure: dict, still: str) -> str:
    "A figure that is live where there is JavaScript, and the picture `still` everywhere else."
    data = json.dumps({k: figure[k] for k in ("data", "layout", "frames") if k in figure}, separators=(",", ":"))
    safe = data.replace("<", "\\u003c")
    kind = "solid" if any("3d" in trace.get("type", "") for trace in figure["data"]) else "flat"
    return f'<figure class="live {kind}">{still}<script type="application/json">{safe}</script></figure>'


def copy_plotly(out: Path) -> None:
    "plotly's script, as the installed package has it, into the site: no network is needed to look at a page."
    package = Path(find_spec("plotly").origin).parent
    shutil.copy(package/"package_data"/SCRIPT, out/SCRIPT)
