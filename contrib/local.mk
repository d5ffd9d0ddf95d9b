# contrib: what an administrator copies or runs.
EXTRA_DIST += contrib/quickstart contrib/runtests contrib/lib/packages.sh contrib/lib/quickstart.pl \
	$(wildcard $(srcdir)/contrib/lib/Quickstart/*.pm) \
	contrib/logrotate/postvalve $(wildcard $(srcdir)/contrib/prometheus/*) $(wildcard $(srcdir)/contrib/grafana/*) $(wildcard $(srcdir)/contrib/postfix/*) $(wildcard $(srcdir)/contrib/systemd/*)
