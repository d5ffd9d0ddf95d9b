# t: all tests, TAP under prove. C unit tests link the pure library alone, unless they say more.
LDADD = common/libcommon.a $(JANSSON_LIBS) $(PSL_LIBS)

UNIT_TESTS = \
	t/fuzz/config_fuzz \
	t/fuzz/counter_field_fuzz \
	t/fuzz/dns_message_fuzz \
	t/fuzz/host_state_fuzz \
	t/fuzz/http_request_fuzz \
	t/fuzz/macro_fuzz \
	t/fuzz/memcache_request_fuzz \
	t/fuzz/policy_request_fuzz \
	t/fuzz/rbl_filter_fuzz \
	t/fuzz/rbl_reply_map_fuzz \
	t/fuzz/socketmap_request_fuzz \
	t/unit/access_list_test \
	t/unit/address_test \
	t/unit/breaker_test \
	t/unit/buffer_test \
	t/unit/cache_memory_test \
	t/unit/client_cache_test \
	t/unit/client_class_test \
	t/unit/client_record_test \
	t/unit/config_file_test \
	t/unit/counter_field_test \
	t/unit/counter_flush_test \
	t/unit/counter_test \
	t/unit/decide_rbl_test \
	t/unit/decision_log_test \
	t/unit/decide_test \
	t/unit/dnsbl_name_test \
	t/unit/duration_test \
	t/unit/dns_message_test \
	t/unit/endpoint_test \
	t/unit/escape_test \
	t/unit/host_state_test \
	t/unit/http_request_test \
	t/unit/json_duplicates_test \
	t/unit/l1_store_test \
	t/unit/level_test \
	t/unit/listen_drops_test \
	t/unit/listen_socket_test \
	t/unit/log_test \
	t/unit/macro_start_test \
	t/unit/macro_test \
	t/unit/memcache_request_test \
	t/unit/milter_live_config_test \
	t/unit/milter_reply_test \
	t/unit/milter_session_table_test \
	t/unit/milter_session_test \
	t/unit/netstring_test \
	t/unit/override_test \
	t/unit/own_addresses_test \
	t/unit/policy_reply_test \
	t/unit/policy_request_test \
	t/unit/policyd_connection_test \
	t/unit/postfix_verify_entry_test \
	t/unit/port_sensor_test \
	t/unit/pressure_history_test \
	t/unit/privileges_test \
	t/unit/rbl_answer_test \
	t/unit/rbl_check_test \
	t/unit/rbl_evaluate_test \
	t/unit/rbl_filter_test \
	t/unit/rbl_health_test \
	t/unit/rbl_plan_test \
	t/unit/rbl_reply_map_test \
	t/unit/rbl_reply_test \
	t/unit/rbl_session_test \
	t/unit/rbl_settings_test \
	t/unit/rbl_template_test \
	t/unit/rbl_value_test \
	t/unit/rbl_words_test \
	t/unit/recipient_address_test \
	t/unit/recipient_record_test \
	t/unit/report_test \
	t/unit/reclaim_test \
	t/unit/newcomers_test \
	t/unit/rails_test \
	t/unit/redis_health_test \
	t/unit/redis_keys_test \
	t/unit/sensor_test \
	t/unit/registered_domain_test \
	t/unit/reply_text_test \
	t/unit/session_watch_test \
	t/unit/settings_test \
	t/unit/settings_wrong_test \
	t/unit/slot_limit_test \
	t/unit/smtpd_processes_test \
	t/unit/sock_destroy_test \
	t/unit/sock_diag_test \
	t/unit/socketmap_request_test \
	t/unit/stress_monitor_test \
	t/unit/stress_published_test \
	t/unit/stress_test \
	t/unit/utf8_test \
	t/unit/verify_decide_test \
	t/unit/verify_reply_test
check_PROGRAMS += $(UNIT_TESTS)

# The machine layer, on the machine.
HOST_TEST_LDADD = host/libhost.a $(LDADD)
t_unit_decision_log_test_LDADD = $(HOST_TEST_LDADD) -lpthread
t_unit_listen_drops_test_LDADD = $(HOST_TEST_LDADD)
t_unit_listen_socket_test_LDADD = $(HOST_TEST_LDADD)
t_unit_log_test_LDADD = $(HOST_TEST_LDADD)
t_unit_own_addresses_test_LDADD = $(HOST_TEST_LDADD)
t_unit_port_sensor_test_LDADD = $(HOST_TEST_LDADD) -lpthread
t_unit_privileges_test_LDADD = $(HOST_TEST_LDADD)
t_unit_slot_limit_test_LDADD = $(HOST_TEST_LDADD)
t_unit_smtpd_processes_test_LDADD = $(HOST_TEST_LDADD)
t_unit_sock_destroy_test_LDADD = $(HOST_TEST_LDADD)
t_unit_stress_monitor_test_LDADD = $(HOST_TEST_LDADD) -lpthread
t_unit_stress_published_test_LDADD = $(HOST_TEST_LDADD) -lpthread
t_unit_session_watch_test_LDADD = $(HOST_TEST_LDADD)
t_unit_sock_diag_test_LDADD = $(HOST_TEST_LDADD)

# Small programs that tests run.
check_PROGRAMS += t/tools/sensor_read
t_tools_sensor_read_LDADD = $(HOST_TEST_LDADD) -lpthread
check_PROGRAMS += t/tools/rbl_tool t/tools/recipient_tool
check_PROGRAMS += t/tools/host_state_tool t/tools/stress_watch
t_tools_stress_watch_LDADD = $(HOST_TEST_LDADD) -lpthread
REDIS_TOOL_LDADD = redis/libredislink.a $(HOST_TEST_LDADD) $(HIREDIS_LIBS)
check_PROGRAMS += t/tools/redis_link_tool t/tools/redis_async_tool
t_tools_redis_link_tool_SOURCES = t/tools/redis_link_tool.c t/tools/redis_tool.c t/tools/redis_tool.h
t_tools_redis_link_tool_LDADD = $(REDIS_TOOL_LDADD) -lpthread
t_tools_redis_async_tool_SOURCES = t/tools/redis_async_tool.c t/tools/redis_tool.c \
	policyd/redis_async.c policyd/redis_request.c
t_tools_redis_async_tool_LDADD = $(REDIS_TOOL_LDADD) $(LIBEVENT_LIBS)

# Policy connections, with libevent and a gather of the test's own.
t_unit_policyd_connection_test_SOURCES = t/unit/policyd_connection_test.c \
	policyd/connection.c policyd/connection_set.c policyd/peer.c
t_unit_policyd_connection_test_LDADD = host/libhost.a common/libcommon.a $(LIBEVENT_LIBS)

# Parts of the milter that know no libmilter.
t_unit_milter_live_config_test_SOURCES = t/unit/milter_live_config_test.c milter/live_config.c
t_unit_milter_reply_test_SOURCES = t/unit/milter_reply_test.c milter/reply.c
t_unit_milter_session_table_test_SOURCES = t/unit/milter_session_table_test.c \
	milter/session.c milter/session_table.c
t_unit_milter_session_test_SOURCES = t/unit/milter_session_test.c milter/session.c

# Fuzzers, with the driver that replays their corpus.
t_fuzz_config_fuzz_SOURCES = t/fuzz/config_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_dns_message_fuzz_SOURCES = t/fuzz/dns_message_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_memcache_request_fuzz_SOURCES = t/fuzz/memcache_request_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_policy_request_fuzz_SOURCES = t/fuzz/policy_request_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_rbl_filter_fuzz_SOURCES = t/fuzz/rbl_filter_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_counter_field_fuzz_SOURCES = t/fuzz/counter_field_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_host_state_fuzz_SOURCES = t/fuzz/host_state_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_http_request_fuzz_SOURCES = t/fuzz/http_request_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_macro_fuzz_SOURCES = t/fuzz/macro_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_rbl_reply_map_fuzz_SOURCES = t/fuzz/rbl_reply_map_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
t_fuzz_socketmap_request_fuzz_SOURCES = t/fuzz/socketmap_request_fuzz.c t/fuzz/replay.c t/fuzz/fuzz.h
EXTRA_DIST += $(wildcard $(srcdir)/t/fuzz/*_corpus/*)

include $(srcdir)/t/bench/local.mk

EXTRA_DIST += t/unit/tap.h t/unit/tcp.h t/unit/stress_bed.h \
	$(wildcard $(srcdir)/t/*.t) $(wildcard $(srcdir)/t/lint/*) $(wildcard $(srcdir)/t/lib/Postvalve/*.pm)

# What `make check` runs: SELECTION=unit for the fast part, SELECTION="a.t b.t" for some.
TESTS_unit = $(UNIT_TESTS)
TESTS_all = $(TESTS_unit) $(sort $(wildcard $(srcdir)/t/*.t) $(wildcard $(srcdir)/t/lint/*.t))
# Under sanitizers: the unit tests, and the daemons against a real Redis and Postfix.
TESTS_sanitized = $(TESTS_unit) $(sort $(wildcard $(srcdir)/t/policyd_*.t $(srcdir)/t/milter_*.t \
	$(srcdir)/t/redis_*.t))
SELECTION = all

.PHONY: check-programs
check-programs: $(check_PROGRAMS)

.PHONY: check-tap
check-local: check-tap
check-tap: all $(check_PROGRAMS)
	PV_BUILDDIR=$(abs_top_builddir) PV_SRCDIR=$(abs_top_srcdir) \
		$(PROVE) -I$(srcdir)/t/lib --timer --nocount $(PROVE_FLAGS) $(if $(TESTS_$(SELECTION)),$(TESTS_$(SELECTION)),$(SELECTION))
include $(srcdir)/t/bench/flood/local.mk
include $(srcdir)/t/bench/sensor/local.mk
