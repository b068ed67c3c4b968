"""README, papers and Makefile say what is there, and no file says what it should not."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.cli import _COMMANDS
from bot.client import Client
from bot.domain.states import State
from bot.settings import Settings
from tests.benchmarks.capacity import tables
from tests.rules.sources import README, ROOT, name_of, sources
from tests.rules.test_commands import menus, slash_commands


def repository() -> list[Path]:
    """Return every file that is or would be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git work tree: which files belong to the repository is not known")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Return every line of the repository's text files in which a pattern is found."""
    found: list[str] = []
    for path in repository():
        with suppress(UnicodeDecodeError):  # a picture
            lines = path.read_text("utf-8").splitlines()
            found += [f"{name_of(path)}:{n}: {line[:80]}" for n, line in enumerate(lines, 1) if pattern.search(line)]
    return found


REGISTRIES = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("registry", "npmjs"),
    ("deb", "debian", "org"),
    ("security", "debian", "org"),
    ("archive", "ubuntu", "com"),
    ("registry-1", "docker"),
    ("proxy", "golang", "org"),
)


def test_no_file_names_a_package_registry() -> None:
    hosts = "|".join(re.escape(".".join(parts)) for parts in REGISTRIES)
    option = "--" + r"(extra-)?index-" + "url|--" + "find-" + "links"
    assert lines_with(re.compile(hosts, re.IGNORECASE)) == []
    assert [line for line in lines_with(re.compile(option)) if line.startswith("requirements")] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    roots = "|".join(("work", "root", "home", "Users", "mnt"))
    assert lines_with(re.compile(rf"(?<![\w.~-])/({roots})/\w|\b[A-Z]:\\" + "Users")) == []


PAPERS = [README, ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
every_paper = pytest.mark.parametrize("paper", PAPERS, ids=name_of)


def readme() -> str:
    """Return README.md."""
    return README.read_text("utf-8")


def code_lines(text: str) -> list[str]:
    """Return what a text sets as code: the lines of its blocks, and what stands between backticks."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```[^\n]*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", prose)


def commands_in(lines: list[str]) -> Iterator[list[str]]:
    """Yield the words of every shell command, without prompts, comments, settings and options."""
    for line in lines:
        for command in re.split(r"&&|;|\|", re.sub(r"(^|\s)#.*", "", line)):
            words = command.strip().removeprefix("$ ").split()
            yield [word for word in words if "=" not in word and (word == "-m" or not word.startswith("-"))]


def make_targets() -> set[str]:
    """Return the targets that `make help` lists."""
    return set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_the_makefile_lists_all_its_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == make_targets()


def test_the_readme_stays_short() -> None:
    assert len(readme().splitlines()) <= 150


def test_the_readme_names_every_setting() -> None:
    text = readme()
    assert [name.upper() for name in Settings.model_fields if f"`{name.upper()}`" not in text] == []


async def test_the_readme_names_every_command(client: Client) -> None:
    text = readme()
    missing = [name for name in slash_commands(client) if not re.search(rf"/{name}(?![\w-])", text)]
    assert missing == []
    assert [name for name in menus(client) if f"*{name}*" not in text] == []


def test_the_readme_names_every_make_target() -> None:
    named = {word for words in commands_in(code_lines(readme())) if words[:1] == ["make"] for word in words[1:]}
    assert sorted(make_targets() - named) == []


@every_paper
def test_every_make_target_in_a_paper_exists(paper: Path) -> None:
    for words in commands_in(code_lines(paper.read_text("utf-8"))):
        if words[:1] == ["make"]:
            assert set(words[1:]) <= make_targets(), words


@every_paper
def test_every_command_line_in_a_paper_exists(paper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in commands_in(code_lines(paper.read_text("utf-8"))):
        if "-m" not in words:
            continue
        module, *arguments = words[words.index("-m") + 1 :]
        if module == "bot":
            with pytest.raises(SystemExit) as ended:
                main([*arguments, "--help"])
            assert ended.value.code == 0, (words, capsys.readouterr().err)
        elif module.startswith("tests."):
            assert find_spec(module), words


BY_ITS_UNIT_OR_CONTAINER = re.compile(
    r"^(?:sudo (?:UNIT=\S+ )?notpanel-bot|docker compose run (?:--\S+ )*bot|docker run .* notpanel-bot) ([a-z].*)"
)


@every_paper
def test_every_command_under_the_unit_or_in_a_container_exists(paper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in code_lines(paper.read_text("utf-8")):
        for command in re.split(r"&&|;|\|", re.sub(r"(^|\s)#.*", "", line)):
            found = BY_ITS_UNIT_OR_CONTAINER.match(command.strip())
            if not found or found[1].startswith("-c "):
                continue
            with pytest.raises(SystemExit) as ended:
                main([found[1].split()[0], "--help"])
            assert ended.value.code == 0, (command, capsys.readouterr().err)


@every_paper
def test_every_link_to_a_file_leads_somewhere(paper: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", paper.read_text("utf-8"))
    broken = [link for link in links if "://" not in link and not (paper.parent / link).exists()]
    assert broken == []


@every_paper
def test_every_table_has_a_head(paper: Path) -> None:
    """Otherwise its rows are shown as they are written."""
    tables = re.findall(r"(?:^\|.*\n)+", paper.read_text("utf-8"), re.MULTILINE)
    assert [table for table in tables if not re.match(r".*\n\|[-:|]+\|\n", table)] == []


def test_the_readme_leads_to_every_paper() -> None:
    assert [name_of(paper) for paper in PAPERS if paper != README and f"({name_of(paper)})" not in readme()] == []


def test_the_figures_on_scaling_are_those_of_the_limits() -> None:
    fields = Settings.model_fields
    lines = tables(fields["panel_ip_limit"].default, float(fields["watch_min_interval"].default))
    assert "\n".join(lines) in (ROOT / "docs/scaling.md").read_text("utf-8")


def test_the_ledgers_states_are_drawn_whole() -> None:
    drawing = (ROOT / "docs/architecture.md").read_text("utf-8")
    assert [state.value for state in State if state.value not in drawing] == []


def test_every_room_is_in_the_drawing_of_the_house() -> None:
    house = (ROOT / "docs/architecture.md").read_text("utf-8").split("## The house")[1]
    rooms = [path for path in (ROOT / "bot").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    named = {word.strip("/").split("/")[-1] for word in re.findall(r"`([\w./]+)`", house)}
    assert [path.name for path in rooms if path.name not in named and not path.name.startswith("__")] == []


def test_every_name_that_the_architecture_uses_is_in_the_code() -> None:
    """Migrations do not count: they hold the names of earlier releases."""
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", (ROOT / "docs/architecture.md").read_text("utf-8")))
    queries = sorted((ROOT / "bot/ledger/queries").rglob("*.sql"))
    code = " ".join(path.read_text("utf-8") for path in [*sources("bot", "cogs"), *queries])
    assert named
    assert sorted(named - set(re.findall(r"\w+", code))) == []


def test_the_readme_names_every_command_of_the_command_line() -> None:
    named = set(re.findall(r"-m bot ([a-z-]+)", readme()))
    assert set(_COMMANDS) - {"run"} <= named
