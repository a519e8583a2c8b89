#!/bin/sh
# Writes a header with the SHA-256 of all SQL files, taken in the order of their names, one after the
# other: `vacd migrate` computes the same figure and stores it in vac_store.installed.
set -eu
export LC_ALL=C
digest=$(cd "$1" && cat bootstrap.sql schema/*.sql functions/*.sql views/*.sql | sha256sum | cut -d ' ' -f 1)
new="#define VACD_SCHEMA_DIGEST \"$digest\""
[ -f "$2" ] && [ "$(cat "$2")" = "$new" ] || printf '%s\n' "$new" > "$2"
