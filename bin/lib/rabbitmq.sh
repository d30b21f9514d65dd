# shellcheck shell=bash
# A private RabbitMQ in a folder of its own:
#
#   FOLDER/data    queues and messages      FOLDER/log     what it says
#   FOLDER/password  of the user `millrace`, mode 0600
#   FOLDER/ports   AMQP, distribution, epmd (all may change between runs: the node's name does not hold them)
#
# It listens on loopback alone, has no user `guest`, reads nothing of /etc/rabbitmq, and brings an epmd (Erlang's directory of nodes) on
# a port of its own, so that stopping it never touches another one. It runs through the script in /usr/lib: the one in /usr/sbin
# wants to be root.

rabbitmq_program=/usr/lib/rabbitmq/bin/rabbitmq-server

# `rabbitmq_start FOLDER PORT`: the other two ports are found. Starting one that runs is no mistake.
rabbitmq_start() {
    local folder=$1 port=$2 distribution epmd
    [ -x "$rabbitmq_program" ] || fail "RabbitMQ was not found at $rabbitmq_program" "Install the package rabbitmq-server."
    make_owned rabbitmq "$folder"
    if rabbitmq_runs "$folder"; then return 0; fi
    rabbitmq_stop_epmd "$folder"
    if [ ! -s "$folder/password" ]; then (umask 077 && secret 16 >"$folder/password"); fi
    distribution=$(port_by_chance)
    epmd=$(port_by_chance)
    while [ "$epmd" = "$distribution" ]; do epmd=$(port_by_chance); done
    printf '%s %s %s\n' "$port" "$distribution" "$epmd" >"$folder/ports"

    (
        umask 077
        mkdir -p "$folder/data" "$folder/generated" "$folder/none"
        echo '[].' >"$folder/plugins"
        cat >"$folder/rabbitmq.conf" <<CONFIG
listeners.tcp.local = 127.0.0.1:$port
default_user = millrace
default_pass = $(cat "$folder/password")
default_user_tags.administrator = true
log.file = $folder/log
log.file.level = info
disk_free_limit.absolute = 200MB
CONFIG
    )
    if [ "$(id -u)" = 0 ]; then chown -R rabbitmq: "$folder"; fi

    # The inner shell notes its own id before it becomes the server. A session of its own keeps Ctrl-C in the terminal away from both.
    # shellcheck disable=SC2016
    rabbitmq_environment "$folder" setsid --fork sh -c 'echo $$ >epmd.pid; exec epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT"' \
        >"$folder/epmd.log" 2>&1 </dev/null
    wait_until 10 port_taken "$epmd" || {
        tail_of "$folder/epmd.log"
        return 1
    }
    rabbitmq_environment "$folder" setsid --fork sh -c "echo \$\$ >server.pid; exec $rabbitmq_program" >"$folder/start.log" 2>&1 </dev/null
    wait_until 5 test -s "$folder/server.pid" || return 1
    local deadline=$((SECONDS + 90))
    until rabbitmq_answers "$port"; do
        if [ "$SECONDS" -ge "$deadline" ] || ! rabbitmq_runs "$folder"; then return 1; fi
        sleep 0.2
    done
}

# `rabbitmq_environment FOLDER COMMAND…`: nothing of the caller's environment, everything inside the folder.
rabbitmq_environment() {
    local folder=$1 distribution epmd
    shift
    read -r _ distribution epmd <"$folder/ports"
    as rabbitmq env -i -C "$folder" PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8 HOME="$folder" \
        ERL_EPMD_PORT="$epmd" ERL_EPMD_ADDRESS=127.0.0.1 \
        RABBITMQ_NODENAME=millrace@localhost RABBITMQ_DIST_PORT="$distribution" \
        RABBITMQ_CONF_ENV_FILE="$folder/none/env" RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf" RABBITMQ_CONFIG_FILES="$folder/none" \
        RABBITMQ_ADVANCED_CONFIG_FILE="$folder/none/advanced.config" RABBITMQ_GENERATED_CONFIG_DIR="$folder/generated" \
        RABBITMQ_MNESIA_BASE="$folder/data" RABBITMQ_LOG_BASE="$folder" RABBITMQ_LOGS="$folder/log" RABBITMQ_PID_FILE="$folder/node.pid" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" \
        RABBITMQ_SERVER_START_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
        "$@"
}

# A server that is up answers the AMQP greeting with a method frame: type 1 on channel 0.
rabbitmq_answers() {
    local first
    first=$( (exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'AMQP\0\0\11\1' >&3 && timeout 2 head -c 3 <&3 | od -An -tx1) 2>/dev/null) || return 1
    [ "$first" = " 01 00 00" ]
}

rabbitmq_runs() {
    local pid
    pid=$(cat "$1/server.pid" 2>/dev/null) || return 1
    process_is "$pid" "$rabbitmq_program"
}

rabbitmq_stop() {
    local pid
    if rabbitmq_runs "$1"; then
        pid=$(cat "$1/server.pid")
        # The script passes it on to the node and waits for the node to end.
        kill -TERM "$pid" 2>/dev/null || true
        wait_until 60 process_gone "$pid" "$rabbitmq_program" || kill -KILL -- "-$pid" 2>/dev/null || true
    fi
    rm -f "$1/server.pid"
    rabbitmq_stop_epmd "$1"
}

rabbitmq_stop_epmd() {
    [ -s "$1/epmd.pid" ] || return 0
    stop_process "$(cat "$1/epmd.pid")" "epmd -address 127.0.0.1" 10
    rm -f "$1/epmd.pid"
}

rabbitmq_port() { cut -d ' ' -f 1 "$1/ports"; }

rabbitmq_url() { printf 'amqp://millrace:%s@127.0.0.1:%s/\n' "$(cat "$1/password")" "$(rabbitmq_port "$1")"; }
