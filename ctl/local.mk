# ctl: postvalvectl, a file a command.
bin_PROGRAMS += ctl/postvalvectl
ctl_postvalvectl_SOURCES = \
	ctl/arguments.c ctl/arguments.h \
	ctl/command_check_config.c \
	ctl/command_help.c \
	ctl/command_settings.c \
	ctl/command_status.c \
	ctl/commands.c ctl/commands.h \
	ctl/main.c \
	ctl/status.c ctl/status.h \
	ctl/status_json.c \
	ctl/status_text.c
ctl_postvalvectl_LDADD = redis/libredislink.a host/libhost.a common/libcommon.a \
	$(HIREDIS_LIBS) $(JANSSON_LIBS) -lpthread
