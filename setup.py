"Package metadata for inr2vec: everything is read from settings.ini."
import json
import shutil
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

root = Path(__file__).parent
parser = ConfigParser(delimiters=["="])
parser.read(root/"settings.ini", encoding="utf-8")
cfg = parser["DEFAULT"]
licenses = dict(apache2="Apache-2.0")


def lines(key: str) -> list[str]:
    "The non-empty lines of the value under `key`."
    return [line.strip() for line in cfg.get(key, "").splitlines() if line.strip()]


class BuildWithExperiments(build_py):
    "Ships the experiments, so that `inr2vec reproduce` runs those of the package and of no folder around it."

    def run(self) -> None:
        "Build as usual; the notebooks without a number are laid into the package, without their stored outputs."
        super().run()
        if getattr(self, "editable_mode", False): return       # an editable installation finds those of the clone
        target = Path(self.build_lib)/"inr2vec"/"notebooks"/"experiments"
        if target.exists(): shutil.rmtree(target)
        target.mkdir(parents=True)
        for path in sorted((root/"nbs"/"experiments").glob("[!0-9._]*.ipynb")):
            notebook = json.loads(path.read_text(encoding="utf-8"))
            for cell in notebook["cells"]:
                if cell["cell_type"] == "code": cell["outputs"] = []
            (target/path.name).write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")


setup(
    name=cfg["lib_name"], version=cfg["version"], description=cfg["description"],
    long_description=(root/"README.md").read_text(encoding="utf-8"), long_description_content_type="text/markdown",
    license=licenses[cfg["license"]], author=cfg["author"], author_email=cfg["author_email"],
    keywords=cfg["keywords"].split(), python_requires=f">={cfg['min_python']}",
    packages=find_packages(include=["inr2vec", "inr2vec.*"]), include_package_data=True,
    package_data={"inr2vec": ["**/*.safetensors", "**/*.json", "**/*.c", "**/*.ipynb", "pretrained/*/README.md"]},
    install_requires=lines("requirements"),
    extras_require={k.removesuffix("_requirements"): lines(k) for k in cfg if k.endswith("_requirements")},
    entry_points={"console_scripts": lines("console_scripts"),
                  "nbdev": [f"{cfg['lib_path']}={cfg['lib_path']}._modidx:d"]},
    cmdclass={"build_py": BuildWithExperiments},
    zip_safe=False,
)
