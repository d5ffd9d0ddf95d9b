# host: what touches this machine, the same for all programs.
noinst_LIBRARIES += host/libhost.a
host_libhost_a_CPPFLAGS = $(AM_CPPFLAGS)
host_libhost_a_CFLAGS = $(AM_CFLAGS)
host_libhost_a_SOURCES = \
	host/clock.c host/clock.h \
	host/count.c host/count.h \
	host/decision_log.c host/decision_log.h \
	host/count_verdict.c host/count_verdict.h \
	host/history_guard.c host/history_guard.h \
	host/file_watch.c host/file_watch.h \
	host/hostname.c host/hostname.h \
	host/inode_set.c host/inode_set.h \
	host/listen_drops.c host/listen_drops.h \
	host/listen_socket.c host/listen_socket.h \
	host/log.c host/log.h \
	host/master_process.c host/master_process.h \
	host/netlink.c host/netlink.h \
	host/port_sensor.c host/port_sensor.h \
	host/own_addresses.c host/own_addresses.h \
	host/own_numbers.c host/own_numbers.h \
	host/privileges.c host/privileges.h \
	host/program.c host/program.h \
	host/process_id.c host/process_id.h \
	host/proc_tcp.c host/proc_tcp.h \
	host/session_watch.c host/session_watch.h \
	host/slot_limit.c host/slot_limit.h \
	host/smtpd_processes.c host/smtpd_processes.h \
	host/sock_destroy.c host/sock_destroy.h host/sock_destroy_probe.c \
	host/sock_diag.c host/sock_diag.h \
	host/stress_limits.c host/stress_limits.h \
	host/stress_monitor.c host/stress_monitor.h \
	host/stress_outside.c host/stress_outside.h \
	host/stress_service.c host/stress_service.h \
	host/subprocess.c host/subprocess.h \
	host/unix_queue.c host/unix_queue.h
