"""A notebook and its result agree: whoever records a run keeps the outputs of its notebook as well."""
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from project import ROOT, Results, experiments

LINE = re.compile(r"^recorded (\S+\.json): (\S+), code (\w+), settings (\w+)$", re.M)
# outputs of an older `record` name the file and the date only
NAMED = re.compile(r"^(?:recorded )?(\S+\.json): (?:preset .*, )?([\d:T+-]+)(?:, code .*)?$", re.M)


def printed(notebook: Path) -> str:
    "All that the stored cells of a notebook have printed."
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(out.get("text", "")) for cell in cells for out in cell.get("outputs", []))


def disagreements(notebook: Path, results: Path, code: str) -> Iterator[str]:
    """What a stored notebook shows otherwise than `results` has it; `code` is the digest of today's modules.

    The notebook shows one result and names it: its date, code and settings are those of the file. If any result of
    the experiment is of today's code, so is the one that the notebook shows."""
    from inr2vec.report.recording import settings_digest
    stored = {p.name: json.loads(p.read_text(encoding="utf-8")) for p in results.glob(f"{notebook.stem}-*.json")}
    today = sorted(name for name, r in stored.items() if r.get("environment", {}).get("code") == code)
    shown = LINE.findall(printed(notebook))
    named = set(NAMED.findall(printed(notebook)))
    if today and not any((name, stored[name]["date"]) in named for name in today):
        yield f"its outputs show none of {', '.join(today)}, of today's code: make record EXPERIMENT={notebook.stem}"
    for name, date, made_by, settings in shown:
        if name not in stored:
            if "-smoke-" not in name: yield f"it shows {name}, which is not in results/"
            continue
        has = stored[name]
        pairs = {"date": (date, has["date"]), "code": (made_by, has["environment"].get("code")),
                 "settings": (settings, settings_digest(has["parameters"]))}
        for what, (here, there) in pairs.items():
            if here != there: yield f"its {what} is {here}, that of {name} is {there}"


def made_up(folder: Path, text: str, **changed) -> Path:
    "A notebook that has printed `text`, and a result `x-families-laptop-seed0.json` with some things changed."
    r = {"date": "2026-01-02", "parameters": {"a": [1]}, "environment": {"code": "c0de"}} | changed
    (folder/"x-families-laptop-seed0.json").write_text(json.dumps(r), encoding="utf-8")
    cell = {"cell_type": "code", "outputs": [{"output_type": "stream", "name": "stdout", "text": [text]}]}
    (folder/"x.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    return folder/"x.ipynb"


def check_the_rule() -> None:
    "The rule holds for a notebook that agrees, and fails for each way of not agreeing."
    from inr2vec.report.recording import settings_digest
    line = f"recorded x-families-laptop-seed0.json: 2026-01-02, code c0de, settings {settings_digest({'a': [1]})}\n"
    with tempfile.TemporaryDirectory() as tmp:
        at = Path(tmp)
        def agrees(text: str, code: str = "c0de", **changed) -> bool:
            return not list(disagreements(made_up(at, text, **changed), at, code))

        older = "x-families-laptop-seed0.json: preset laptop, seed 0, cpu (some), 2026-01-02\n"
        assert agrees(line) and agrees(older) and agrees(older + line, code="later")
        assert agrees("", code="later"), "a result of older code needs no notebook"
        assert not agrees(""), "a result was recorded without its notebook"
        assert not agrees(older, date="2026-01-03")
        for changed in ({"date": "2026-01-03"}, {"parameters": {"a": [2]}}, {"environment": {"code": "other"}}):
            assert not agrees(line, **changed)
        assert not agrees(line.replace("families", "gone"), code="later")


def check_recorded() -> Results:
    "an experiment's notebook shows the result that results/ holds, if that is of today's code"
    from inr2vec.report.code_identity import code_digest
    check_the_rule()
    return {f"recorded {p.stem}": list(disagreements(p, ROOT/"results", code_digest(p.stem))) for p in experiments()}
