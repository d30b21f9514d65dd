#ifndef CRABBITMQ_H
#define CRABBITMQ_H
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <amqp_ssl_socket.h>

// Swift cannot call variadic functions: the login with a user and a password (SASL PLAIN), all arguments fixed.
static inline amqp_rpc_reply_t crabbitmq_login(
    amqp_connection_state_t state, const char *vhost, int channel_max, int frame_max, int heartbeat, const amqp_table_t *properties,
    const char *user, const char *password) {
    return amqp_login_with_properties(
        state, vhost, channel_max, frame_max, heartbeat, properties, AMQP_SASL_METHOD_PLAIN, user, password);
}
#endif
