package Postvalve::Stress;

# What tests of the stress condition share: silent clients that take slots, and the level as
# the daemons publish it.
#
#   my @sessions = Postvalve::Stress::take($postfix, SLOTS);
#   my $seen_ms = Postvalve::Stress::level_after($redis, 'mx1', qr/stressed|critical/, now_s());

use strict;
use warnings;

use IO::Socket::INET ();
use Postvalve::Daemon ();
use Postvalve::Smtp ();
use Postvalve::Test ();
use Time::HiRes ();

# Silent clients of different addresses that have taken so many slots: each has its banner.
sub take {
    my ($postfix, $count, $net) = @_;
    $net //= 60;
    return map {
        my $smtp = Postvalve::Smtp->new(port => $postfix->port, source => "127.$net.0.$_");
        $smtp->banner->code == 220 or die 'take: ' . $smtp->banner->text;
        $smtp;
    } 1 .. $count;
}

# A host without a Postfix: a listener of our own, whose connections are its busy slots, and both
# daemons, not started. slot_limit; anything else is configuration.
sub host {
    my ($redis, $name, %config) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64)
        or die "listen: $!";
    my %common = (
        host    => $name,
        service => { port => $listener->sockport, slot_limit => delete $config{slot_limit} // 10 },
        level   => { sustain_ms => 100, hold_s => 1 },
        %config,
    );
    return {
        name     => $name,
        listener => $listener,
        map { $_ => Postvalve::Daemon->new($_, redis => $redis, config => {%common}) }
            qw(policyd milter),
    };
}

# So many of its slots are busy.
sub occupy {
    my ($host, $count) = @_;
    my $held = $host->{held} //= [];
    pop @{$held} while @{$held} > $count;
    while (@{$held} < $count) {
        my $client = IO::Socket::INET->new(
            PeerAddr => '127.0.0.1', PeerPort => $host->{listener}->sockport) or die "connect: $!";
        push @{$held}, [ $client, scalar $host->{listener}->accept ];
    }
    return;
}

# Connections of a port that a process of ours still has: on a busy machine smtpd takes a while
# to see that its client has gone.
sub connections {
    my ($port) = @_;
    my $hex = sprintf '%04X', $port;
    my @lines = map { split /\n/, Postvalve::Test::slurp("/proc/net/$_") } qw(tcp tcp6);
    return scalar grep { /\A\s*\d+: \S+:$hex \S+ (?:01|08) / } @lines;
}

# Wall-clock milliseconds, as in the ids of events.
sub wall_ms { return int(1000 * Time::HiRes::time()) }

# The changes of level that a host told since then, oldest first: hashes of an event's fields,
# with ms, when Redis heard of it. So it does not matter when we look.
sub changes {
    my ($redis, $host, $service, $since_ms) = @_;
    my @found;
    for my $entry (@{ $redis->command('XRANGE', 'pv:events', $since_ms, '+') }) {
        my %field = @{ $entry->[1] };
        next if $field{type} ne 'level' || $field{host} ne $host || $field{service} ne $service;
        push @found, { %field, ms => (split /-/, $entry->[0])[0] };
    }
    return @found;
}

# The first of them to one of these levels; undef: none in time.
sub change_to {
    my ($redis, $host, $service, $pattern, $since_ms, $deadline_s) = @_;
    my $found;
    Postvalve::Test::wait_until(
        sub {
            ($found) = grep { $_->{to} =~ /\A(?:$pattern)\z/ } changes($redis, $host, $service, $since_ms);
            return $found;
        },
        $deadline_s // 10,
        "$service of $host: $pattern"
    );
    return $found;
}

# A record as the script writes it, as a hash.
sub record {
    my ($redis, $host) = @_;
    return { @{ $redis->command('HGETALL', "pv:host:$host") } };
}

# Milliseconds from begin_s until the level is one of those; undef: not within 10 s.
sub level_after {
    my ($redis, $host, $pattern, $begin_s, $deadline_s) = @_;
    return field_after($redis, $host, 'level', $pattern, $begin_s, $deadline_s);
}

sub field_after {
    my ($redis, $host, $field, $pattern, $begin_s, $deadline_s) = @_;
    my $end_s = Postvalve::Test::now_s() + ($deadline_s // 10);
    while (Postvalve::Test::now_s() < $end_s) {
        my $value = $redis->command('HGET', "pv:host:$host", $field) // '';
        return 1000 * (Postvalve::Test::now_s() - $begin_s) if $value =~ /\A(?:$pattern)\z/;
        Time::HiRes::sleep(0.005);
    }
    return undef;
}

1;
