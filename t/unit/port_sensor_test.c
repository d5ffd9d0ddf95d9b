/* One service's sensor against real connections: what it reads, and how long it keeps that. */
#include "t/unit/stress_bed.h"

#include "host/port_sensor.h"

static struct port_reading read_now(struct port_sensor *sensor, enum port_age age)
{
    struct port_reading reading;
    struct error error;
    if (!port_sensor_read(sensor, age, now_ms, &reading, &error))
        ok(false, "%s", error.text);
    return reading;
}

static struct port_reading read_anew(struct port_sensor *sensor)
{
    now_ms += PORT_SENSOR_KEEP_MAX_MS;
    return read_now(sensor, PORT_AGE_NEW);
}

static void test_numbers(struct port_sensor *sensor, struct server *server)
{
    struct port_reading reading = read_anew(sensor);
    ok(reading.busy == 0 && reading.waiting == 0 && reading.longest_wait_ms == 0, "nobody");
    server_connect(server, 3);
    server_accept(server, 3);
    is_number(read_anew(sensor).busy, 3, "busy");
    server_connect(server, 6);
    server_accept(server, 1);
    reading = read_anew(sensor);
    ok(reading.busy == 4 && reading.waiting == 5, "busy, and waiting");
    ok(reading.backlog_limit > 0, "... and how many may");

    server_accept(server, 1);
    now_ms += PORT_SENSOR_KEEP_MIN_MS - 1;
    is_number(read_now(sensor, PORT_AGE_NEW).busy, 4, "a reading is kept for a moment");
    is_number(read_anew(sensor).busy, 5, "and not longer");
    server_accept(server, 1);
    now_ms--;
    is_number(read_now(sensor, PORT_AGE_NEW).busy, 6,
              "a clock that goes back is no reason to keep it");
}

static void test_admitted(struct port_sensor *sensor)
{
    is_number(read_anew(sensor).busy, 6, "as measured");
    port_sensor_add_sessions(sensor, 1);
    is_number(read_now(sensor, PORT_AGE_KEPT).busy, 7,
              "admitted: counts before it is measured");
    for (int i = 0; i < 100; i++)
        port_sensor_add_sessions(sensor, 1);
    is_number(read_now(sensor, PORT_AGE_KEPT).busy, 10, "no more than there are slots");
    now_ms += PORT_SENSOR_KEEP_MAX_MS / 2;
    is_number(read_now(sensor, PORT_AGE_KEPT).busy, 6,
              "the next reading comes early and starts anew");
}

static void test_queue(struct port_sensor *sensor, struct server *server)
{
    struct port_reading reading;
    struct error error;
    now_ms += PORT_SENSOR_KEEP_MAX_MS;
    ok(port_sensor_read_queue(sensor, now_ms, &reading, &error) && reading.waiting == 3 &&
           reading.busy == -1,
       "who waits, for him who counts himself");
    is_number(read_now(sensor, PORT_AGE_NEW).busy, 6,
              "a reading of the queue alone does not do for a full one");
    server_accept(server, 1);
    ok(port_sensor_read_queue(sensor, now_ms, &reading, &error) && reading.waiting == 3,
       "kept for a moment");
    server_clear(server);
    is_number(read_anew(sensor).busy, 0, "all are gone");
}

int main(void)
{
    struct server smtp = {.port = 0}, submission = {.port = 0};
    struct slot_limit limit = {.processes = SLOTS};
    struct port_reading reading;
    struct error error;
    bed_begin(&smtp, &submission);
    struct port_sensor *sensor = port_sensor_open(smtp.port, &limit);
    test_numbers(sensor, &smtp);
    test_admitted(sensor);
    test_queue(sensor, &smtp);
    port_sensor_close(sensor);
    port_sensor_close(NULL);

    sensor = port_sensor_open(1, &limit);
    error.text[0] = '\0';
    ok(!port_sensor_read(sensor, PORT_AGE_NEW, now_ms, &reading, &error) && error.text[0],
       "nobody listens: %s", error.text);
    ok(reading.busy < 0 && reading.waiting < 0, "nothing is known then");
    ok(!port_sensor_read_queue(sensor, now_ms, &reading, &error), "... of the queue either");
    port_sensor_close(sensor);
    return bed_end(&smtp, &submission);
}
