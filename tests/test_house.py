"""The house rules: floors, sizes, names, style, types, and that nothing of the workshop is left in it."""

import ast
import io
import os
import re
import secrets
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hub.vault import pair

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
FILE_LINES, FUNCTION_LINES = 300, 40
# What is larger than it may be, and how large it may be at most: it may shrink and leave, never grow or join.
LARGE_FILES: dict[str, int] = {
    "tests/hub/admin/test_connection.py": 360,
    "tests/hub/services/test_configuration.py": 520,
}
LARGE_FUNCTIONS: dict[str, int] = {}
FLOORS = ("models", "services", "admin", "api")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "tools", "base"}
ALLOWED_NAMES = {"hub/admin/base.py"}
# Put together here, so that this file does not contain what it looks for.
FORBIDDEN_WORDS = [
    "/".join(parts)
    for parts in (("", "work", "main"), ("", "work", "shared"), ("", "opt", "pypi"), ("", "tmp", "infra"))
] + [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
# What the tests run under must not colour what the checks see.
QUIET = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("HUB_", "DJANGO_", "PYTEST_")) and name not in {"DATABASE_URL", "REDIS_URL"}
}
LOCKS = {
    "deploy/requirements/hub.txt": "the hub",
    "deploy/requirements/dev.txt": "its development",
    "deploy/requirements/installer.txt": "the installer",
    "deploy/demo/requirements.txt": "the demo",
    "bench/requirements/peer.txt": "the peer of the benchmarks",
}


def sources(*folders: str) -> Iterator[Path]:
    """Every Python file of these folders that people write."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts and "__pycache__" not in path.parts:
                yield path


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def run(*command: str | Path, **environment: str) -> None:
    """Run a check; its complaint is the failure."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT, env={**QUIET, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{done.stderr}", pytrace=False)


class TestFloors:
    def test_are_kept_by_every_import(self) -> None:
        run(BIN / "lint-imports", "--no-cache")

    def test_meet_a_noun_under_the_same_name(self) -> None:
        strays = [
            f"{model.__name__} is in models/{noun(model)}.py and its admin in {type(shown).__module__}"
            for model, shown in admin.site._registry.items()
            if model.__module__.startswith("hub.models.") and noun(type(shown)) != noun(model)
        ]

        assert strays == []

    def test_have_no_plural_beside_a_singular(self) -> None:
        rooms = {path.stem for floor in FLOORS for path in (ROOT / "hub" / floor).iterdir()}

        assert sorted(name for name in rooms if f"{name}s" in rooms) == []

    def test_have_tests_under_the_name_of_what_they_test(self) -> None:
        strays = [
            named(test)
            for floor in FLOORS
            for test in (ROOT / "tests" / "hub" / floor).glob("test_*.py")
            if not any(is_test_of(module, test) for module in sorted((ROOT / "hub" / floor).iterdir()))
        ]

        assert strays == []

    def test_have_a_test_for_every_command(self) -> None:
        commands = {path.stem for path in (ROOT / "hub/management/commands").glob("*.py")} - {"__init__"}
        tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests/hub/management").glob("test_*.py")}

        assert commands - tested == set()

    def test_have_no_room_for_everything_else(self) -> None:
        nameless = [named(p) for p in sources("hub", "connectors", "tests") if p.stem in FORBIDDEN_NAMES]

        assert set(nameless) <= ALLOWED_NAMES


def noun(kind: type) -> str:
    """`run` of `hub.models.run` and of `hub.admin.run.page`."""
    return kind.__module__.split(".")[2]


def is_test_of(module: Path, test: Path) -> bool:
    """`test_run.py` and `test_run_pages.py` test `run.py` or `run/`."""
    name = test.stem.removeprefix("test_")
    return name == module.stem or name.startswith(f"{module.stem}_")


class TestSizes:
    def test_of_files_are_within_300_lines(self) -> None:
        sizes = {named(path): len(path.read_text().splitlines()) for path in sources("hub", "connectors", "tests")}

        assert {name: size for name, size in sizes.items() if size > LARGE_FILES.get(name, FILE_LINES)} == {}

    def test_of_functions_are_within_40_lines_of_code(self) -> None:
        sizes = {name: size for path in sources("hub", "connectors") for name, size in functions(path)}

        assert {name: size for name, size in sizes.items() if size > LARGE_FUNCTIONS.get(name, FUNCTION_LINES)} == {}

    def test_that_came_within_the_limits_are_no_exceptions_any_more(self) -> None:
        files = {name: len((ROOT / name).read_text().splitlines()) for name in LARGE_FILES if (ROOT / name).exists()}
        small = dict(found for path in sources("hub", "connectors") for found in functions(path))

        assert [name for name in LARGE_FILES if files.get(name, 0) <= FILE_LINES] == []
        assert [name for name in LARGE_FUNCTIONS if small.get(name, 0) <= FUNCTION_LINES] == []


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function with its lines of code: without docstring, comments and empty lines."""
    text = path.read_text()
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            begin = first[0].lineno if first else node.end_lineno or node.lineno
            head = sum(line in code for line in range(node.lineno, node.body[0].lineno))
            body = sum(line in code for line in range(begin, (node.end_lineno or begin) + 1))
            yield f"{named(path)}::{node.name}", head + body


class TestStyle:
    def test_satisfies_ruff(self) -> None:
        run(BIN / "ruff", "check", ".")

    def test_is_formatted(self) -> None:
        run(BIN / "ruff", "format", "--check", ".")

    def test_of_templates_satisfies_djlint(self) -> None:
        run(BIN / "djlint", "templates", "--lint", "--quiet")

    def test_is_typed(self) -> None:
        run(BIN / "mypy", "--explicit-package-bases", "hub", "connectors", "tests")


class TestDjango:
    def test_has_a_migration_for_every_change_of_a_table(self, tmp_path: Path) -> None:
        run(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run", HUB_STATE=str(tmp_path))

    def test_finds_nothing_to_complain_about_in_production(self, tmp_path: Path) -> None:
        run(
            sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING",
            HUB_STATE=str(tmp_path),
            HUB_ENVIRONMENT="production",
            HUB_SECRET_KEY=secrets.token_urlsafe(60),
            HUB_SEAL_PUBLIC=pair("first")[0],
            HUB_INBOUND_KEYS=f"first:{secrets.token_hex(32)}",
            HUB_AUDIT_KEYS=f"first:{secrets.token_hex(32)}",
            HUB_AUDIT_ANCHORS="syslog://logs.example.com:514",
            HUB_HOSTS="hub.example.com",
            HUB_HTTPS="1",
            HUB_SECOND_FACTOR="writers",
            HUB_PROXIES="1",
            HUB_TRUSTED_ORIGINS="https://hub.example.com",
            DATABASE_URL="postgresql://hub:password@database.example.com/hub",
            REDIS_URL="rediss://redis.example.com:6379/0",
        )  # fmt: skip


class TestTheRepository:
    def test_says_nothing_of_the_workshop_or_of_where_packages_come_from(self) -> None:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
        if listed.returncode:
            pytest.skip("not a git checkout")
        texts = {name: (ROOT / name).read_bytes() for name in listed.stdout.split("\0") if (ROOT / name).is_file()}

        said = [f"{name}: {word}" for name, text in texts.items() for word in FORBIDDEN_WORDS if word.encode() in text]

        assert said == []


class TestLocks:
    @pytest.mark.parametrize("lock", LOCKS)
    def test_pin_every_package_with_hashes_and_no_address(self, lock: str) -> None:
        text = (ROOT / lock).read_text()

        blocks = re.split(r"\n(?=\S)", text.strip())
        assert [block for block in blocks if not re.match(r"[\w.\-]+==\S+( ; [^\n]+)? \\\n {4}--hash=", block)] == []
        assert "://" not in text

    def test_of_the_hub_are_what_pyproject_asks_for(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        wanted = project["project"]["dependencies"]

        assert unmet(wanted, "deploy/requirements/hub.txt") == []
        assert unmet([*wanted, *project["dependency-groups"]["dev"]], "deploy/requirements/dev.txt") == []

    def test_of_the_demo_and_the_installer_are_what_their_lists_ask_for(self) -> None:
        assert unmet(listed("deploy/demo/requirements.in"), "deploy/demo/requirements.txt") == []
        assert unmet(listed("deploy/requirements/installer.in"), "deploy/requirements/installer.txt") == []
        assert unmet(listed("bench/requirements/peer.in"), "bench/requirements/peer.txt") == []

    def test_give_developers_the_versions_that_people_run(self) -> None:
        assert pins("deploy/requirements/hub.txt").items() <= pins("deploy/requirements/dev.txt").items()


def listed(name: str) -> list[str]:
    """The requirements of a list, without its comments."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line]


def pins(lock: str) -> dict[str, set[str]]:
    """The versions that a lock pins, by package: more than one where it depends on the Python."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.\-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def unmet(wanted: list[str], lock: str) -> list[str]:
    """What is asked for and not pinned, or pinned at another version."""
    pinned = pins(lock)
    return [
        asked
        for asked in wanted
        if not (versions := pinned.get(canonicalize_name(Requirement(asked).name)))
        or not all(Requirement(asked).specifier.contains(version, prereleases=True) for version in versions)
    ]
