#!/bin/sh
# Runs the node that a container is, and makes its folder at the first start. Arguments: its role, and further options of
# `holdfast init`.
set -eu

role=$1
shift
dir=${HOLDFAST_NODE:-/node}/$role

if [ ! -e "$dir" ]; then
  holdfast init "$role" "$dir" --nickname "${HOLDFAST_NICKNAME:-$(hostname)}" --grid "$HOLDFAST_GRID" \
    --postgres "$HOLDFAST_POSTGRES" --nats "$HOLDFAST_NATS" --operator "${HOLDFAST_OPERATOR:-0.0.0.0:7100}" "$@"
fi
if [ "$role" = repairer ]; then
  cp "${HOLDFAST_GRANT:-/grant}/connections.yaml" "$dir/connections.yaml"
fi
exec holdfast run "$dir"
