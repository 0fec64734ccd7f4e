"""Locks what is installed: every package with its version and hashes, and no word of where it comes from.

python deploy/lock.py              keep present versions where pyproject.toml allows them
python deploy/lock.py --upgrade    take the newest it allows
python deploy/lock.py --check      change nothing; complain when a lock is not up to date
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = Path("deploy/requirements")
LOCKS: dict[Path, tuple[str, ...]] = {
    REQUIREMENTS / "installer.txt": (str(REQUIREMENTS / "installer.in"),),
    REQUIREMENTS / "dev.txt": ("pyproject.toml", "--group", "dev"),
    # A part of what is in dev.txt, at the same versions.
    REQUIREMENTS / "hub.txt": ("pyproject.toml", "--constraint", str(REQUIREMENTS / "dev.txt")),
    Path("deploy/demo/requirements.txt"): ("deploy/demo/requirements.in",),
    Path("bench/requirements/peer.txt"): ("bench/requirements/peer.in",),
}
HOW = (
    "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header",
    "--python-version", "3.11", "--universal", "--quiet",
)  # fmt: skip


def main() -> int:
    """Write or check the locks; 1 when a check fails."""
    chosen = sys.argv[1:]
    is_check = "--check" in chosen
    outdated = []
    with tempfile.TemporaryDirectory() as scratch:
        for lock, sources in LOCKS.items():
            target = Path(scratch) / lock.name if is_check else lock
            if is_check:
                shutil.copy(ROOT / lock, target)
            upgrade = [word for word in chosen if word == "--upgrade"]
            subprocess.run([uv(), "pip", "compile", *sources, *HOW, *upgrade, "-o", str(target)], cwd=ROOT, check=True)
            if is_check and target.read_text() != (ROOT / lock).read_text():
                outdated.append(str(lock))
    if outdated:
        sys.stderr.write(f"Not up to date: {', '.join(outdated)}. Run `make lock` and commit what it changes.\n")
    return 1 if outdated else 0


def uv() -> str:
    """The uv beside this Python, or the one on PATH."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("uv")
    if found is None:
        sys.exit("uv is needed to lock. Install it (pip install uv) and start again.")
    return found


if __name__ == "__main__":
    sys.exit(main())
