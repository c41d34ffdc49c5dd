#!/bin/sh
# Makes the account by which all repairers store, once the storage servers run, and writes what a repairer needs of it:
# anew at each start, as servers may have been added or have moved.
set -eu

storage=${HOLDFAST_NODE:-/node}/storage
grant=${HOLDFAST_GRANT:-/grant}

if ! holdfast account show repairers --dir "$storage" >/dev/null 2>&1; then
  holdfast account create repairers --repairer --dir "$storage"
fi
# Left by a start that came no further.
rm -rf "$grant/new"
holdfast account grant repairers --dir "$storage" --out "$grant/new"
# Repairers that start meanwhile find the old file or the new one, whole.
mv -f "$grant/new/connections.yaml" "$grant/connections.yaml"
