"Package metadata for inr2vec: everything is read from settings.ini."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

root = Path(__file__).parent
parser = ConfigParser(delimiters=["="])
parser.read(root/"settings.ini", encoding="utf-8")
cfg = parser["DEFAULT"]
licenses = dict(apache2="Apache-2.0")


def lines(key: str) -> list[str]:
    "The non-empty lines of the value under `key`."
    return [line.strip() for line in cfg.get(key, "").splitlines() if line.strip()]


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
    zip_safe=False,
)
