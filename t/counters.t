#!/usr/bin/perl
# Counters add up: on a real Postfix, while Redis hangs or is away, and when daemons are killed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Counters qw(total minutes by_label sum open_sessions);
use Postvalve::Daemon;
use Postvalve::MilterSetup;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

my $redis = Postvalve::Redis->new->start;
my ($milter, $postfix) = Postvalve::MilterSetup::start(slots => 20, redis => $redis);
my $policyd = Postvalve::Daemon->new('policyd', postfix => $postfix, redis => $redis)->start;
my $host = $milter->config->{host};
my $source = 0;

sub counted { return total($redis, $host) }
sub lost { return by_label(counted(), 'sessions_ended', 'end')->{lost} // 0 }
sub smtp { return Postvalve::Smtp->new(port => $postfix->port, source => '127.20.' . int($source / 200) . '.' . (1 + $source++ % 200)) }

# Sessions started, ended and open, as one hash says it at one moment.
sub adds_up {
    my ($what) = @_;
    my $counted = counted();
    my ($started, $ended, $open) = (sum($counted, 'sessions_started'), sum($counted, 'sessions_ended'), open_sessions($counted));
    is $started, $ended + $open, "$what: $started sessions started = $ended ended + $open open";
    my ($in, $out) = map { by_label($counted, $_, 'class') } qw(sessions_started sessions_ended);
    my $by_class = open_sessions($counted, 1);
    is_deeply [ map { $in->{$_} // 0 } sort keys %$by_class ], [ map { ($out->{$_} // 0) + $by_class->{$_} } sort keys %$by_class ], '... in each class';
    return $counted;
}

# A mail, a session without HELO, one that stays.
smtp()->send_mail for 1 .. 3;
{ my $silent = smtp(); $silent->banner; $silent->close }
my $open = smtp();
$open->command('EHLO stays.example');
wait_ok { my $c = counted(); sum($c, 'sessions_started') == 5 && sum($c, 'sessions_ended') == 4 } 30, 'five sessions are counted';
my $counted = adds_up('at first');
is sum($counted, 'messages_accepted'), 3, 'three messages';
is_deeply by_label($counted, 'sessions_ended', 'end'), { mail => 3, dropped => 1 }, 'how they ended';
is sum($counted, 'first_message_ms'), 3, 'each with the time it took';
is sum($counted, 'verdicts', process => 'milter', stage => 'CONNECT'), 5, 'a verdict at each CONNECT';
is sum($counted, 'first_verdict_us'), 5, '... with its time';

# The policy service counts its own; minutes add up to totals.
my $client = Postvalve::PolicyClient->new($policyd->endpoint);
$client->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => "127.30.0.$_", instance => "a.$_") for 1 .. 40;
wait_ok { sum(counted(), 'verdicts', process => 'policyd') == 40 } 30, 'forty verdicts of policyd';
is sum(counted(), 'decision_us', process => 'policyd'), 40, '... and how long they took';
sub same_as_total {
    my ($what, @names) = @_;
    my ($total, $minutes);
    wait_until { ($total, $minutes) = (counted(), minutes($redis, $host)); !grep { sum($total, $_) != sum($minutes, $_) } @names } 30, 'minutes';
    is sum($minutes, $_), sum($total, $_), "$what: minutes add up to the total of $_" for @names;
}
same_as_total('at first', qw(sessions_started sessions_ended verdicts decision_us decision_us_sum));

# Spawned processes, several at a time: each writes while it runs and when it ends.
my @spawned = map { Postvalve::PolicyClient->new(command => [ program('policyd'), '--spawn', '--config', $policyd->config_file ]) } 1 .. 3;
for my $number (1 .. 30) {
    $spawned[ $number % 3 ]->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => "127.34.0.$number", instance => "s.$number");
}
wait_ok { sum(counted(), 'verdicts', process => 'spawn') == 30 } 30, 'thirty verdicts of spawned processes that run';
for my $client (@spawned) {
    $client->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => '127.34.1.1', instance => 's.0');
    $client->close;
    $client->process->wait_exit(10);
}
is sum(counted(), 'verdicts', process => 'spawn'), 33, 'and what they did last, when they have ended';

# Redis hangs for longer than the deadline: what it carries out late is not counted again.
for my $round (1, 2) {
    $redis->pause;
    $client->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => "127.31.$round.$_", instance => "b.$round.$_") for 1 .. 40;
    smtp()->send_mail;
    select undef, undef, undef, 1.5;
    $redis->resume;
    $client->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => "127.32.$round.$_", instance => "c.$round.$_") for 1 .. 20;
    wait_until { sum(counted(), 'verdicts', process => 'policyd') >= 40 + 60 * $round } 20, 'caught up';
}
wait_until { sum(counted(), 'sessions_ended') >= 6 } 10, 'sessions';
is sum(counted(), 'verdicts', process => 'policyd'), 160, 'Redis hung twice: everything is counted once';
adds_up('then');
same_as_total('then', qw(sessions_started sessions_ended verdicts));

# Redis is away.
my $before = adds_up('before');
$redis->pause;
smtp()->send_mail for 1 .. 5;
select undef, undef, undef, 2.5;
smtp()->send_mail for 1 .. 5;
$redis->resume;
wait_ok { sum(counted(), 'sessions_ended') >= 16 } 30, 'what happened meanwhile is caught up';
is sum(adds_up('caught up'), 'sessions_started'), 17, 'once';

$client->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => '127.33.1.1', instance => 'e.1');
wait_ok { sum(counted(), 'verdicts', process => 'policyd') == 161 } 30, 'for policyd as well';

# A clean end loses nothing: the session that is open counts as stopped.
$client->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => "127.33.0.$_", instance => "d.$_") for 1 .. 30;
$client->close;
$policyd->stop;
is sum(counted(), 'verdicts', process => 'policyd'), 191, 'policyd ends: all its verdicts are there';
$milter->stop;
$counted = adds_up('the milter ends');
is open_sessions($counted), 0, 'none is open';
is by_label($counted, 'sessions_ended', 'end')->{stopped}, 1, '... but one was stopped';
$open->close;
$_->start for $policyd, $milter;

# Killed: its open sessions are lost, within the lease.
my @open = map { my $smtp = smtp(); $smtp->command('EHLO stays.example'); $smtp } 1 .. 4;
wait_ok { open_sessions(counted()) == 4 } 30, 'four are open';
$milter->kill9;
adds_up('the milter is killed');
$milter->start;
smtp()->send_mail;
wait_ok { lost() == 4 } 30, 'its four sessions count as lost';
$counted = adds_up('the next milter');
$_->close for @open;

# A milter that Redis did not hear of for long was taken for dead, and is not.
@open = map { my $smtp = smtp(); $smtp->command('EHLO stays.example'); $smtp } 1 .. 2;
wait_ok { open_sessions(counted()) == 2 } 30, 'two are open';
$milter->pause;
wait_ok { lost() == 6 } 30, 'a milter that stands still: they count as lost';
adds_up('it stands still');
$milter->resume;
wait_ok { open_sessions(counted()) == 2 } 30, 'they are open again';
adds_up('it goes on');
$_->close for @open;
wait_ok { open_sessions(counted()) == 0 } 30, 'and end';
adds_up('at the end');

# policyd is killed at work: what it did in its last second may be lost, no more, and nothing counts twice.
$client = Postvalve::PolicyClient->new($policyd->endpoint);
my $counted_before = sum(counted(), 'verdicts', process => 'policyd');
my @asked_s;
my $end_s = now_s() + 3;
while (now_s() < $end_s) {
    $client->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => '127.35.0.1', instance => 'k.' . @asked_s);
    push @asked_s, now_s();
    select undef, undef, undef, 0.02;
}
$policyd->kill9;
my $killed_s = now_s();
my $kept = sum(counted(), 'verdicts', process => 'policyd') - $counted_before;
my $sure = grep { $_ < $killed_s - 2 } @asked_s;    # a second, and another one for a slow machine
cmp_ok $kept, '>=', $sure, "policyd is killed: of @{[ scalar @asked_s ]} verdicts $kept are counted, among them all but those of the last moments";
cmp_ok $kept, '<=', scalar @asked_s, '... and none twice';
$policyd->start;
$client = Postvalve::PolicyClient->new($policyd->endpoint);
$client->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => "127.36.0.$_", instance => "n.$_") for 1 .. 10;
wait_ok { sum(counted(), 'verdicts', process => 'policyd') == $counted_before + $kept + 10 } 30, 'the next one adds to that';
cmp_ok $redis->command('TTL', $_), '>', 172000, "$_ expires" for $redis->command('KEYS', 'pv:stats:*')->[0];
finish();
