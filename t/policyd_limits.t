#!/usr/bin/perl
# What policyd does at its bounds: connections, file descriptors, memory.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::PolicyClient;
use Postvalve::Test;

# The address sanitizer takes memory of its own.
my $is_sanitized = slurp(program('policyd')) =~ /__asan_init/;

sub client {
    my ($policyd) = @_;
    return Postvalve::PolicyClient->new($policyd->endpoint);
}

sub resident_kib {
    my ($pid) = @_;
    return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : die 'no VmRSS';
}

sub cpu_s {
    my ($pid) = @_;
    my @fields = split ' ', slurp("/proc/$pid/stat") =~ s/.*\) //r;
    return ($fields[11] + $fields[12]) / 100;
}

subtest 'max_connections: the longest idle client makes room' => sub {
    my $policyd =
        Postvalve::Daemon->new('policyd', config => { policyd => { max_connections => 5 } })
        ->start;
    my @clients;
    wait_until { eval { @clients = map { client($policyd) } 1 .. 5 }; @clients == 5 } 5;
    is $_->request, 'DUNNO', 'a client' for @clients;
    is $clients[0]->request, 'DUNNO', 'the first asks again';
    my $new = client($policyd);
    is $new->request, 'DUNNO', 'one more is served';
    ok $clients[1]->is_closed(5), 'the one that asked longest ago is closed';
    is $clients[$_]->request, 'DUNNO', "number $_ is not" for 0, 2, 3, 4;
    is $policyd->stop, 0, 'ends in order';
    like $policyd->log_text, qr/made_room=[12]\b/, 'and is counted';
};

subtest 'out of file descriptors' => sub {
    my $policyd = Postvalve::Daemon->new(
        'policyd',
        command =>
            [ 'sh', '-c', 'ulimit -n 40; exec "$@"', 'sh', Postvalve::Test::program('policyd') ]
    )->start;
    my @clients = map { client($policyd) } 1 .. 60;
    is $clients[-1]->request, 'DUNNO', 'the newest client is served';
    my $open = grep { !$_->is_closed } @clients;
    cmp_ok $open, '>', 15, "$open clients stay";
    cmp_ok $open, '<', 40, 'others made room';

    # Those with half a request go too; when none is left to go, accepting pauses.
    my $before_s = cpu_s($policyd->pid);
    select undef, undef, undef, 0.5;
    cmp_ok cpu_s($policyd->pid) - $before_s, '<', 0.2, 'and nothing spins';
    $_->close for @clients;
    is client($policyd)->request, 'DUNNO', 'it recovers';
    is $policyd->stop, 0, 'ends in order';
};

subtest 'an idle connection costs little' => sub {
    my $policyd = Postvalve::Daemon->new('policyd')->start;
    my @warm = map { client($policyd) } 1 .. 100;
    $_->request for @warm;
    my $before = resident_kib($policyd->pid);
    my @clients = map { client($policyd) } 1 .. 800;
    $_->request for @clients;
    my $each = (resident_kib($policyd->pid) - $before) * 1024 / @clients;
    cmp_ok $each, '<', 2048, sprintf '%d bytes each', $each
        if !$is_sanitized;
    $_->send_raw('x=' . 'y' x 30000) for @clients[ 0 .. 99 ];
    $_->send_raw("\nrequest=smtpd_access_policy\n\n") for @clients[ 0 .. 99 ];
    is scalar(grep { ($_->read_action // '') eq 'DUNNO' } @clients[ 0 .. 99 ]), 100,
        'large requests in pieces';
    is $policyd->stop, 0, 'ends in order';
};

finish();
