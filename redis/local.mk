# redis: hiredis behind deadline and breaker, blocking for threads; what all connections share.
noinst_LIBRARIES += redis/libredislink.a
redis_libredislink_a_CPPFLAGS = $(AM_CPPFLAGS)
redis_libredislink_a_CFLAGS = $(AM_CFLAGS)
redis_libredislink_a_SOURCES = \
	redis/access_memory.c redis/access_memory.h \
	redis/host_events.c redis/host_events.h \
	redis/host_exchange.c redis/host_exchange.h \
	redis/name_lookup.c redis/name_lookup.h \
	redis/redis_connection.c redis/redis_connection.h \
	redis/redis_link.c redis/redis_link.h \
	redis/redis_pool.c redis/redis_pool.h \
	redis/redis_reply.c redis/redis_reply.h \
	redis/redis_server.c redis/redis_server.h \
	redis/redis_writer.c redis/redis_writer.h
