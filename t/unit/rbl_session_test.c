#include "common/rbl_session.h"
#include "t/unit/tap.h"

#include <stdlib.h>

static struct rbl_session session;

/* The session of a policy request; lines end in \n. */
static void read_request(const char *text)
{
    static struct policy_request request;
    policy_request_init(&request);
    if (policy_request_parse(&request, text, strlen(text)) != POLICY_PARSE_DONE)
        abort();
    rbl_session_from_request(&session, &request);
}

static bool is_subject(enum rbl_subject subject, const char *expected)
{
    char text[256];
    slice_copy_string(rbl_session_subject(&session, subject), text, sizeof(text));
    return is_string(text, expected, rbl_subject_class(subject));
}

static void is_name(enum rbl_subject subject, const char *expected)
{
    char name[DNSBL_NAME_SIZE] = "?";
    bool has_name = rbl_session_query_name(&session, subject, SLICE_LITERAL("z"), name);
    ok(has_name == (expected[0] != '\0'), "%s asked for", expected);
    is_string(name, expected, "... as");
}

static void test_rcpt(void)
{
    read_request("request=smtpd_access_policy\nprotocol_state=RCPT\n"
                 "client_address=192.0.2.1\nclient_name=Mail.Example.org\nclient_port=4711\n"
                 "reverse_client_name=rev.example.org\nhelo_name=[192.0.2.1]\n"
                 "sender=a@b.example\nrecipient=c@d.example\n\n");
    is_subject(RBL_SUBJECT_CLIENT_ADDRESS, "192.0.2.1");
    is_subject(RBL_SUBJECT_CLIENT_NAME, "Mail.Example.org");
    is_subject(RBL_SUBJECT_REVERSE_CLIENT_NAME, "rev.example.org");
    is_subject(RBL_SUBJECT_HELO, "[192.0.2.1]");
    is_subject(RBL_SUBJECT_SENDER, "a@b.example");
    is_subject(RBL_SUBJECT_RECIPIENT, "c@d.example");
    ok(rbl_session_subject(&session, RBL_SUBJECT_COUNT).length == 0, "there are no more");
    is_name(RBL_SUBJECT_CLIENT_ADDRESS, "1.2.0.192.z");
    is_name(RBL_SUBJECT_CLIENT_NAME, "mail.example.org.z");
    is_name(RBL_SUBJECT_REVERSE_CLIENT_NAME, "rev.example.org.z");
    is_name(RBL_SUBJECT_HELO, "");
    is_name(RBL_SUBJECT_SENDER, "b.example.z");
    is_name(RBL_SUBJECT_RECIPIENT, "d.example.z");
    ok(session.has_sender && session.has_recipient, "both addresses were given");
    ok(slice_equals(session.client_port, SLICE_LITERAL("4711")), "port");
}

static void test_connect(void)
{
    read_request("request=smtpd_access_policy\nprotocol_state=CONNECT\n"
                 "client_address=2001:db8::1\nclient_name=unknown\nclient_port=4711\n"
                 "reverse_client_name=UNKNOWN\nhelo_name=\nsender=\nrecipient=\n\n");
    ok(!session.has_sender && !session.has_recipient, "no address was given");
    is_name(RBL_SUBJECT_CLIENT_ADDRESS,
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.z");
    is_name(RBL_SUBJECT_CLIENT_NAME, "");
    is_name(RBL_SUBJECT_REVERSE_CLIENT_NAME, "");
    is_name(RBL_SUBJECT_HELO, "");
    is_name(RBL_SUBJECT_SENDER, "");
    ok(slice_equals(session.client_name, SLICE_LITERAL("unknown")),
       "the name stays \"unknown\"");
}

static void test_null_sender(void)
{
    read_request("request=smtpd_access_policy\nprotocol_state=RCPT\n"
                 "client_address=unknown\nsender=\nrecipient=x@y\n\n");
    ok(session.has_sender && session.sender.length == 0, "the null sender");
    is_name(RBL_SUBJECT_SENDER, "");
    is_subject(RBL_SUBJECT_CLIENT_ADDRESS, "");
    is_name(RBL_SUBJECT_CLIENT_ADDRESS, "");
}

int main(void)
{
    test_rcpt();
    test_connect();
    test_null_sender();
    return done_testing();
}
