/*
 * transaction - the words of a client that delivers one message, from the banner to QUIT.
 */
#ifndef POSTVALVE_T_BENCH_FLOOD_TRANSACTION_H
#define POSTVALVE_T_BENCH_FLOOD_TRANSACTION_H

struct actor;

/* Steps of the actor: what the reply that came is about. */
enum transaction_step {
    STEP_BANNER,
    STEP_EHLO,
    STEP_MAIL,
    STEP_RECIPIENT,
    STEP_DATA,
    STEP_BODY,
    STEP_QUIT
};

struct transaction {
    const char *helo, *sender, *subject;
    const char *line;                   /* of which the body is made, with its CR LF */
    void (*begin)(struct actor *actor); /* before EHLO; NULL: nothing */
    void (*delivered)(struct actor *actor);
};

/* The reply to the last command was a good one: says the next, or finishes. */
void transaction_go_on(const struct transaction *transaction, struct actor *actor);

#endif
