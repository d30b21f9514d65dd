# shellcheck shell=bash
# A private PostgreSQL in a folder of its own:
#
#   FOLDER/data      the cluster          FOLDER/log       what it says
#   FOLDER/password  of `postgres`, mode 0600
#
# It listens on loopback alone, every connection needs the password, and there is no socket file, whose path may not exceed 107 bytes.

# `postgres_binaries FOLDER`: of the version that made the cluster, else the newest.
postgres_binaries() {
    local folder found='' version
    version=$(cat "$1/data/PG_VERSION" 2>/dev/null) || version='*'
    # The pattern must stay bare.
    # shellcheck disable=SC2086,SC2231
    for folder in /usr/lib/postgresql/$version/bin; do
        if [ -x "$folder/initdb" ]; then found=$folder; fi
    done
    [ -n "$found" ] || fail "PostgreSQL's programs were not found in /usr/lib/postgresql/$version/bin" \
        "Install the package postgresql."
    printf '%s\n' "$found"
}

# `postgres_start FOLDER PORT SETTING…`: each setting as in postgresql.conf. Starting one that runs is no mistake.
postgres_start() {
    local folder=$1 port=$2 binaries
    shift 2
    binaries=$(postgres_binaries "$folder") || return 1
    make_owned postgres "$folder"
    if [ ! -s "$folder/password" ]; then (umask 077 && secret 16 >"$folder/password"); fi
    if [ "$(id -u)" = 0 ]; then chown postgres: "$folder/password"; fi
    if [ ! -e "$folder/data/PG_VERSION" ] || [ ! -e "$folder/made" ]; then
        rm -rf "$folder/data"
        if ! as postgres env -C "$folder" LC_ALL=C.UTF-8 "$binaries/initdb" -D "$folder/data" -U postgres --pwfile="$folder/password" \
            -A scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-instructions >"$folder/initdb.log" 2>&1; then
            tail_of "$folder/initdb.log"
            fail "PostgreSQL's folder could not be made: $folder/data"
        fi
        touch "$folder/made"
    fi
    if postgres_runs "$folder"; then return 0; fi
    {
        printf "%s\n" "# Written at every start." "port = $port" "listen_addresses = '127.0.0.1'" "unix_socket_directories = ''"
        printf '%s\n' "$@"
    } >"$folder/data/millrace.conf"
    grep -qs "^include 'millrace.conf'" "$folder/data/postgresql.conf" || echo "include 'millrace.conf'" >>"$folder/data/postgresql.conf"
    if [ "$(id -u)" = 0 ]; then chown postgres: "$folder/data/millrace.conf"; fi
    as postgres env -C "$folder" "$binaries/pg_ctl" -D "$folder/data" -l "$folder/log" -s -w -t 60 start >"$folder/start.log" 2>&1 </dev/null
}

postgres_runs() {
    local pid
    pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) || return 1
    process_is "$pid" "$1/data"
}

postgres_stop() {
    postgres_runs "$1" || return 0
    local binaries
    binaries=$(postgres_binaries "$1") || return 1
    as postgres env -C "$1" "$binaries/pg_ctl" -D "$1/data" -s -w -t 60 -m fast stop ||
        as postgres env -C "$1" "$binaries/pg_ctl" -D "$1/data" -s -w -t 20 -m immediate stop
}

# The port of the one that runs.
postgres_port() { sed -n 4p "$1/data/postmaster.pid"; }

# `postgres_url FOLDER`: as its superuser.
postgres_url() { printf 'postgresql://postgres:%s@127.0.0.1:%s/postgres\n' "$(cat "$1/password")" "$(postgres_port "$1")"; }

# `postgres_sql FOLDER`: runs the SQL of standard input as its superuser, and prints bare values.
postgres_sql() {
    PGPASSWORD=$(cat "$1/password") psql -X -q -At -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(postgres_port "$1")" -U postgres "${2:-postgres}"
}
