#!/bin/sh
# Makes a virtual environment from a locked list of packages, or leaves it alone when that is what it holds:
#   deploy/install.sh ENVIRONMENT LOCK [LOCK_THAT_WILL_DO_AS_WELL]
# PYTHON chooses the Python (3.11 or newer). uv installs when there is one, or when pip can fetch it; otherwise pip does.
set -eu

place=$1 lock=$2
requirements=$(dirname "$0")/requirements
stamp=$place/.installed

say() { printf '%s\n' "$*" >&2; }

fingerprint() { cat "$1" "$requirements/installer.txt" | cksum; }

find_python() {
    for found in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$found" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$found"
            return
        fi
    done
    say "Python 3.11 or newer is needed, and ${PYTHON:-python3} is not. Install one, or say which: PYTHON=/path/to/python make …"
    exit 1
}

make_environment() {
    python=$(find_python)
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv --clear "$place"
    elif command -v uv >/dev/null; then
        uv venv --quiet --clear --seed --python "$python" "$place"
    else
        say "$python cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install python3-venv"
        say "(or choose another Python: PYTHON=/path/to/python make …)."
        exit 1
    fi
}

# uv does not read pip's settings: a mirror or a certificate that pip is told of is told to uv as well.
tell_uv() {
    pip_says() { "$place/bin/python" -m pip config get "global.$1" 2>/dev/null || true; }
    index=${PIP_INDEX_URL:-$(pip_says index-url)}
    certificate=${PIP_CERT:-$(pip_says cert)}
    if [ -n "$index" ]; then export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"; fi
    if [ -n "$certificate" ]; then export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificate}"; fi
    export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-60}"
}

find_uv() {
    if command -v uv; then return; fi
    if "$place/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes \
        -r "$requirements/installer.txt" >/dev/null 2>&1; then
        printf '%s\n' "$place/bin/uv"
    fi
}

install_packages() {
    tell_uv
    uv=$(find_uv)
    if [ -n "$uv" ] && "$uv" pip sync --quiet --compile-bytecode --require-hashes --python "$place/bin/python" "$lock"; then
        return
    fi
    say "Installing with pip, which takes longer."
    "$place/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
}

if "$place/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    shift
    for enough in "$@"; do
        if [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint "$enough")" ]; then exit 0; fi
    done
    rm -f "$stamp"
else
    make_environment
fi
say "Installing $lock into $place …"
install_packages
fingerprint "$lock" >"$stamp"
