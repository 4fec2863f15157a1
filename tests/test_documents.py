"""What the documents name exists: pages, headings, files, commands and their options, the version, the citation."""

import re
import tomllib
from pathlib import Path

import pytest
import typer.main
import yaml

from proofs_check.cli import app

ROOT = Path(__file__).parent.parent
FOLDERS = ("theory/", "nonlinear/", "proofs_check/", "tests/", "notebooks/", "docs/")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMANDS = typer.main.get_command(app).commands
OPTIONS = {name: {o for p in command.params for o in p.opts} | {"--help"} for name, command in COMMANDS.items()}


def name(path):
    return str(path.relative_to(ROOT))


def anchor(heading):
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def missing(page):
    """Links, files, commands and options in a page that lead nowhere."""
    text, found = page.read_text(encoding="utf-8"), []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.S)):
        target, _, part = link.partition("#")
        if "://" in link:
            continue
        file = page.parent / target if target else page
        headings = (
            re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.M)
            if file.suffix == ".md" and file.is_file()
            else []
        )
        if not file.exists() or (part and part not in map(anchor, headings)):
            found.append(link)
    code = re.findall(r"`([^`\n]+)`", re.sub(r"```\w*\n(.*?)```", "", text, flags=re.S))
    for word in {w for span in code for w in span.split()}:
        if word.startswith(FOLDERS) and "…" not in word and not any(ROOT.glob(word.rstrip("/"))):
            found.append(word)
    for line in re.findall(r"concept-alignment +([a-z][^`#|\n]*)", text):
        command, *words = line.split()
        options = {w for w in words if re.fullmatch(r"--[a-z][a-z-]*", w)}
        if command not in OPTIONS:
            found.append(command)
        else:
            found += [f"{command} {o}" for o in options - OPTIONS[command]]
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_a_page_names_exists(page):
    assert missing(page) == []


def test_what_leads_nowhere_is_seen(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(
        "# A *title*\n[a](#a-title) [b](#b) [c](none.md) [d](page.md#a-title) [e](https://none.invalid/x)\n"
        "`theory/none.py` `theory/levels.py`, `tests/theory/test_none_*.py` `run/`\n"
        "```sh\n.venv/bin/concept-alignment audit X.npy --demo --none 1 # --no\n.venv/bin/concept-alignment none\n```\n"
    )
    none = ["#b", "audit --none", "none", "none.md", "tests/theory/test_none_*.py", "theory/none.py"]
    assert sorted(missing(page)) == none


def test_every_page_is_found_from_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((docs/[^)#]+)", readme))
    assert {name(p) for p in PAGES if p.parent.name == "docs"} <= linked


def test_every_command_has_a_page():
    text = "".join(p.read_text(encoding="utf-8") for p in PAGES)
    assert [c for c in COMMANDS if not re.search(rf"concept-alignment {c}\b|`{c}[ `]", text)] == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 10_000


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITED = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_citation_and_changelog_name_the_version_of_the_package():
    latest = re.findall(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.M)[0]
    assert CITED["version"] == latest == PROJECT["version"]


def test_the_citation_has_what_its_format_asks_for():
    assert CITED["cff-version"] == "1.2.0"
    assert CITED["license"] == PROJECT["license"]
    assert {"message", "title", "authors"} <= set(CITED)
    for reference in CITED["references"]:
        assert {"title", "type", "authors"} <= set(reference)
