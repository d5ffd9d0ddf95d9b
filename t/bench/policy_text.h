/*
 * The text of a policy request as smtpd of Postfix 3.7 sends it at RCPT on a TLS session:
 * its 29 attributes, in its order, 784 bytes.
 *
 * The variable fields have a fixed width, so that the next request is made by overwriting
 * some digits in place. The owner of the struct owns the text. One thread.
 */
#ifndef POSTVALVE_T_BENCH_POLICY_TEXT_H
#define POSTVALVE_T_BENCH_POLICY_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define POLICY_TEXT_MAX         2048
#define POLICY_TEXT_CLIENTS_MAX 20000000U

struct policy_text {
    size_t size;
    char *address; /* where in bytes[] the variable fields are */
    char *port;
    char *instance;
    char *user;
    char bytes[POLICY_TEXT_MAX];
};

/* protocol_state is RCPT where NULL. server_port is that of the service a policy daemon
 * protects. The struct must not be copied or moved afterwards. */
void policy_text_init(struct policy_text *text, const char *protocol_state,
                      uint16_t server_port);

/*
 * Make it the request of client number `client` (below POLICY_TEXT_CLIENTS_MAX): an address
 * from 130.100.100.100 up, never private or otherwise special, neighbours in different /24.
 * `serial` gives each request a session (client_port) and a message (instance) of its own.
 */
void policy_text_set(struct policy_text *text, uint32_t client, uint64_t serial);

#endif
