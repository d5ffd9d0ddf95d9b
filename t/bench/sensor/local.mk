# sensor_cost: what one reading of the sensor costs.
EXTRA_PROGRAMS += t/bench/sensor/sensor_cost
t_bench_sensor_sensor_cost_SOURCES = t/bench/sensor/sensor_cost.c
t_bench_sensor_sensor_cost_LDADD = host/libhost.a $(LDADD) -lpthread

# sensor_share: what all sensors together take of a core, at the rate a daemon ticks.
EXTRA_PROGRAMS += t/bench/sensor/sensor_share
t_bench_sensor_sensor_share_SOURCES = t/bench/sensor/sensor_share.c
t_bench_sensor_sensor_share_LDADD = host/libhost.a $(LDADD) -lpthread
