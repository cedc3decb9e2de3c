"""A JupyterLab of its own with the project's configuration, and a notebook in it, for tests in a browser."""
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT/"jupyter"/"labconfig"
START, ANSWER, RUN_CELLS = 300, 120, 900       # seconds: for JupyterLab, for a change on the page, for all cells
# every cell is on the page, also those out of sight
EVERY_CELL = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}


def free_port() -> int:
    "A port of this machine that nobody listens to."
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write_config(folder: Path) -> None:
    "The project's JupyterLab configuration in `folder`, with all cells on the page."
    target = folder/"labconfig"
    target.mkdir(parents=True)
    for path in CONFIG.glob("*.json"):
        settings = json.loads(path.read_text(encoding="utf-8"))
        if path.stem == "default_setting_overrides": settings |= EVERY_CELL
        (target/path.name).write_text(json.dumps(settings), encoding="utf-8")


def answers(url: str) -> bool:
    "Whether a server answers."
    try: urlopen(url, timeout=2).close()
    except (URLError, OSError): return False
    return True


@contextmanager
def jupyterlab(folder: Path) -> Iterator[Callable[[str], str]]:
    "A JupyterLab in `folder` for as long as the block lasts; gives the address of a notebook by its name."
    port, token = free_port(), secrets.token_hex(16)
    write_config(folder/".project")
    places = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "JUPYTER_CONFIG_PATH": str(folder/".project"),
        "JUPYTER_CONFIG_DIR": str(folder/".config"),
        "JUPYTER_RUNTIME_DIR": str(folder/".runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder/".settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder/".workspaces"),
    }
    cmd = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
           f"--IdentityProvider.token={token}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    log = folder/"log"
    with open(log, "w", encoding="utf-8") as out:
        job = subprocess.Popen(cmd, stdout=out, stderr=out, env=os.environ | places)
    try:
        end = time.monotonic() + START
        while not answers(f"http://127.0.0.1:{port}/api/status?token={token}"):
            if job.poll() is not None:
                raise RuntimeError(f"JupyterLab ended with exit status {job.returncode}: {log.read_text()[-2000:]}")
            if time.monotonic() > end: raise RuntimeError(f"JupyterLab did not answer within {START} s")
            time.sleep(0.5)
        yield lambda name: f"http://127.0.0.1:{port}/lab/tree/{name}?token={token}&reset"
    finally:
        job.terminate()
        try: job.wait(20)
        except subprocess.TimeoutExpired:
            job.kill()
            job.wait()


def until(page, done: Callable[[], bool], what: str, seconds: float = ANSWER) -> None:
    "Wait until `done()`; raises `AssertionError` with `what` if it takes too long."
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done(): return
        page.wait_for_timeout(250)
    raise AssertionError(f"in {seconds:.0f} s it did not happen that {what}")


def close_dialogs(page) -> list[str]:
    "Close what JupyterLab asks when it opens; gives the questions."
    asked = []
    for _ in range(5):
        dialog = page.locator(".jp-Dialog")
        if not dialog.count(): return asked
        asked.append(dialog.first.inner_text().replace("\n", " "))
        dialog.first.locator("button").first.click()
        page.wait_for_timeout(500)
    return asked


def run_all_cells(page) -> None:
    "Run the notebook; raises `AssertionError` if a cell ends in an error."
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=START*1000)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=START*1000)
    page.wait_for_timeout(2_000)
    asked = close_dialogs(page)
    if asked: raise AssertionError(f"JupyterLab opens with a question: {asked[0][:80]}")
    prompts = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt")
    def texts() -> list[str]: return [t.strip() for t in prompts.all_inner_texts()]

    for _ in range(6):                                   # a kernel that has just started may not hear the first call
        if asked := close_dialogs(page): raise AssertionError(f"JupyterLab asks: {asked[0][:200]}")
        page.locator(".lm-MenuBar-item", has_text="Run").click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_timeout(3_000)
        if any(t not in ("[ ]:", "") for t in texts()): break
    def finished() -> bool:
        if page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']").count(): return True
        return all(t not in ("[ ]:", "[*]:") for t in texts() if t)

    until(page, finished, "all cells have run", RUN_CELLS)
    errors = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']")
    if errors.count(): raise AssertionError(f"a cell ended in an error: {errors.first.inner_text()[-600:]}")
