#!/bin/sh
# `make down` and `make clean` where no Python can do it: the packages are broken, were never installed, or the folder
# was moved. Needs sh and nothing else. Arguments: the checkout's folder; down or clean.
set -eu

root=$1
command=$2
something=

# The state folder, as the settings have it.
state=${STATE_FOLDER:-$(sed -n 's/^STATE_FOLDER=//p' "$root/.env" 2>/dev/null | tail -n 1)}
case ${state:=.run} in
/*) ;;
*) state=$root/$state ;;
esac

# A process's command line, and its state: as /proc tells, since containers need not have ps, or as ps does (macOS).
command_line() {
    if [ -r "/proc/$1/cmdline" ]; then tr '\0' ' ' <"/proc/$1/cmdline"; else ps -p "$1" -o args= 2>/dev/null; fi
}
process_state() {
    if [ -r "/proc/$1/stat" ]; then sed 's/.*) //' "/proc/$1/stat"; else ps -p "$1" -o stat= 2>/dev/null; fi
}

# The number in a pid file's first line, if it is of a living process of that name.
alive() {
    number=$(sed -n '1s/[^0-9]//gp;1q' "$1" 2>/dev/null)
    [ -n "$number" ] || number=$(head -n 1 "$1" 2>/dev/null || true)
    [ -n "$number" ] && command_line "$number" | grep -q "$2" && echo "$number"
}

# End a process and wait for it, so many seconds; for good after that.
end() {
    something=yes
    kill "-$2" "$1" 2>/dev/null || return 0
    waited=0
    while kill -0 "$1" 2>/dev/null; do
        case $(process_state "$1") in Z*) return 0 ;; esac
        if [ "$waited" -ge "$3" ]; then
            kill -KILL "$1" 2>/dev/null || true
            return 0
        fi
        waited=$((waited + 1))
        sleep 1
    done
}

# The processes whose environment says that they are of this state folder: supervisord's, and what it left behind.
ours() {
    if [ -r /proc/self/environ ]; then
        for each in $(grep -lF "SLOW_CHECKOUT_STATE=$state" /proc/[0-9]*/environ 2>/dev/null); do
            if { tr '\0' '\n' <"$each"; } 2>/dev/null | grep -qxF "SLOW_CHECKOUT_STATE=$state"; then
                each=${each#/proc/}
                echo "${each%/environ}"
            fi
        done
    else
        ps -axEww -o pid=,command= 2>/dev/null | grep -F " SLOW_CHECKOUT_STATE=$state " | awk '{ print $1 }'
    fi
}

# supervisord ends the others in their order, and a database of its own accord is closed in order.
if number=$(alive "$state/supervisord.pid" supervisord); then end "$number" TERM 60; fi
data=$(cat "$state/postgres-data-folder" 2>/dev/null || true)
if [ -n "$data" ] && number=$(alive "$data/postmaster.pid" postgres); then end "$number" INT 20; fi
for number in $(ours); do end "$number" TERM 5; done

# What runs in Docker is Docker's to end; its data goes with clean only.
cd "$root"
projects=$(cat "$state/docker-projects" 2>/dev/null || true)
volumes=--volumes
if [ "$command" = down ]; then
    volumes=
    grep -q '"runtime": "docker"' "$state/stack.json" 2>/dev/null || projects=
fi
for project in $projects; do
    if ! docker compose --project-name "$project" down --remove-orphans $volumes; then
        echo "error: the Compose project $project could not be stopped, and nothing was removed: start Docker, then make $command" >&2
        exit 1
    fi
    something=yes
    [ -z "$volumes" ] || docker image prune --all --force --filter "label=slow-checkout.project=$project" >/dev/null
done
rm -f "$state/stack.json" "$state/supervisor.sock"

if [ "$command" = down ]; then
    if [ -n "$something" ]; then
        echo "Everything is stopped; the data is kept."
    elif [ -e "$root/.venv" ] || [ -e "$state" ]; then
        echo "Nothing is up."
    else
        echo "Nothing is up, and there is nothing to remove."
    fi
    exit 0
fi

if [ -z "$something" ] && [ ! -e "$root/.venv" ] && [ ! -e "$state" ]; then
    echo "Nothing is up, and there is nothing to remove."
    exit 0
fi
# For root PostgreSQL's data lies outside of the checkout.
case $data in
/var/lib/slow-checkout/*/data)
    rm -rf "${data%/data}"
    rmdir /var/lib/slow-checkout 2>/dev/null || true
    ;;
esac
# A folder that something is mounted on is emptied, and stays.
for folder in "$state" "$root/.run" "$root/.venv" "$root/.venv.removed"; do
    rm -rf "$folder" 2>/dev/null || true
    if [ -e "$folder" ] && [ -n "$(ls -A "$folder")" ]; then
        echo "error: $folder could not be removed: does it belong to another user, or is it mounted read-only?" >&2
        exit 1
    fi
done
for name in .pytest_cache .ruff_cache .mypy_cache .hypothesis; do rm -rf "${root:?}/$name"; done
find "$root" -name __pycache__ -type d -prune -exec rm -rf {} +
echo "Removed the data, the logs and the Python packages."
