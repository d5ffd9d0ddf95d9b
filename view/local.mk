# view: what postvalvectl and the page show, read from Redis, as JSON.
noinst_LIBRARIES += view/libview.a
view_libview_a_SOURCES = \
	view/counter_view.c view/counter_view.h \
	view/event_view.c view/event_view.h \
	view/explain.c view/explain.h view/explain_json.c \
	view/explain_lists.c view/explain_lists.h \
	view/explain_recipient.c view/explain_recipient.h \
	view/history_view.c view/history_view.h \
	view/host_view.c view/host_view.h \
	view/host_view_json.c view/host_view_json.h \
	view/metrics_view.c view/metrics_view.h \
	view/minutes_view.c view/minutes_view.h \
	view/override_view.c view/override_view.h \
	view/rbl_view.c view/rbl_view.h \
	view/redis_clock.c view/redis_clock.h \
	view/redis_session.c view/redis_session.h \
	view/top_sessions.c view/top_sessions.h
