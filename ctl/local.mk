# ctl: postvalvectl, a file a command.
bin_PROGRAMS += ctl/postvalvectl
ctl_postvalvectl_SOURCES = \
	ctl/arguments.c ctl/arguments.h \
	ctl/command_access.c \
	ctl/command_check_config.c \
	ctl/command_explain.c \
	ctl/command_help.c \
	ctl/command_override.c \
	ctl/command_postfix_stress.c \
	ctl/command_rbl.c \
	ctl/command_settings.c \
	ctl/command_report.c \
	ctl/command_stats.c \
	ctl/command_status.c \
	ctl/command_top.c \
	ctl/command_verify.c \
	ctl/commands.c ctl/commands.h \
	ctl/explain_text.c ctl/explain_text.h \
	ctl/main.c \
	ctl/override_text.c ctl/override_text.h \
	ctl/row.c ctl/row.h \
	ctl/report.h ctl/report_html.c ctl/report_text.c \
	ctl/stats.c ctl/stats.h \
	ctl/status.c ctl/status.h \
	ctl/status_json.c \
	ctl/status_text.c \
	ctl/target.c ctl/target.h \
	ctl/top.c ctl/top.h ctl/top_frame.c ctl/top_screen.c
ctl_postvalvectl_LDADD = view/libview.a redis/libredislink.a host/libhost.a common/libcommon.a \
	$(HIREDIS_LIBS) $(JANSSON_LIBS) $(PSL_LIBS) -lpthread
