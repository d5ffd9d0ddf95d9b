#include "common/pressure_history.h"

#include "t/unit/tap.h"

static struct service_state moment(double pressure, enum level level, int busy)
{
    struct service_state service;
    service_state_init(&service);
    service.pressure = pressure;
    service.level = level;
    service.busy = busy;
    service.waiting = 0;
    service.slot_limit = 10;
    return service;
}

static const char *write_sample(struct pressure_history *history)
{
    static char buffer[PRESSURE_HISTORY_COMMAND_SIZE + 1];
    struct redis_command command = {buffer, 0, PRESSURE_HISTORY_COMMAND_SIZE, false};
    pressure_history_command(history, &command, "pv:", "mx1");
    ok(!command.is_overflown, "it fits");
    buffer[command.length] = '\0';
    return buffer;
}

int main(void)
{
    struct pressure_history history = {.due_ms = 0};
    const struct service_state moments[] = {
        moment(0.1, LEVEL_CALM, 1),
        moment(1.25, LEVEL_ELEVATED, 12),
        moment(0.3, LEVEL_CRITICAL, 3),
        moment(0.2, LEVEL_CALM, 2),
    };
    for (int i = 0; i < 4; i++)
        ok(pressure_history_note(&history, &moments[i], 1000 + i * 250) == false,
           "too early for a sample");
    ok(pressure_history_note(&history, &moments[3], 1000 + PRESSURE_HISTORY_MS), "due");
    const char *text = write_sample(&history);
    ok(strstr(text, "pv:history:mx1\r\n") != NULL, "the key");
    ok(strstr(text, "pressure\r\n$5\r\n1.250\r\n") != NULL, "the highest pressure");
    ok(strstr(text, "busy\r\n$2\r\n12\r\n") != NULL, "the slots at that moment");
    ok(strstr(text, "level\r\n$8\r\ncritical\r\n") != NULL, "the highest level");
    ok(strstr(text, "EXPIRE\r\n") != NULL, "it expires");

    ok(!pressure_history_note(&history, &moments[3], 20000), "the next one begins");
    ok(pressure_history_note(&history, &moments[3], 20000 + PRESSURE_HISTORY_MS), "due");
    ok(strstr(write_sample(&history), "level\r\n$4\r\ncalm\r\n") != NULL,
       "nothing is left of the one before");

    const struct service_state unknown = moment(SENSOR_UNKNOWN, LEVEL_CALM, -1);
    pressure_history_note(&history, &unknown, 40000);
    ok(strstr(write_sample(&history), "pressure\r\n$6\r\n-1.000\r\n") != NULL,
       "what is not known is negative, as everywhere");
    return done_testing();
}
