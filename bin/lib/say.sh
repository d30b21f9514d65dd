# shellcheck shell=bash
# How the scripts speak: short lines on the standard error stream, so that output can be piped.

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
    say_bold=$'\e[1m' say_red=$'\e[31m' say_green=$'\e[32m' say_plain=$'\e[0m'
else
    say_bold='' say_red='' say_green='' say_plain=''
fi

say() { printf '%s==>%s %s\n' "$say_bold" "$say_plain" "$*" >&2; }
good() { printf '%s==> %s%s\n' "$say_green" "$*" "$say_plain" >&2; }
wrong() { printf '%serror:%s %s\n' "$say_red" "$say_plain" "$*" >&2; }

# Ends the script. Further arguments are lines that say what to do about it.
fail() {
    wrong "$1"
    shift
    local line
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# The last lines of a log, indented, for the message that follows.
tail_of() {
    [ -s "$1" ] || return 0
    printf '       last lines of %s:\n' "$1" >&2
    tail -n "${2:-15}" "$1" | sed 's/^/       | /' >&2
}
