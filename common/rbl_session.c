#include "common/rbl_session.h"

static const char *const subject_classes[RBL_SUBJECT_COUNT] = {
    [RBL_SUBJECT_CLIENT_ADDRESS] = "Client host",
    [RBL_SUBJECT_CLIENT_NAME] = "Client host",
    [RBL_SUBJECT_REVERSE_CLIENT_NAME] = "Unverified Client host",
    [RBL_SUBJECT_HELO] = "Helo command",
    [RBL_SUBJECT_SENDER] = "Sender address",
    [RBL_SUBJECT_RECIPIENT] = "Recipient address",
};

const char *rbl_subject_class(enum rbl_subject subject)
{
    return subject_classes[subject];
}

void rbl_session_from_request(struct rbl_session *session_r,
                              const struct policy_request *request)
{
    enum stage stage = policy_request_stage(request);
    *session_r = (struct rbl_session){
        .client_address = policy_request_value(request, POLICY_ATTRIBUTE_CLIENT_ADDRESS),
        .client_port = policy_request_value(request, POLICY_ATTRIBUTE_CLIENT_PORT),
        .client_name = policy_request_value(request, POLICY_ATTRIBUTE_CLIENT_NAME),
        .reverse_client_name =
            policy_request_value(request, POLICY_ATTRIBUTE_REVERSE_CLIENT_NAME),
        .helo_name = policy_request_value(request, POLICY_ATTRIBUTE_HELO_NAME),
        .sender = policy_request_value(request, POLICY_ATTRIBUTE_SENDER),
        .recipient = policy_request_value(request, POLICY_ATTRIBUTE_RECIPIENT),
    };
    session_r->has_sender =
        session_r->sender.length > 0 || (stage >= STAGE_MAIL && stage <= STAGE_END_OF_MESSAGE);
    session_r->has_recipient = session_r->recipient.length > 0;
}

static struct slice unless_unknown(struct slice name)
{
    bool is_unknown = slice_equals_ignoring_case(name, SLICE_LITERAL("unknown"));
    return is_unknown ? (struct slice){"", 0} : name;
}

struct slice rbl_session_subject(const struct rbl_session *session, enum rbl_subject subject)
{
    switch (subject) {
    case RBL_SUBJECT_CLIENT_ADDRESS:
        return unless_unknown(session->client_address);
    case RBL_SUBJECT_CLIENT_NAME:
        return unless_unknown(session->client_name);
    case RBL_SUBJECT_REVERSE_CLIENT_NAME:
        return unless_unknown(session->reverse_client_name);
    case RBL_SUBJECT_HELO:
        return session->helo_name;
    case RBL_SUBJECT_SENDER:
        return session->sender;
    case RBL_SUBJECT_RECIPIENT:
        return session->recipient;
    default:
        return (struct slice){"", 0};
    }
}

bool rbl_session_query_name(const struct rbl_session *session, enum rbl_subject subject,
                            struct slice zone, char out[static DNSBL_NAME_SIZE])
{
    struct slice text = rbl_session_subject(session, subject);
    if (subject != RBL_SUBJECT_CLIENT_ADDRESS)
        return dnsbl_name_from_domain(text, zone, out);
    struct address address;
    address_parse(text, &address);
    return dnsbl_name_from_address(&address, zone, out);
}

struct slice rbl_session_key_subject(const struct rbl_session *session,
                                     enum rbl_subject subject, struct slice name,
                                     struct slice zone)
{
    if (subject == RBL_SUBJECT_CLIENT_ADDRESS)
        return rbl_session_subject(session, subject);
    return (struct slice){name.data, name.length - zone.length - 1};
}
