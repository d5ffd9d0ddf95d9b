# common: pure decisions, parsing, formats, configuration. Links alone.
noinst_LIBRARIES += common/libcommon.a
common_libcommon_a_SOURCES = \
	common/access_list.c common/access_list.h \
	common/address.c common/address.h \
	common/breaker.c common/breaker.h \
	common/buffer.c common/buffer.h \
	common/cache_memory.c common/cache_memory.h \
	common/client_cache.c common/client_cache.h \
	common/client_class.c common/client_class.h \
	common/client_key.c \
	common/client_keys.c common/client_keys.h \
	common/client_record.c common/client_record.h \
	common/cluster.c common/cluster.h \
	common/config.c common/config_file.c common/config.h \
	common/decide.c common/decide.h \
	common/counter.c common/counter.h common/counter.def \
	common/counter_field.c common/counter_field.h \
	common/counter_flush.c common/counter_flush.h \
	common/counter_snapshot.c common/counter_snapshot.h \
	common/counter_select.c common/counter_select.h \
	common/report.c common/report_advice.c common/report.h \
	common/counter_label.c common/counter_label.h common/counter_label.def \
	common/decision_json.c common/decision_json.h \
	common/dnsbl_name.c common/dnsbl_name.h \
	common/duration.c common/duration.h \
	common/dns_message.c common/dns_message.h \
	common/endpoint.c common/endpoint.h \
	common/error.c common/error.h \
	common/error_list.c common/error_list.h \
	common/escape.c common/escape.h \
	common/host_lease.c common/host_lease.h \
	common/host_state.c common/host_state.h \
	common/http_request.c common/http_request.h \
	common/json_duplicates.c common/json_duplicates.h \
	common/l1_store.c common/l1_store.h \
	common/level.c common/level.h \
	common/level_event.c common/level_event.h \
	common/macro.c common/macro.h \
	common/macro_compile.c common/macro_node.h \
	common/macro_start.c common/macro_start.h \
	common/memcache_request.c common/memcache_request.h \
	common/memory.c common/memory.h \
	common/metrics_text.c common/metrics_text.h \
	common/netstring.c common/netstring.h \
	common/newcomers.c common/newcomers.h \
	common/number.c common/number.h \
	common/override.c common/override.h \
	common/policy_reply.c common/policy_reply.h \
	common/policy_request.c common/policy_request.h \
	common/postfix_verify_entry.c common/postfix_verify_entry.h \
	common/pressure_history.c common/pressure_history.h \
	common/rbl_answer.c common/rbl_answer.h \
	common/rbl_check.c common/rbl_check.h \
	common/rbl_evaluate.c common/rbl_evaluate.h \
	common/rbl_filter.c common/rbl_filter.h \
	common/rbl_health.c common/rbl_health.h \
	common/rbl_listing.c common/rbl_listing.h \
	common/rbl_plan.c common/rbl_plan.h \
	common/rbl_reply.c common/rbl_reply.h \
	common/rbl_reply_map.c common/rbl_reply_map.h \
	common/rbl_session.c common/rbl_session.h \
	common/rbl_settings.c common/rbl_settings.h \
	common/rbl_template.c common/rbl_template.h \
	common/rbl_value.c common/rbl_value.h \
	common/rbl_words.c common/rbl_words.h \
	common/recipient_address.c common/recipient_address.h \
	common/recipient_record.c common/recipient_record.h \
	common/reclaim.c common/reclaim.h \
	common/rails.c common/rails.h \
	common/redis_command.c common/redis_command.h \
	common/redis_health.c common/redis_health.h \
	common/redis_keys.c common/redis_keys.h \
	common/sensor.c common/sensor.h \
	common/service_state.c common/service_state.h \
	common/setting_list.c common/setting_object.c common/setting_scalar.c common/setting_text.c \
	common/setting_type.c common/setting_type.h \
	common/settings.c common/settings.h common/settings_groups.c common/settings_man.c \
	common/settings_service.c common/settings_client.def common/settings_decision_log.def common/settings_memcache.def common/settings_http.def common/settings_verify.def common/settings_table.c \
	common/reply_text.c common/reply_text.h \
	common/registered_domain.c common/registered_domain.h \
	common/siphash.c common/siphash.h \
	common/slice.h \
	common/socketmap_request.c common/socketmap_request.h \
	common/stress.c common/stress.h \
	common/utf8.c common/utf8.h \
	common/probe_budget.c common/probe_budget.h \
	common/verify_decide.c common/verify_decide.h \
	common/verify_reply.c common/verify_reply.h \
	common/verify_settings.c common/verify_settings.h \
	common/verdict_log.c common/verdict_log.h
