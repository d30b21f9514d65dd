# shellcheck shell=bash
# Finds out what is missing on this machine, and installs the Debian packages among it.

swift_wanted=6.3

# Debian packages of the list that are not installed.
missing_packages() {
    local name
    while read -r name; do
        case "$name" in '' | '#'*) continue ;; esac
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s\n' "$name"
    done <"$lib/packages.txt"
}

need_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        fail "this is no Debian: apt-get was not found" "Wanted are Debian 12 and the packages of bin/lib/packages.txt."
    fi
    local missing=()
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -gt 0 ] || return 0

    local root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "packages are missing, and there is no sudo to install them with" \
            "As root: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    say "Installing ${missing[*]} (a minute or two)"
    if ! "${root[@]}" "$lib/install-packages" "${missing[@]}"; then
        fail "packages could not be installed (see above; no network, or no right to use sudo?)" \
            "By hand, as root: apt-get install ${missing[*]}"
    fi
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" = 0 ] || fail "still missing after the installation: ${missing[*]}"
}

need_swift() {
    local folder answer version
    if ! command -v swift >/dev/null; then
        for folder in /opt/swift/usr/bin "$HOME/.local/share/swiftly/bin" /usr/local/swift/usr/bin; do
            if [ -x "$folder/swift" ]; then
                PATH="$folder:$PATH"
                break
            fi
        done
    fi
    command -v swift >/dev/null || fail "Swift was not found; version $swift_wanted or newer is needed" \
        "Get it from https://www.swift.org/install/linux/ (Debian 12) and put its usr/bin into PATH."
    # The text is "Swift version 6.3.1 (…)", and on other builds "Apple Swift version …".
    answer=$(swift --version 2>&1) || true
    version=$(sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' <<<"$answer" | head -n 1)
    [ -n "$version" ] || fail "'swift --version' fails; version $swift_wanted or newer is needed" "Found: $(command -v swift)" "It says: $answer"
    if [ "$(printf '%s\n%s\n' "$swift_wanted" "$version" | sort -V | head -n 1)" != "$swift_wanted" ]; then
        fail "Swift $version is too old; version $swift_wanted or newer is needed" "Found: $(command -v swift)"
    fi
}
