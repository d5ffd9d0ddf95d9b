#!/usr/bin/perl
# cluster.follow: what the stress of other hosts does to the level of this one. Hosts that lie or
# die do not pin it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::PolicyClient ();
use Postvalve::Redis ();
use Postvalve::Stress ();
use Postvalve::Test;

use constant { WAIT_S => 30, SLOTS => 10 };

my $redis = Postvalve::Redis->new->start;
my %host  = map { $_ => Postvalve::Stress::host($redis, $_,
        cluster => { follow => $_ eq 'mx1' ? 'elevated' : 'off', follow_share => 0.5 }) }
    qw(mx1 mx2 mx3 mx4);

sub is_so {
    my ($name, %wanted) = @_;
    return wait_ok {
        my $record = Postvalve::Stress::record($redis, $name);
        return !grep { ($record->{$_} // '') !~ /\A(?:$wanted{$_})\z/ } keys %wanted;
    } WAIT_S, "$name: " . join ' ', map {"$_=$wanted{$_}"} sort keys %wanted;
}

# Its level does not change while others are read several times.
sub stays {
    my ($name, $level, $what) = @_;
    my $begin_ms = Postvalve::Stress::wall_ms();
    my $begin_s  = now_s();
    my @other;
    while (now_s() < $begin_s + 1) {
        my $found = Postvalve::Stress::record($redis, $name)->{level} // '(none)';
        push @other, $found if $found ne $level;
        Time::HiRes::sleep(0.05);
    }
    return is "@other", '', $what;
}

# A bot is hung up on from elevated on.
my $bot = '192.0.2.66';
$redis->command('HSET', "pv:client:$bot", silent => 50, first => time - 100, last => time);
sub ask {
    return Postvalve::PolicyClient->new($host{mx1}{policyd}->endpoint)->request(
        client_address => $bot, server_port => $host{mx1}{listener}->sockport) // '(closed)';
}

$_->{policyd}->start for values %host;
is_so('mx1', publisher => 'policyd', level => 'calm', cluster_hosts => 3, cluster_stressed => 0);

# A host that says what it likes, with a time that Redis' clock has not reached: it is no host. As
# long as it keeps to the lease it is one, and one is not enough.
sub lie {
    my ($name, $ahead_ms) = @_;
    my ($now_s, $us) = @{ $redis->command('TIME') };
    $redis->command('ZADD', 'pv:hosts', $now_s, $name);
    $redis->command('HSET', "pv:host:$name", publisher => 'policyd', id => "$name:1", level => 'critical',
        pressure => 99, renewed_ms => 1000 * $now_s + int($us / 1000) + $ahead_ms);
    return;
}
lie($_, 3_600_000) for qw(future1 future2 future3);
stays('mx1', 'calm', 'hosts from the future are not heard');
is_so('mx1', cluster_hosts => 3, cluster_stressed => 0);
lie('liar', 0);
is_so('mx1', cluster_hosts => 4, cluster_stressed => 1, cluster_highest => 'critical');
stays('mx1', 'calm', 'one host raises nothing');

$redis->command('DEL', 'pv:host:liar');
is_so('mx1', cluster_hosts => 3, cluster_stressed => 0);

Postvalve::Stress::occupy($host{mx2}, SLOTS);
is_so('mx2', level => 'critical');
is_so('mx1', cluster_stressed => 1);
stays('mx1', 'calm', 'one that is honest neither');
is ask(), 'DUNNO', 'a bot is in';
Postvalve::Stress::occupy($host{mx3}, SLOTS);
is_so('mx1', level => 'elevated', level_source => 'cluster', cluster_stressed => 2, busy => 0);
like ask(), qr/\A521/, 'with two a bot is out';
stays('mx1', 'elevated', 'more than elevated it never gets by them');
is_so('mx4', level => 'calm', cluster_stressed => 2);    # follows nobody

$host{mx1}{policyd}->configure({ cluster => { follow => 'off' } });
$host{mx1}{policyd}->reload;
is_so('mx1', level => 'calm', level_source => 'sensors', cluster_stressed => 2);
$host{mx1}{policyd}->configure({ cluster => { follow => 'elevated' } });
$host{mx1}{policyd}->reload;
is_so('mx1', level => 'elevated', level_source => 'cluster');

# One of them dies while it is stressed.
$host{mx3}{policyd}->kill9;
my $dead_s = now_s();
is_so('mx1', level => 'calm', level_source => 'sensors', cluster_hosts => 2, cluster_stressed => 1);
cmp_ok now_s() - $dead_s, '<', 13, 'a dead host is heard no longer than its lease';
is ask(), 'DUNNO', '... and the bot is in again';

finish();
