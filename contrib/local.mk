# contrib: what an administrator copies or runs.
EXTRA_DIST += contrib/quickstart contrib/runtests contrib/lib/packages.sh \
	$(wildcard $(srcdir)/contrib/postfix/*) $(wildcard $(srcdir)/contrib/systemd/*)
