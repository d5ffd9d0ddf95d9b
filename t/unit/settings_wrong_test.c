/* What the loader says of files that are wrong. */
#include "common/settings.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#define ALLOWED_ENDPOINT "\"unix:/PATH\", \"inet:HOST:PORT\" or \"inet:[IPV6]:PORT\""
#define ALLOWED_NETWORK  "a network such as \"192.0.2.0/24\" or \"2001:db8::/32\""
#define ALLOWED_REPLY    "TEXT\" of at most 400 printable ASCII characters but %"
#define UNKNOWN_KEY      "unknown key, allowed: those of postvalve.json(5)"

static struct config *load(const char *text, struct error_list *errors)
{
    error_list_init(errors);
    return config_load_text("f", text, strlen(text), errors);
}

/* Wrong files; all that is wrong with each, in order. */
static const struct {
    const char *text;
    const char *problems[10];
} wrong_files[] = {
    /* not JSON, or not an object */
    {"", {"f: line 1, column 0: not JSON: '[' or '{' expected near end of file"}},
    {"{", {"f: line 1, column 1: not JSON: string or '}' expected near end of file"}},
    {"{\"redis\":\n {\"password\": Geheim1}}",
     {"f: line 2, column 20: not JSON: invalid token"}},
    {"{} x", {"f: line 1, column 4: not JSON: end of file expected"}},
    {"# x", {"f: line 1, column 1: not JSON: '[' or '{' expected"}},
    {"[]", {"f: not an object, allowed: {...}"}},
    {"{\"user\": \"a\\u0000b\"}",
     {"f: line 1, column 19: not JSON: \\u0000 is not allowed without JSON_ALLOW_NUL"}},
    {"{\"redis\": {\"database\": 99999999999999999999}}",
     {"f: line 1, column 43: not JSON: too big integer"}},
    /* keys */
    {"{\"port\": 25}", {"f: port: " UNKNOWN_KEY "; did you mean service.port?"}},
    {"{\"mdoe\": \"off\"}", {"f: mdoe: " UNKNOWN_KEY "; did you mean mode?"}},
    {"{\"polcyd\": {\"x\": 1}}", {"f: polcyd: " UNKNOWN_KEY "; did you mean policyd?"}},
    {"{\"policyd\": {\"sokcet\": {}}}",
     {"f: policyd.sokcet: " UNKNOWN_KEY "; did you mean policyd.socket?"}},
    {"{\"redis\": {\"timeout_ms\": 5}}", {"f: redis.timeout_ms: " UNKNOWN_KEY}},
    {"{\"\": 1, \"\\u001b[31m\\u00e9\": 1}",
     {"f: -: " UNKNOWN_KEY, "f: \\x1b[31m\\xc3\\xa9: " UNKNOWN_KEY}},
    {"{\"service.port\": 25}",
     {"f: service.port: unknown key, allowed: objects in objects instead of dots"}},
    {"{\"mode\": {\"x\": 1}}",
     {"f: mode: an object, allowed: \"enforce\", \"observe\" or \"off\""}},
    {"{\"policyd\": 5, \"class\": {\"weight\": []}}",
     {"f: policyd: not an object, allowed: {...}",
      "f: class.weight: not an object, allowed: {...}"}},
    {"{\"mode\": \"off\",\n\"mode\": \"off\",\n\"policyd\": {\"listen\": [],\"listen\": []}}",
     {"f: mode: given again in line 2, allowed: once",
      "f: policyd.listen: given again in line 3, allowed: once",
      "f: policyd.listen: has 0 items, allowed: a list of 1 to 16 of " ALLOWED_ENDPOINT}},
    {"{\"x\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
     {"f: too deep, allowed: 32 objects in one another", "f: x: " UNKNOWN_KEY}},
    /* booleans */
    {"{\"log\": {\"verbose\": \"yes\"}}", {"f: log.verbose: a string, allowed: true or false"}},
    {"{\"log\": {\"verbose\": 1}}", {"f: log.verbose: an integer, allowed: true or false"}},
    {"{\"log\": {\"verbose\": null}}", {"f: log.verbose: null, allowed: true or false"}},
    /* integers */
    {"{\"service\": {\"port\": 0}}",
     {"f: service.port: 0 is out of range, allowed: an integer from 1 to 65535"}},
    {"{\"service\": {\"port\": 65536}}",
     {"f: service.port: 65536 is out of range, allowed: an integer from 1 to 65535"}},
    {"{\"service\": {\"port\": -9223372036854775808}}",
     {"f: service.port: -9.22337203685478e+18 is out of range, allowed: an integer from 1 to "
      "65535"}},
    {"{\"service\": {\"port\": 25.0}}",
     {"f: service.port: a number with a fraction, allowed: an integer from 1 to 65535"}},
    {"{\"service\": {\"port\": \"25\"}}",
     {"f: service.port: a string, allowed: an integer from 1 to 65535"}},
    {"{\"service\": {\"port\": true}}",
     {"f: service.port: true, allowed: an integer from 1 to 65535"}},
    {"{\"policyd\": {\"idle_timeout_s\": 300}}",
     {"f: policyd.idle_timeout_s: 300 is out of range, allowed: an integer from 301 to 86400 "
      "(seconds)"}},
    {"{\"level\": {\"hold_s\": 3601}}",
     {"f: level.hold_s: 3601 is out of range, allowed: an integer from 0 to 3600 (seconds)"}},
    /* numbers */
    {"{\"class\": {\"good_messages\": \"3\", \"bot_score\": 0}}",
     {"f: class.good_messages: a string, allowed: a number from 0 to 1000000",
      "f: class.bot_score: 0 is out of range, allowed: a number from 0.1 to 1000000"}},
    {"{\"admission\": {\"ceiling\": {\"good\": 10.5}}}",
     {"f: admission.ceiling.good: 10.5 is out of range, allowed: a number from 0 to 10"}},
    /* slot limit */
    {"{\"service\": {\"slot_limit\": 0}}",
     {"f: service.slot_limit: 0 is out of range, allowed: \"auto\" or an integer from 1 to "
      "100000"}},
    {"{\"service\": {\"slot_limit\": \"many\"}}",
     {"f: service.slot_limit: a string, allowed: \"auto\" or an integer from 1 to 100000"}},
    /* strings */
    {"{\"user\": 0}",
     {"f: user: an integer, allowed: a string of at most 32 letters, digits and ._-$"}},
    {"{\"user\": \"a b\"}",
     {"f: user: \"a\\x20b\" has other characters, allowed: a string of at most 32 letters, "
      "digits and ._-$"}},
    {"{\"user\": \"123456789012345678901234567890123\"}",
     {"f: user: has 33 bytes, allowed: a string of at most 32 letters, digits and ._-$"}},
    {"{\"service\": {\"name\": \"\"}}",
     {"f: service.name: \"\" is empty, allowed: a string of 1 to 64 letters, digits and "
      "._-:[]"}},
    {"{\"redis\": {\"password\": \"Geheim\\n\"}}",
     {"f: redis.password: \"***\" has other characters, allowed: a string of at most 512 "
      "printable ASCII characters"}},
    /* paths */
    {"{\"service\": {\"postfix_config_directory\": \"etc\"}}",
     {"f: service.postfix_config_directory: \"etc\" does not begin with \"/\", allowed: an "
      "absolute path of at most 4095 bytes"}},
    {"{\"redis\": {\"password_file\": \"secret\"}}",
     {"f: redis.password_file: \"secret\" does not begin with \"/\", allowed: an absolute path "
      "of at most 4095 bytes, or \"\""}},
    /* enums */
    {"{\"mode\": \"Off\", \"log\": {\"target\": \"\"}, \"admission\": {\"bot_level\": 1}}",
     {"f: mode: \"Off\", allowed: \"enforce\", \"observe\" or \"off\"",
      "f: log.target: \"\", allowed: \"syslog\" or \"stderr\"",
      "f: admission.bot_level: an integer, allowed: \"calm\", \"elevated\", \"stressed\" or "
      "\"critical\""}},
    /* modes */
    {"{\"policyd\": {\"socket\": {\"mode\": 660}}}",
     {"f: policyd.socket.mode: an integer, allowed: a string of octal digits from \"0000\" to "
      "\"0777\""}},
    {"{\"milter\": {\"socket\": {\"mode\": \"0680\"}}}",
     {"f: milter.socket.mode: \"0680\", allowed: a string of octal digits from \"0000\" to "
      "\"0777\""}},
    {"{\"milter\": {\"socket\": {\"mode\": \"1777\"}}}",
     {"f: milter.socket.mode: \"1777\", allowed: a string of octal digits from \"0000\" to "
      "\"0777\""}},
    {"{\"milter\": {\"socket\": {\"mode\": \"00660\"}}}",
     {"f: milter.socket.mode: \"00660\", allowed: a string of octal digits from \"0000\" to "
      "\"0777\""}},
    /* endpoints */
    {"{\"milter\": {\"listen\": \"\"}, \"redis\": {\"server\": \"localhost\"}}",
     {"f: milter.listen: \"\": it begins neither with \"unix:\" nor with \"inet:\", "
      "allowed: " ALLOWED_ENDPOINT,
      "f: redis.server: \"localhost\": it begins neither with \"unix:\" nor with \"inet:\", "
      "allowed: " ALLOWED_ENDPOINT ", or \"\""}},
    {"{\"milter\": {\"listen\": [\"inet:127.0.0.1:1\"]}}",
     {"f: milter.listen: a list, allowed: " ALLOWED_ENDPOINT}},
    {"{\"policyd\": {\"listen\": \"inet:127.0.0.1:1\"}}",
     {"f: policyd.listen: a string, allowed: a list of 1 to 16 of " ALLOWED_ENDPOINT}},
    {"{\"policyd\": {\"listen\": [\"inet:a:1\", 5, \"unix:x\", \"inet:A:01\"]}}",
     {"f: policyd.listen[1]: an integer, allowed: " ALLOWED_ENDPOINT,
      "f: policyd.listen[2]: \"unix:x\": the path has to begin with \"/\", "
      "allowed: " ALLOWED_ENDPOINT,
      "f: policyd.listen[3]: \"inet:A:01\" is in the list twice, allowed: " ALLOWED_ENDPOINT}},
    /* networks */
    {"{\"trusted\": {\"networks\": [\"10.0.0.1/8\", \"::/0\", \"10/8\", {}], \"allow\": \"\"}}",
     {"f: trusted.networks[0]: \"10.0.0.1/8\" is no network, or has host bits set, "
      "allowed: " ALLOWED_NETWORK,
      "f: trusted.networks[2]: \"10/8\" is no network, or has host bits set, "
      "allowed: " ALLOWED_NETWORK,
      "f: trusted.networks[3]: an object, allowed: " ALLOWED_NETWORK,
      "f: trusted.allow: a string, allowed: a list of at most 4096 networks such as "
      "\"192.0.2.0/24\" or \"2001:db8::/32\""}},
    /* replies */
    {"{\"reply\": {\"hang_up_later\": \"5.7.1 x\", \"hang_up_bot\": \"Go away\"}}",
     {"f: reply.hang_up_later: does not begin with an enhanced status code 4.x.y, allowed: "
      "\"4.x.y " ALLOWED_REPLY,
      "f: reply.hang_up_bot: does not begin with an enhanced status code 5.x.y, allowed: "
      "\"5.x.y " ALLOWED_REPLY}},
    {"{\"reply\": {\"hang_up_later\": \"4.3.2  x\", \"hang_up_bot\": \"5.7.1 100 %\"}}",
     {"f: reply.hang_up_later: does not begin with an enhanced status code 4.x.y, allowed: "
      "\"4.x.y " ALLOWED_REPLY,
      "f: reply.hang_up_bot: has a % in it, allowed: \"5.x.y " ALLOWED_REPLY}},
    {"{\"reply\": {\"hang_up_later\": \"4.3.2 a\\r\\nb\", \"hang_up_bot\": \"5.7.1234 x\"}}",
     {"f: reply.hang_up_later: \"4.3.2\\x20a\\x0d\\x0ab\" has other characters, allowed: "
      "\"4.x.y " ALLOWED_REPLY,
      "f: reply.hang_up_bot: does not begin with an enhanced status code 5.x.y, allowed: "
      "\"5.x.y " ALLOWED_REPLY}},
    {"{\"reply\": {\"hang_up_later\": \"4.3.2\", \"hang_up_bot\": \"\"}}",
     {"f: reply.hang_up_later: has 5 bytes, allowed: \"4.x.y " ALLOWED_REPLY,
      "f: reply.hang_up_bot: \"\" is empty, allowed: \"5.x.y " ALLOWED_REPLY}},
    /* lists of objects */
    {"{\"services\": {}}", {"f: services: an object, allowed: a list of 1 to 16 objects"}},
    {"{\"services\": []}", {"f: services: has 0 items, allowed: a list of 1 to 16 objects"}},
    {"{\"services\": [{}, 25]}", {"f: services[1]: an integer, allowed: an object"}},
    {"{\"services\": [{\"port\": 0, \"name\": \"\"}, {\"level\": {\"hold_s\": -1}}]}",
     {"f: services[0].port: 0 is out of range, allowed: an integer from 1 to 65535",
      "f: services[0].name: \"\" is empty, allowed: a string of 1 to 64 letters, digits and "
      "._-:[]",
      "f: services[1].level.hold_s: -1 is out of range, allowed: an integer from 0 to 3600 "
      "(seconds)"}},
    {"{\"services\": [{\"prot\": 25, \"level\": 3, \"level.hold_s\": 1, \"hold_s\": 4}]}",
     {"f: services[0].prot: " UNKNOWN_KEY "; did you mean port?",
      "f: services[0].level: not an object, allowed: {...}",
      "f: services[0].level.hold_s: unknown key, allowed: objects in objects instead of dots",
      "f: services[0].hold_s: " UNKNOWN_KEY "; did you mean level.hold_s?"}},
    {"{\"services\": [{}, {}, {\"name\": \"x\", \"port\": 25}]}",
     {"f: services[1].port: 25 is that of services[0] too, allowed: a port of its own",
      "f: services[1].name: \"smtp\" is that of services[0] too, allowed: a name of its own",
      "f: services[2].port: 25 is that of services[0] too, allowed: a port of its own",
      "f: services[2].port: 25 is that of services[1] too, allowed: a port of its own"}},
    {"{\"services\": [{\"level\": {\"stressed\": 0.5, \"critical\": 0.4}}]}",
     {"f: services[0].level.stressed: 0.5 is below services[0].level.elevated, allowed: 0.6 or "
      "more",
      "f: services[0].level.critical: 0.4 is below services[0].level.stressed, allowed: 0.5 or "
      "more"}},
    {"{\"services\": [{\"port\": 1, \"port\": 2}]}",
     {"f: services[0].port: given again in line 1, allowed: once"}},
    {"{\"cluster\": {\"follow\": \"critical\", \"follow_share\": 0}, \"sensor\": "
     "{\"lost_share\": 2}}",
     {"f: cluster.follow: \"critical\", allowed: \"off\" or \"elevated\"",
      "f: cluster.follow_share: 0 is out of range, allowed: a number from 0.01 to 1",
      "f: sensor.lost_share: 2 is out of range, allowed: a number from 0.01 to 1"}},
    /* one against another */
    {"{\"level\": {\"elevated\": 0.9}}",
     {"f: level.stressed: 0.8 is below level.elevated, allowed: 0.9 or more"}},
    {"{\"level\": {\"elevated\": 3, \"stressed\": 2, \"critical\": 1}}",
     {"f: level.stressed: 2 is below level.elevated, allowed: 3 or more",
      "f: level.critical: 1 is below level.stressed, allowed: 2 or more"}},
    {"{\"admission\": {\"ceiling\": {\"good\": 0.5}}}",
     {"f: admission.ceiling.unknown: 0.8 is above admission.ceiling.good, allowed: 0.5 or "
      "less"}},
    {"{\"milter\": {\"listen\": \"unix:/x\"}, \"policyd\": {\"listen\": [\"unix:/x\"]}}",
     {"f: milter.listen: \"unix:/x\" is in policyd.listen too, allowed: an endpoint of its "
      "own"}},
};

static void test_wrong_files(void)
{
    for (size_t i = 0; i < sizeof(wrong_files) / sizeof(wrong_files[0]); i++) {
        const char *const *problems = wrong_files[i].problems;
        struct error_list errors;
        struct config *config = load(wrong_files[i].text, &errors);
        ok(!config, "refused: %s", wrong_files[i].text);
        size_t count = 0;
        while (problems[count])
            count++;
        is_number(errors.count, count, "... with as many problems");
        for (size_t j = 0; j < count && j < errors.count; j++)
            is_string(errors.errors[j].text, problems[j], "... namely");
        config_free(config);
    }
}

static void test_limits(void)
{
    struct error_list errors;
    size_t size = CONFIG_SIZE_MAX + 1;
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memset(text, ' ', size);
    memcpy(text, "{}", 2);
    text[size] = '\0';
    ok(!load(text, &errors), "a file that is too long");
    is_string(errors.errors[0].text, "f: 1048577 bytes, allowed: at most 1048576",
              "... says so");
    text[size - 1] = '\0';
    struct config *config = load(text, &errors);
    ok(config != NULL, "one byte less is fine");
    config_free(config);

    size_t length = 1;
    for (int i = 0; i < 100; i++)
        length += (size_t)snprintf(text + length, size - length, "%s\"%d\":0", i ? "," : "", i);
    snprintf(text + length, size - length, "}");
    ok(!load(text, &errors), "a hundred unknown keys");
    is_number(errors.count, ERROR_LIST_SIZE, "... as many problems as fit");
    is_number(errors.omitted, 100 - ERROR_LIST_SIZE, "... the others are counted");
    ok(!config_load_text("f", text, strlen(text), &errors),
       "... also with a list that is full");

    /* deeper than the parser goes, and than our own stack should */
    memset(text, '[', size - 1);
    ok(!load(text, &errors), "a megabyte of brackets");
    ok(strstr(errors.errors[0].text, "maximum parsing depth reached") != NULL, "... says so");
    free(text);
}

int main(void)
{
    test_wrong_files();
    test_limits();
    return done_testing();
}
