# milter: the shell around libmilter.
sbin_PROGRAMS += milter/postvalve-milter
milter_postvalve_milter_SOURCES = \
	milter/access_watch.c milter/access_watch.h \
	milter/admission.c milter/admission.h \
	milter/callbacks.c milter/callbacks.h \
	milter/history.c milter/history.h \
	milter/host_link.c milter/host_link.h \
	milter/housekeeping.c milter/housekeeping.h \
	milter/limits.c milter/limits.h \
	milter/listener.c milter/listener.h \
	milter/live_config.c milter/live_config.h \
	milter/main.c \
	milter/milter.h \
	milter/negotiate.c milter/negotiate.h \
	milter/newcomer_watch.c milter/newcomer_watch.h \
	milter/reclaimer.c milter/reclaimer.h \
	milter/recipients.c milter/recipients.h \
	milter/reply.c milter/reply.h \
	milter/session.c milter/session.h \
	milter/session_count.c milter/session_count.h \
	milter/session_table.c milter/session_table.h \
	milter/signals.c milter/signals.h \
	milter/top.c milter/top.h
milter_postvalve_milter_LDADD = redis/libredislink.a host/libhost.a common/libcommon.a \
	$(MILTER_LIBS) $(HIREDIS_LIBS) $(JANSSON_LIBS) $(PSL_LIBS) -lpthread
