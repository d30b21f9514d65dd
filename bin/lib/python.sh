# shellcheck shell=bash
# The Python programs that play the foreign side in the system tests, in an environment of pinned packages.

# `python_for REQUIREMENTS`: the path of a Python that has them. One environment per text of the requirements, kept in the state folder.
python_for() {
    local requirements=$1 state folder
    state=$(state_folder)/python
    (umask 022 && mkdir -p "$state")
    folder=$state/$({ cat "$requirements" && python3 --version; } | sha256sum | cut -c 1-16)
    (
        # Two runs at once: the second waits, and finds it made.
        exec 8>"$folder.lock"
        flock 8
        if [ ! -e "$folder/complete" ]; then
            say "Making a Python environment from ${requirements#"$root/"}"
            rm -rf "$folder"
            python3 -m venv "$folder" >&2 || exit 1
            "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" >&2 || exit 1
            touch "$folder/complete"
        fi
    ) || return 1
    printf '%s/bin/python\n' "$folder"
}
