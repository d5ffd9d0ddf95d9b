# sensor_cost: what one reading of the sensor costs.
EXTRA_PROGRAMS += t/bench/sensor/sensor_cost
t_bench_sensor_sensor_cost_SOURCES = t/bench/sensor/sensor_cost.c
t_bench_sensor_sensor_cost_LDADD = host/libhost.a $(LDADD)
