# shellcheck shell=bash
# Where things lie, who owns them, which ports are free.

# The folder that outlives a run. As root not below a home of mode 0700: PostgreSQL's user could not enter it.
state_folder() {
    if [ -n "${XDG_STATE_HOME:-}" ]; then
        printf '%s/millrace\n' "${XDG_STATE_HOME%/}"
    elif [ "$(id -u)" = 0 ]; then
        printf '/var/lib/millrace\n'
    else
        printf '%s/.local/state/millrace\n' "$HOME"
    fi
}

# Makes the folder; others may pass through it to what they own, and list nothing.
make_passable() {
    mkdir -p "$1"
    if [ "$(id -u)" = 0 ]; then chmod 711 "$1"; else chmod 700 "$1"; fi
}

# A new folder for one run, in TMPDIR if the servers' users can enter that.
scratch_folder() {
    local base folder
    for base in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
        folder=$(mktemp -d "${base%/}/millrace.XXXXXX" 2>/dev/null) || continue
        make_passable "$folder"
        if as postgres test -x "$folder"; then
            printf '%s\n' "$folder"
            return 0
        fi
        rmdir "$folder"
    done
    fail "no temporary folder that PostgreSQL's user can enter (tried TMPDIR, /tmp, /var/tmp)"
}

# `as USER COMMAND…`: root becomes that user, everybody else stays who they are. It replaces the process (setpriv does, runuser does
# not), so that the id of a server started in the background is the server's own.
as() {
    local user=$1
    shift
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
    else
        "$@"
    fi
}

# A folder that the server's user owns and nobody else reads.
make_owned() {
    mkdir -p "$2"
    chmod 700 "$2"
    if [ "$(id -u)" = 0 ]; then chown "$1": "$2"; fi
}

# True if the port is in use on whatever address: by a listener, or as the near end of somebody's connection (a port of the kernel's
# own range, as 54321 is, may be that for a while). Connections that only wait to be forgotten (06) do not count.
port_taken() {
    local hex
    hex=$(printf ':%04X' "$1")
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$hex" '$4 != "06" && $2 ~ port "$" { found = 1 } END { exit !found }'
}

# The port, or the next one that is free.
port_from() {
    local port=$1
    while port_taken "$port"; do port=$((port + 1)); done
    printf '%s\n' "$port"
}

# A free port by chance: two runs side by side seldom meet, and who meets tries again. Below 32768, where the kernel takes its own from.
port_by_chance() {
    local port
    while :; do
        port=$((16000 + (RANDOM << 15 | RANDOM) % 16000))
        port_taken "$port" || break
    done
    printf '%s\n' "$port"
}

# `start_somewhere NAME FOLDER FIRST SETTING…`: starts the server (`NAME_start`) on the port FIRST or the next free one; with FIRST
# `chance`, on any. A port found free may be taken a moment later, so a failure is tried again with another, twice.
start_somewhere() {
    local name=$1 folder=$2 port=$3 attempt
    shift 3
    for attempt in 1 2 3; do
        if [ "$port" = chance ]; then set -- "$(port_by_chance)" "$@"; else set -- "$(port_from $((port + attempt - 1)))" "$@"; fi
        if "${name}_start" "$folder" "$@"; then return 0; fi
        wrong "$name did not start on port $1 (attempt $attempt of 3)"
        "${name}_stop" "$folder" || true
        shift
    done
    tail_of "$folder/start.log"
    tail_of "$folder/log"
    fail "$name did not start"
}

# `secret BYTES`: that many random bytes in hexadecimal, fit for a URL.
secret() { openssl rand -hex "$1"; }

# `wait_until SECONDS COMMAND…`: asks ten times a second.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

# `process_is PID WORD`: the process lives and its command line holds the word, so that a number used again is never taken for ours.
process_is() {
    [ -n "$1" ] && [ -r "/proc/$1/cmdline" ] && tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF -- "$2"
}

# `stop_process PID WORD SECONDS`: asks it to end, and insists after that time.
stop_process() {
    process_is "$1" "$2" || return 0
    kill -TERM "$1" 2>/dev/null || true
    if ! wait_until "$3" process_gone "$1" "$2"; then
        kill -KILL "$1" 2>/dev/null || true
        wait_until 5 process_gone "$1" "$2" || return 1
    fi
}

process_gone() { ! process_is "$1" "$2"; }
