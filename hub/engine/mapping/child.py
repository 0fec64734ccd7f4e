"""Runs a mapping on sample records in a process of its own, so that a bad expression harms nobody else.

A script, started by services/preview: `python child.py MEMORY_BYTES CPU_SECONDS`. Question on standard
input, answers line by line on standard output (hub.engine.mapping.sample says what they look like).
"""

import resource
import sys


def limit(memory: int, seconds: int) -> None:
    """Bound this process: memory in bytes, processor time in seconds; no core dump, no written files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def main() -> None:
    """Answer what standard input asks; what was said survives a sudden end."""
    limit(int(sys.argv[1]), int(sys.argv[2]))
    # Only now: the expression engine reserves 1 GiB of address space when it is loaded without a limit,
    # and then has memory to spare within the limit, but no room left for its stack.
    from hub.engine.mapping.sample import answers  # noqa: PLC0415

    for line in answers(sys.stdin.read()):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
