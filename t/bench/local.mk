# Load on the policy protocol, and a do-nothing server to compare with: not part of `make`.
EXTRA_PROGRAMS += t/bench/policy_load t/bench/baseline_policyd
t_bench_policy_load_LDADD =
t_bench_policy_load_SOURCES = \
	t/bench/policy_load.c \
	t/bench/bench_socket.c t/bench/bench_socket.h \
	t/bench/histogram.c t/bench/histogram.h \
	t/bench/load.h t/bench/load_idle.c t/bench/load_run.c \
	t/bench/policy_text.c t/bench/policy_text.h

t_bench_baseline_policyd_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(HIREDIS_CFLAGS)
t_bench_baseline_policyd_LDADD = $(LIBEVENT_LIBS) $(HIREDIS_LIBS)
t_bench_baseline_policyd_SOURCES = \
	t/bench/baseline_policyd.c \
	t/bench/baseline_redis.c t/bench/baseline_redis.h \
	t/bench/bench_socket.c t/bench/bench_socket.h

EXTRA_DIST += t/bench/policy t/bench/spawn t/bench/watched t/bench/flood/flood \
	t/bench/lib/Postvalve/Bench.pm $(wildcard $(srcdir)/t/bench/lib/Postvalve/Flood/*.pm)

# BENCH_FLAGS=--quick for a short run. The flood takes an hour, and is a target of its own.
.PHONY: bench
bench: all t/bench/policy_load$(EXEEXT) t/bench/baseline_policyd$(EXEEXT)
	PV_BUILDDIR=$(abs_top_builddir) $(srcdir)/t/bench/policy $(BENCH_FLAGS)
	PV_BUILDDIR=$(abs_top_builddir) $(srcdir)/t/bench/spawn $(BENCH_FLAGS)
	PV_BUILDDIR=$(abs_top_builddir) $(srcdir)/t/bench/watched

.PHONY: bench-flood
bench-flood: all t/bench/flood/smtp_flood$(EXEEXT)
	PV_BUILDDIR=$(abs_top_builddir) $(srcdir)/t/bench/flood/flood $(BENCH_FLAGS)
