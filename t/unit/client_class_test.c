#include "common/client_class.h"
#include "t/unit/tap.h"

#define NOW 2000000000LL
#define DAY 86400LL

static const struct class_settings settings = {
    .good_messages = 3,
    .good_age_s = 3600,
    .good_ratio = 5,
    .bot_score = 6,
    .bot_ratio = 5,
    .weight = {0, 1, 2, 0.2}
};

static const struct {
    const char *what;
    struct client_facts facts;
    enum client_class class;
    const char *reason;
} cases[] = {
    {"nothing known",
     {.has_address = true, .history = HISTORY_NONE},
     CLASS_UNKNOWN,                                                                                                       "no-history"     },
    {"Redis did not answer",
     {.has_address = true, .history = HISTORY_MISSING},
     CLASS_UNKNOWN,                                                                                                       "no-answer"      },
    {"authenticated bot",
     {.has_address = true,
      .is_authenticated = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW, 0, {0, 50, 50, 0}}},
     CLASS_TRUSTED,                                                                                                       "authenticated"  },
    {"trusted network",
     {.has_address = true, .is_in_trusted_networks = true},
     CLASS_TRUSTED,                                                                                                       "trusted-network"},
    {"allow list",                                              {.has_address = true, .is_allowed = true}, CLASS_TRUSTED, "allowed"        },
    {"no address",                                              {.has_address = false},                    CLASS_TRUSTED, "no-address"     },
    {"good sender",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW, 0, {3, 0, 0, 0}}},
     CLASS_GOOD,                                                                                                          "good-history"   },
    {"too few messages",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW, 0, {2.9F, 0, 0, 0}}},
     CLASS_UNKNOWN,                                                                                                       "little-history" },
    {"known for too short a time: a spam run",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - 600, NOW, 0, {500, 0, 0, 0}}},
     CLASS_UNKNOWN,                                                                                                       "little-history" },
    {"mailing list with a few dead addresses",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW, 0, {100, 15, 0, 0}}},
     CLASS_GOOD,                                                                                                          "good-history"   },
    {"as many dead addresses as messages: not good, not a bot",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW, 0, {20, 20, 0, 0}}},
     CLASS_UNKNOWN,                                                                                                       "little-history" },
    {"guesses recipients",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW, 0, {0, 6, 0, 0}}},
     CLASS_BOT,                                                                                                           "bad-history"    },
    {"guesses recipients and hits one now and then",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW, 0, {5, 30, 0, 0}}},
     CLASS_BOT,                                                                                                           "bad-history"    },
    {"holds slots in silence",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW, 0, {0, 0, 3, 0}}},
     CLASS_BOT,                                                                                                           "bad-history"    },
    {"silence of a week ago is forgotten",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - 9 * DAY, NOW - 7 * DAY, 0, {0, 0, 6, 0}}},
     CLASS_UNKNOWN,                                                                                                       "little-history" },
    {"a good sender that was quiet for a month",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - 90 * DAY, NOW - 30 * DAY, 0, {8, 0, 0, 0}}},
     CLASS_GOOD,                                                                                                          "good-history"   },
    {"a probe that drops connections all day",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW, 0, {0, 0, 0, 29}}},
     CLASS_UNKNOWN,                                                                                                       "little-history" },
    {"another host's clock is ahead",
     {.has_address = true,
      .history = HISTORY_KNOWN,
      .record = {NOW - DAY, NOW + 300, 0, {5, 0, 0, 0}}},
     CLASS_GOOD,                                                                                                          "good-history"   },
};

int main(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client_facts facts = cases[i].facts;
        facts.now_s = NOW;
        struct classification result = classify(&facts, &settings);
        ok(result.class == cases[i].class, "%s: %s", cases[i].what,
           client_class_name(result.class));
        is_string(class_reason_name(result.reason), cases[i].reason, "  and why");
    }

    struct client_record record = {
        .counts = {12, 0.04F, 3, 0}
    };
    char text[EVIDENCE_TEXT_SIZE];
    evidence_format(&record, text);
    is_string(text, "accepted:12.0,silent:3.0", "evidence as text");
    evidence_format(&(struct client_record){.first_seen_s = 1}, text);
    is_string(text, "none", "no evidence as text");
    for (int kind = 0; kind < EVIDENCE_COUNT; kind++)
        record.counts[kind] = 3e38F;
    evidence_format(&record, text);
    ok(strlen(text) < EVIDENCE_TEXT_SIZE, "huge counts are cut, not overrun");
    return done_testing();
}
