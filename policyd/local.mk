# policyd: the shell around libevent: policy protocol, Redis, the level.
sbin_PROGRAMS += policyd/postvalve-policyd
policyd_postvalve_policyd_SOURCES = \
	policyd/announcements.c policyd/announcements.h \
	policyd/api.c policyd/api.h \
	policyd/connection.c policyd/connection.h \
	policyd/connection_set.c policyd/connection_set.h \
	policyd/counter_writer.c policyd/counter_writer.h \
	policyd/dns_resolver.c policyd/dns_resolver.h \
	policyd/gather.c policyd/gather.h \
	policyd/gather_rbl.c policyd/gather_rbl.h \
	policyd/gather_verify.c policyd/gather_verify.h \
	policyd/host_record.c policyd/host_record.h \
	policyd/http_metrics.c policyd/http_metrics.h \
	policyd/http_answer.c policyd/http_answer.h \
	policyd/http_server.c policyd/http_server.h \
	policyd/inquiry.c policyd/inquiry.h \
	policyd/listener.c policyd/listener.h \
	policyd/main.c \
	policyd/memcache_server.c policyd/memcache_server.h \
	policyd/page_files.h \
	policyd/peer.c policyd/peer.h \
	policyd/probe_watch.c policyd/probe_watch.h \
	policyd/rbl_cache.c policyd/rbl_cache.h \
	policyd/rbl_engine.c policyd/rbl_engine.h \
	policyd/rbl_fetch.c policyd/rbl_fetch.h \
	policyd/rbl_lists.c policyd/rbl_lists.h \
	policyd/rbl_lookup.c policyd/rbl_lookup.h \
	policyd/rbl_share.c policyd/rbl_share.h \
	policyd/redis_async.c policyd/redis_async.h \
	policyd/redis_request.c policyd/redis_request.h \
	policyd/redis_text.c policyd/redis_text.h \
	policyd/server.c policyd/server.h \
	policyd/session_memory.c policyd/session_memory.h \
	policyd/shared_cache.c policyd/shared_cache.h \
	policyd/socketmap_maps.c policyd/socketmap_maps.h \
	policyd/socketmap_server.c policyd/socketmap_server.h \
	policyd/spawn.c policyd/spawn.h \
	policyd/store.c policyd/store.h \
	policyd/stress_timer.c policyd/stress_timer.h \
	policyd/stream_server.c policyd/stream_server.h \
	policyd/verify_memory.c policyd/verify_memory.h \
	policyd/verify_news.c policyd/verify_news.h
policyd_postvalve_policyd_LDADD = view/libview.a redis/libredislink.a host/libhost.a \
	common/libcommon.a $(LIBEVENT_LIBS) $(CARES_LIBS) $(HIREDIS_LIBS) $(JANSSON_LIBS) $(PSL_LIBS) -lpthread

# The page, as a part of the program.
PAGE_FILES = policyd/page/index.html policyd/page/page.css policyd/page/page.js \
	policyd/page/chart.js policyd/page/explain.js policyd/page/words.js policyd/page/icon.svg
EXTRA_DIST += $(PAGE_FILES) policyd/page/embed
nodist_policyd_postvalve_policyd_SOURCES = policyd/page_files.c
CLEANFILES += policyd/page_files.c
policyd/page_files.c: $(PAGE_FILES) policyd/page/embed
	$(AM_V_GEN)$(MKDIR_P) policyd && cd $(srcdir) && \
		sh policyd/page/embed $(PAGE_FILES) >$(abs_builddir)/$@.new && \
		mv $(abs_builddir)/$@.new $(abs_builddir)/$@
