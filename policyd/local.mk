# policyd: the shell around libevent: policy protocol, Redis, the level.
sbin_PROGRAMS += policyd/postvalve-policyd
policyd_postvalve_policyd_SOURCES = \
	policyd/connection.c policyd/connection.h \
	policyd/connection_set.c policyd/connection_set.h \
	policyd/counters.h \
	policyd/gather.c policyd/gather.h \
	policyd/host_record.c policyd/host_record.h \
	policyd/level_watch.c policyd/level_watch.h \
	policyd/listener.c policyd/listener.h \
	policyd/main.c \
	policyd/peer.c policyd/peer.h \
	policyd/redis_async.c policyd/redis_async.h \
	policyd/redis_request.c policyd/redis_request.h \
	policyd/server.c policyd/server.h \
	policyd/session_memory.c policyd/session_memory.h \
	policyd/spawn.c policyd/spawn.h \
	policyd/store.c policyd/store.h
policyd_postvalve_policyd_LDADD = redis/libredislink.a host/libhost.a common/libcommon.a \
	$(LIBEVENT_LIBS) $(HIREDIS_LIBS) $(JANSSON_LIBS) $(PSL_LIBS)
