# smtp_flood: SMTP clients of many kinds and addresses, for quickstart and benchmarks.
check_PROGRAMS += t/bench/flood/smtp_flood
t_bench_flood_smtp_flood_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
t_bench_flood_smtp_flood_LDFLAGS = $(AM_LDFLAGS)
t_bench_flood_smtp_flood_LDADD = common/libcommon.a $(LIBEVENT_LIBS) $(JANSSON_LIBS) $(PSL_LIBS)
t_bench_flood_smtp_flood_SOURCES = \
	t/bench/flood/smtp_flood.c \
	t/bench/flood/actor.c t/bench/flood/actor.h \
	t/bench/flood/flood.c t/bench/flood/flood.h \
	t/bench/flood/group.c t/bench/flood/group.h \
	t/bench/flood/kind.c t/bench/flood/kind.h \
	t/bench/flood/kind_dribble.c t/bench/flood/kind_good.c t/bench/flood/kind_guess.c \
	t/bench/flood/kind_silent.c t/bench/flood/kind_spam.c \
	t/bench/flood/random.h \
	t/bench/flood/report.c t/bench/flood/report.h \
	t/bench/flood/scenario.c t/bench/flood/scenario.h \
	t/bench/flood/session.c t/bench/flood/session.h \
	t/bench/flood/tally.h \
	t/bench/flood/transaction.c t/bench/flood/transaction.h \
	t/bench/histogram.c t/bench/histogram.h
