#!/usr/bin/perl
# The alert rules: that Prometheus takes them, and when each fires.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Test;

my $rules = top_srcdir() . '/contrib/prometheus';

for my $command ([ qw(check rules), "$rules/postvalve.rules.yml" ], [ qw(test rules), "$rules/postvalve.test.yml" ]) {
    my ($status, $output) = run_command([ 'promtool', @{$command} ]);
    is $status, 0, "promtool @{$command}[0, 1]" or diag $output;
}

my %tested = map { $_ => 1 } slurp("$rules/postvalve.test.yml") =~ /alertname: (\w+)/g;
my @alerts = slurp("$rules/postvalve.rules.yml") =~ /- alert: (\w+)/g;
is_deeply [ grep { !$tested{$_} } @alerts ], [], 'each alert has a test';

finish();
