#!/bin/sh
# Runs `spans` (workshop/cli.py) in the project's own Python environment, which the first run installs.
set -eu

# What the person's shell says to other Pythons is not meant for this one (workshop/stack/first_run/environment.py).
SPANS_IGNORED=$(env | sed -n 's/^\(PYTHON[A-Z0-9_]*\)=.*/\1/p' | tr '\n' ' ')
for name in $SPANS_IGNORED; do unset "$name"; done
unset __PYVENV_LAUNCHER__ # macOS's Python leaves it to whatever is started from one, and would take that for itself
export SPANS_IGNORED

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
command=${1-}

# Testing and measuring need more packages than running does.
case $command in
test | lint | bench) packages=dev ;;
*) packages=run ;;
esac

# Whether there is a Python that runs the commands of this folder, and not those of where it was moved from.
runs_here() {
    [ -x "$root/.venv/bin/python" ] || return 1
    found=$("$root/.venv/bin/python" -I -c 'import os, workshop.cli as cli; print(os.path.realpath(cli.__file__))' 2>/dev/null) &&
        [ "$found" = "$root/workshop/cli.py" ]
}

# Nothing is installed for the sake of stopping or removing: what there is does it, or sh alone.
case $command in
down | clean)
    if runs_here; then exec "$root/.venv/bin/python" -I -m workshop.cli "$@"; fi
    exec sh "$root/workshop/stack/local/rescue.sh" "$root" "$command"
    ;;
esac

# What is installed is right as long as the lock is the same and the folder has not moved.
wanted="$root $(cat "$root/pyproject.toml" "$root/uv.lock" | cksum)"
if [ -x "$root/.venv/bin/python" ] && [ "$(cat "$root/.venv/installed-$packages" 2>/dev/null)" = "$wanted" ]; then
    exec "$root/.venv/bin/python" -I -m workshop.cli "$@"
fi

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
python=
for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c "$new_enough" 2>/dev/null; then
        python=$name
        break
    fi
done
if [ -z "$python" ] && command -v uv >/dev/null 2>&1; then
    # uv's own variables may say where it should not look.
    python=$(
        for name in $(env | sed -n 's/^\(UV_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done
        uv --no-config python find --no-python-downloads '>=3.11' 2>/dev/null || true
    )
fi
if [ -z "$python" ]; then
    found=$(python3 --version 2>/dev/null || echo missing)
    echo "error: no Python 3.11 or newer on PATH (python3: $found)." >&2
    echo "Install one: apt install python3 python3-venv, brew install python, or https://www.python.org/downloads/" >&2
    echo "With Docker alone: docker compose up --detach --build --wait (README.md, \"With Docker and no Python\")." >&2
    exit 1
fi

# The doctor tells what is missing before anything is installed.
if [ "$command" = doctor ] && [ ! -e "$root/.venv/installed-run" ]; then
    exec env PYTHONPATH="$root" PYTHONDONTWRITEBYTECODE=1 "$python" -s -m workshop.stack.first_run.doctor
fi
exec env PYTHONPATH="$root" PYTHONDONTWRITEBYTECODE=1 "$python" -s -m workshop.stack.first_run.install "$packages" "$wanted" "$@"
