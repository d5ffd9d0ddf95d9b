/* The headings of the settings in the manual page, in its order. */
#include "common/settings.h"

const struct setting_group setting_groups[] = {
    {"", "GENERAL"},
    {"log", "LOG"},
    {"services", "POSTFIX SERVICES TO PROTECT"},
    {"service", "DEFAULTS OF THE SERVICES"},
    {"policyd", "POLICY DAEMON"},
    {"milter", "MILTER"},
    {"redis", "REDIS"},
    {"memory", "MEMORY IN FRONT OF REDIS"},
    {"history", "HISTORY OF CLIENTS"},
    {"trusted", "TRUSTED CLIENTS"},
    {"level", "LEVELS"},
    {"sensor", "SENSORS"},
    {"cluster", "OTHER HOSTS"},
    {"control", "CONTROL"},
    {"class", "CLASSES OF CLIENTS"},
    {"admission", "ADMISSION"},
    {"reclaim", "SLOTS TAKEN BACK"},
    {"reply", "REPLIES"},
    {"rbl", "DNS LISTS"},
    {"socketmap", "TABLES FOR POSTFIX"},
    {"memcache", "POSTFIX'S OWN CACHES"},
    {"decision_log", "DECISION LOG"},
    {"http", "PAGE AND METRICS"},
    {"verify", "VERIFICATION OF ADDRESSES"},
};
const size_t setting_groups_count = sizeof(setting_groups) / sizeof(setting_groups[0]);
