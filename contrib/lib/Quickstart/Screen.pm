package Quickstart::Screen;

# What the demonstration prints, in 80 columns.

use strict;
use warnings;

use List::Util qw(sum0);
use Postvalve::Test ();
use Quickstart::Flood ();

my @bot_groups  = qw(silent guess);
my @mail_groups = qw(calm good);

sub _paint {
    my ($code, $text) = @_;
    return -t STDOUT && ($ENV{TERM} // 'dumb') ne 'dumb' ? "\e[${code}m$text\e[0m" : $text;
}

sub _time {
    my ($ms) = @_;
    return $ms < 0.1 ? '<0.1 ms' : $ms < 100 ? sprintf('%.1f ms', $ms)
        : $ms < 1000 ? sprintf('%.0f ms', $ms) : sprintf '%.1f s', $ms / 1000;
}

sub _sum {
    my ($second, $counter, @groups) = @_;
    return sum0 map { $second->{groups}{$_}{$counter} } @groups;
}

sub print_introduction {
    my ($seconds) = @_;
    my ($first, $last) = Quickstart::Flood::good_addresses();
    my $bots = Quickstart::Flood::bot_count();
    print <<"END";

A Postfix with 20 smtpd processes (slots) gets good mail from $first to
$last. After 3 seconds $bots bots arrive, each from an address of its own:
most say nothing and hold the slot they got, the others guess recipients; who
is hung up on is back after a second. Two runs of $seconds seconds, without Postvalve
and with it, then both side by side.

In the table: slots in use, clients waiting in the kernel for one, pressure;
bots that hold a slot, and those hung up on this second, with 421 (come back)
and 521 (bot); good mail of this second that came in, was accepted, is waiting
for a banner, and the longest time to a banner.
END
    return;
}

sub print_head {
    print "\n";
    printf "%3s %6s %5s %6s | %-19s | %s\n", '', '', '', '', 'bots', 'good mail';
    printf "%3s %6s %5s %6s | %5s %6s %6s | %4s %4s %7s %9s\n", 's', 'slots', 'wait', 'press',
        'in', '421', '521', 'new', 'done', 'waiting', 'banner';
    return;
}

sub _second_line {
    my ($second, $slots) = @_;
    my ($banner) = sort { $b <=> $a }
        map { $_->{count} ? $_->{max} : -1 } map { $second->{groups}{$_}{banner_ms} } @mail_groups;
    return sprintf '%3d %6s %5d %6.2f | %5d %6d %6d | %4d %4d %7d %9s', $second->{second},
        "$slots->{busy}/$slots->{limit}", $slots->{waiting}, $slots->{pressure},
        _sum($second, 'admitted', @bot_groups), _sum($second, 'hung_up_421', @bot_groups),
        _sum($second, 'hung_up_521', @bot_groups), _sum($second, 'messages', @mail_groups),
        _sum($second, 'delivered', @mail_groups), _sum($second, 'waiting', @mail_groups),
        $banner < 0 ? '-' : _time($banner);
}

sub print_second {
    my ($second, $slots) = @_;
    my $line = _second_line($second, $slots);
    print _paint(_sum($second, 'waiting', @mail_groups) > 5 ? 31 : 0, $line), "\n";
    return;
}

# On one line, which the next one overwrites.
sub print_live {
    my ($second, $slots) = @_;
    print "\r", _second_line($second, $slots);
    return;
}

sub _group {
    my ($result, $name) = @_;
    my ($group) = grep { $_->{name} eq $name } @{ $result->{summary}{groups} };
    return $group;
}

sub _bots {
    my ($result, $counter) = @_;
    return sum0 map { _group($result, $_)->{$counter} } @bot_groups;
}

sub _average {
    my ($result, $key) = @_;
    my @slots = @{ $result->{slots} };
    return @slots ? sum0(map { $_->{$key} } @slots) / @slots : 0;
}

sub _delivery_time {
    my ($result, $percentile) = @_;
    my $delivery = _group($result, 'good')->{delivery_ms};
    return $delivery->{count} ? _time($delivery->{$percentile}) : 'none';
}

# A row: what, and how to get it from a result.
my @comparison = (
    [ 'good messages during the attack', sub { _group($_[0], 'good')->{messages} } ],
    [ '  with 10 s to arrive, and in time', sub { _in_time(_group($_[0], 'good')->{in_time}) } ],
    [ '  refused for good (5xx)', sub { refused(_group($_[0], 'good')) } ],
    [ '  asked to come back (421)', sub { _group($_[0], 'good')->{hung_up_421} } ],
    [ '  time to banner, half of them', sub { _time(_group($_[0], 'good')->{banner_ms}{p50}) } ],
    [ '  time to banner, 99 %', sub { _time(_group($_[0], 'good')->{banner_ms}{p99}) } ],
    [ '  accepted ones: 99 % after', sub { _delivery_time($_[0], 'p99') } ],
    [ 'slots in use, average', sub { sprintf '%.1f of 20', _average($_[0], 'busy') } ],
    [ 'clients waiting for a slot, average', sub { sprintf '%.1f', _average($_[0], 'waiting') } ],
    [ 'bots that got a slot', sub { _bots($_[0], 'banners') } ],
    [ 'bots hung up on with 421', sub { _bots($_[0], 'hung_up_421') } ],
    [ 'bots hung up on with 521', sub { _bots($_[0], 'hung_up_521') } ],
);

sub _in_time {
    my ($in_time) = @_;
    return "$in_time->{delivered} of $in_time->{messages}, " . _percent($in_time);
}

sub _percent {
    my ($in_time) = @_;
    return sprintf '%.1f %%', 100 * $in_time->{share};
}

# Good mail that got a 5xx, in whatever way.
sub refused {
    my ($good) = @_;
    return sum0 @{$good}{qw(hung_up_521 refused_554 replies_5xx)};
}

sub print_comparison {
    my ($off, $on) = @_;
    print "\n== Side by side ==\n\n";
    printf "%-37s %21s %20s\n", '', 'Postvalve off', 'Postvalve on';
    printf "%-37s %21s %20s\n", $_->[0], $_->[1]->($off), $_->[1]->($on) for @comparison;
    my $verdicts = $on->{verdicts};
    print "\nhang-ups in the logs of the daemons:\n";
    printf "  class %-8s with %s: %d\n", split(/ /, $_), $verdicts->{$_} for sort keys %{$verdicts};
    print "  none\n" if !%{$verdicts};
    return;
}

# True when good mail got through.
sub print_verdict {
    my ($summary, $wanted_share) = @_;
    my ($good) = grep { $_->{name} eq 'good' } @{ $summary->{groups} };
    my $refused = sum0 map { refused($_) } grep { $_->{kind} eq 'good' } @{ $summary->{groups} };
    my $is_fine =
        $good->{in_time}{messages} > 0 && $good->{in_time}{share} >= $wanted_share && !$refused;
    printf "\n%s: with Postvalve %s of good mail was accepted within %d s, %s.\n",
        $is_fine ? _paint(32, 'Passed') : _paint(31, 'FAILED'), _percent($good->{in_time}),
        $good->{in_time}{within_s}, $refused ? "$refused got a 5xx" : 'none was refused';
    return $is_fine;
}

sub print_instructions {
    my ($server) = @_;
    my ($port, $dir) = ($server->port, Postvalve::Test::temp_dir());
    my ($first, $last) = Quickstart::Flood::good_addresses();
    my $ctl    = Postvalve::Test::program('ctl');
    my ($daemon) = $server->daemons;
    my $config = $daemon->config_file;
    my $redis  = $server->redis->path;
    my $log    = $server->postfix->log_path;
    print <<"END";

The server with Postvalve goes on, and so do bots and mail. In another terminal:

A good sender ($first to $last) gets in at once:
  swaks --server 127.0.0.1:$port --to alice\@example.test --local-interface $first
Somebody unknown is asked to come back, in a millisecond:
  swaks --server 127.0.0.1:$port --to alice\@example.test --local-interface 127.99.0.1
What Postvalve sees:
  $ctl --config $config status
What it says, and what Postfix says:
  tail -f $dir/policyd/log $dir/milter/log
  tail -f $log
What it remembers:
  redis-cli -s $redis hgetall pv:client:127.20.0.1
Configuration: $config
  and $dir/on/etc/main.cf

Ctrl-C stops and removes everything.

END
    return;
}

1;
