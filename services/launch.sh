#!/bin/sh
# launch.sh NAME COMMAND ...: becomes COMMAND, with the variables of the process NAME that somebody has changed since it
# was delivered (workshop/changes writes them). Without Docker: Compose reads a file for that.
set -eu

name=$1
shift
changed=$STATE/changes/$name.env
if [ -f "$changed" ]; then
    set -a
    . "$changed"
    set +a
fi
exec "$@"
