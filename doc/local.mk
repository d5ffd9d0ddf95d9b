# doc: manual pages, a configuration to begin with. The settings in postvalve.json(5) come from
# the table that the programs use; the page is distributed, so that an archive builds as it is.
dist_man_MANS += doc/postvalvectl.1 doc/postvalve.json.5 doc/postvalve-milter.8 doc/postvalve-policyd.8
dist_doc_DATA += doc/postvalve.json.sample
EXTRA_DIST += doc/postvalve.json.5.in $(wildcard $(srcdir)/doc/*.md) \
	$(wildcard $(srcdir)/doc/screenshots/*.png)
MAINTAINERCLEANFILES = doc/postvalve.json.5

doc/postvalve.json.5: $(srcdir)/doc/postvalve.json.5.in $(srcdir)/common/settings_table.c $(srcdir)/common/settings_service.c $(srcdir)/common/settings_groups.c $(srcdir)/common/settings_client.def $(srcdir)/common/settings_decision_log.def $(srcdir)/common/settings_memcache.def $(srcdir)/common/settings_http.def $(srcdir)/common/settings_verify.def | ctl/postvalvectl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) doc && { \
		sed '/^@SETTINGS@$$/,$$d' $(srcdir)/doc/postvalve.json.5.in && \
		ctl/postvalvectl$(EXEEXT) settings --man && \
		sed '1,/^@SETTINGS@$$/d' $(srcdir)/doc/postvalve.json.5.in; \
	} > $@.new && mv $@.new $@
