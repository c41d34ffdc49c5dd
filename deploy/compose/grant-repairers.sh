#!/bin/sh
# Makes the account by which all repairers store, once the storage servers run, and writes what a repairer needs of it.
set -eu

storage=${HOLDFAST_NODE:-/node}/storage
grant=${HOLDFAST_GRANT:-/grant}

if [ -e "$grant/connections.yaml" ]; then exit 0; fi
if ! holdfast account show repairers --dir "$storage" >/dev/null 2>&1; then
  holdfast account create repairers --repairer --dir "$storage"
fi
# Left by a start that came no further.
rm -rf "$grant/new"
holdfast account grant repairers --dir "$storage" --out "$grant/new"
mv "$grant/new/connections.yaml" "$grant/connections.yaml"
