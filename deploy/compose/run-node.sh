#!/bin/sh
# Runs the node that a container is, and makes its folder at the first start. Arguments: its role, and further options of
# `holdfast init`.
set -eu

role=$1
shift
dir=${HOLDFAST_NODE:-/node}/$role

# Says the password of the URL in a variable, or that URL without it. The variable is named, and not given: every user of
# the machine can see command lines.
part_of() {
  node -e '
    const [name, part] = process.argv.slice(1);
    if (!URL.canParse(process.env[name])) {
      console.error(`${name}: expected a URL`);
      process.exit(1);
    }
    const url = new URL(process.env[name]);
    const password = decodeURIComponent(url.password);
    url.password = "";
    console.log(part === "password" ? password : url.href);
  ' "$1" "$2"
}

# Keeps the password of the URL in a variable in private/NAME.password, unless one is there. At each start: the first may
# have ended in between.
keep_password() {
  file=$dir/private/$2.password
  if [ -e "$file" ]; then return; fi
  password=$(part_of "$1" password)
  if [ -z "$password" ]; then return; fi
  (umask 077 && printf '%s\n' "$password" >"$file.new")
  mv "$file.new" "$file"
}

if [ ! -e "$dir" ]; then
  postgres=$(part_of HOLDFAST_POSTGRES url)
  nats=$(part_of HOLDFAST_NATS url)
  holdfast init "$role" "$dir" --nickname "${HOLDFAST_NICKNAME:-$(hostname)}" --grid "$HOLDFAST_GRID" \
    --postgres "$postgres" --nats "$nats" --operator "${HOLDFAST_OPERATOR:-0.0.0.0:7100}" "$@"
fi
keep_password HOLDFAST_POSTGRES postgres
keep_password HOLDFAST_NATS bus
if [ "$role" = repairer ]; then
  cp "${HOLDFAST_GRANT:-/grant}/connections.yaml" "$dir/connections.yaml"
fi
exec holdfast run "$dir"
