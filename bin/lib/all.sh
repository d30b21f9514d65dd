# shellcheck shell=bash
# What every script reads first: where the package lies, and the parts of this folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lib=$root/bin/lib
export root lib

# shellcheck source=say.sh
. "$lib/say.sh"
# shellcheck source=install.sh
. "$lib/install.sh"
# shellcheck source=places.sh
. "$lib/places.sh"
# shellcheck source=postgres.sh
. "$lib/postgres.sh"
# shellcheck source=rabbitmq.sh
. "$lib/rabbitmq.sh"
