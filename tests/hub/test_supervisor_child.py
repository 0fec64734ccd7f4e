"""A child of the supervisor: restarted when it dies, given up when it cannot live, never left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.supervisor import child as child_module
from hub.supervisor.child import Child, GaveUpError, Program, once
from tests.processes import is_there, until

START = Callable[..., Child]
PARENT = """
import sys, time
from pathlib import Path
from hub.supervisor.child import Child, Program
here = Path(sys.argv[1])
Child(Program("sample", ["sh", "-c", "echo $$; exec sleep 60"], stage=0), here, here)
time.sleep(60)
"""


def python(code: str) -> Program:
    return Program("sample", [sys.executable, "-c", code], stage=0, settings={"GIVEN": "yes"})


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[START]:
    """Start a program; what still runs after the test is killed."""
    monkeypatch.setattr(child_module, "FIRST_DELAY", 0.01)
    started: list[Child] = []

    def begin(program: Program) -> Child:
        started.append(Child(program, tmp_path, tmp_path))
        return started[-1]

    yield begin
    for child in started:
        child.kill()


class TestAChild:
    def test_writes_what_it_says_to_a_log_of_its_name(self, start: START) -> None:
        child = start(once(python("import os; print('I was', os.environ['GIVEN'])")))

        until(lambda: child.has_succeeded)

        assert child.log.name == "sample.log"
        assert child.log.read_text() == "I was yes\n"

    def test_puts_a_large_log_aside(self, start: START, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(child_module, "LARGEST_LOG", 10)
        (tmp_path / "sample.log").write_text("a long story of former times\n")

        child = start(once(python("print('anew')")))

        until(lambda: child.has_succeeded)
        assert child.log.read_text() == "anew\n"
        assert (tmp_path / "sample.log.1").read_text() == "a long story of former times\n"

    def test_is_started_again_when_it_dies(self, start: START, caplog: pytest.LogCaptureFixture) -> None:
        child = start(python("import os, time; print(os.getpid(), flush=True); time.sleep(60)"))
        first = int(until(child.log.read_text))

        os.kill(first, signal.SIGKILL)

        def is_back() -> bool:
            child.keep_alive()
            return len(child.log.read_text().split()) == 2

        until(is_back)
        assert child.is_running
        assert "sample was killed by SIGKILL" in caplog.text

    def test_that_only_had_to_end_is_not_started_again(self, start: START) -> None:
        child = start(once(python("print('done')")))
        until(lambda: child.has_succeeded)

        child.keep_alive()
        child.keep_alive()

        assert child.log.read_text() == "done\n"

    def test_that_dies_five_times_a_minute_is_given_up_with_its_last_words(self, start: START) -> None:
        child = start(python("import sys; sys.exit('there is no floor')"))

        with pytest.raises(GaveUpError) as caught:
            until(child.keep_alive)

        assert "5 deaths within a minute: sample ended with code 1" in str(caught.value)
        assert "there is no floor" in str(caught.value)
        assert child.log.read_text().count("there is no floor") == 5

    def test_asked_to_stop_is_not_started_again(self, start: START) -> None:
        child = start(python("import time; time.sleep(60)"))

        child.ask_to_stop()

        until(lambda: not child.is_running)
        child.keep_alive()
        assert not child.is_running

    def test_that_will_not_stop_is_killed(self, start: START) -> None:
        child = start(
            python("import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)")
        )
        until(child.log.read_text)
        child.ask_to_stop()

        child.kill()

        assert not child.is_running

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties processes together")
    def test_dies_with_the_process_that_started_it(self, tmp_path: Path) -> None:
        parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)])
        log = tmp_path / "sample.log"
        orphan = int(until(lambda: log.exists() and log.read_text()))

        parent.kill()
        parent.wait()

        until(lambda: not is_there(orphan))
