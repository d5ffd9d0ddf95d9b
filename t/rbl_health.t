#!/usr/bin/perl
# DNS lists in operation: one that begins to list everybody and recovers, what spawned processes
# hear of it, how long answers are kept, and what is counted and told once a session.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::Dns;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Test;

my $points = ":127.0.0.2:listed\n127.0.0.2\n";
my $good = "${points}203.0.113.0/24\n";
my $wild = "${points}0.0.0.0/1\n128.0.0.0/1\n";
my $dns = Postvalve::Dns->new(ttl => 120, zones => [
    [ 'zen.example', 'ip4set', $good ],
    [ 'all.example', 'ip4set', "${points}203.0.113.0/24\n198.51.100.0/24\n" ],
    [ 'raw.example', 'ip4set', '203.0.113.0/24' ],
    [ 'dbl.example', 'dnset', ":127.0.0.2:spammer\ntest\nbad.example\n" ],
])->start;
my $redis = Postvalve::Redis->new->start;
my %config = (
    host    => 'mx1',
    service => { port => 25, slot_limit => 10 },
    rbl     => {
        nameservers => [ 'inet:127.0.0.1:' . $dns->port ],
        checks      => [ map {"reject_rbl_client $_.example"} qw(zen all) ],
        retry_s     => 1,
    },
);
my $policyd = Postvalve::Daemon->new('policyd', config => \%config, redis => $redis)->start;
our $client = Postvalve::PolicyClient->new($policyd->endpoint);

sub ctl {
    my ($status, $output) =
        run_command([ program('ctl'), '--config', $policyd->config_file, 'rbl', @_ ]);
    return $output;
}

sub health_of {
    my ($zone, $host) = @_;
    return $redis->command('HGET', "pv:rblhealth:$zone", $host // 'mx1') // '';
}

# -- a list that begins to list everybody ----------------------------------------------------

# Clients that nobody lists, one after the other: the number of those that got an answer.
my $last = 0;
sub ask_strangers {
    my ($count) = @_;
    my $listed = 0;
    for (1 .. $count) {
        $last++;
        my $address = sprintf '192.0.%d.%d', 2 + int($last / 250), 1 + $last % 250;
        $listed++ if $client->request(client_address => $address) !~ /\ADUNNO/;
    }
    return $listed;
}

is ask_strangers(30), 0, 'thirty clients that are not listed';
like $client->request(client_address => '203.0.113.1'), qr/\A554 .*zen\.example/, 'and one that is';
my $started_s = now_s();
ok wait_until(sub { health_of('zen.example') =~ /\Astate=on / && now_s() > $started_s + 2 }, 15),
    'the list is on, and has not been tested just now';

$dns->set_zone('zen.example', $wild);
my ($begin_s, $wrong) = (now_s(), 0);
my $lookups = 0;
while ($policyd->log_text !~ /list zen\.example is not used: / && now_s() < $begin_s + 30) {
    $wrong += ask_strangers(1);
    $lookups++;
}
my $time_s = now_s() - $begin_s;
# It may be in the middle of a lookup when the test of its test points comes back.
ok $lookups <= 22 || $time_s < 10, "off after $lookups lookups, $time_s s";
ok $wrong <= $lookups, "$wrong clients were rejected until then";
like $policyd->log_text, qr/list zen\.example is not used: it lists a test point that nobody may/, 'why';
is ask_strangers(20), 0, 'from then on nobody is';
like $client->request(client_address => '203.0.113.2'), qr/\A554 .*using all\.example/,
    'another list is still asked';
ok wait_until(sub { ctl() =~ /^zen\.example\n  mx1: state=off reason=everybody /m }, 15),
    'postvalvectl rbl tells';
like ctl(), qr/^all\.example\n  mx1: state=on /m, 'of each list';
my @events = map { join ' ', @{ $_->[1] } } @{ $redis->command('XRANGE', 'pv:events', '-', '+') };
like join("\n", @events), qr/type rbl host mx1 zone zen\.example text list zen\.example is not used/,
    'an event';

my $asked = () = grep {/zen\.example/i} $dns->queries;
ok wait_until(sub { (() = grep {/zen\.example/i} $dns->queries) > $asked }, 30), 'it is tested again';
like health_of('zen.example'), qr/\Astate=off /, 'and stays off';
$dns->set_zone('zen.example', $good);
ok wait_until(sub { $policyd->log_text =~ /list zen\.example is used again/ }, 30),
    'used again once it is well';
like $client->request(client_address => '203.0.113.3'), qr/\A554 .*using zen\.example/, 'indeed';
ok wait_until(sub { health_of('zen.example') =~ /\Astate=on / }, 15), 'which is told';

# -- the same without test points ------------------------------------------------------------

is $policyd->stop, 0, 'the daemon ends';
{
    my $raw = Postvalve::Daemon->new('policyd', config => { %config, rbl => { %{ $config{rbl} },
        checks => ['reject_rbl_client raw.example'], test_points => ['raw.example off'] } })->start;
    local $client = Postvalve::PolicyClient->new($raw->endpoint);
    is ask_strangers(30), 0, 'clients that a list without test points does not list';
    $dns->set_zone('raw.example', $wild);
    is ask_strangers(50), 19, 'it is off after twenty that it lists, one after the other';
    ok $raw->wait_log(qr/list raw\.example is not used: it listed the last 20 clients/), 'why';
    $dns->set_zone('raw.example', $good);
    ok wait_until(
        sub {
            ask_strangers(1);
            return $raw->log_text =~ /list raw\.example is used again/;
        },
        30
    ), 'lookups on trial bring it back';
    like $client->request(client_address => '203.0.113.5'), qr/\A554 /, 'indeed';
    $raw->stop;
}

# -- spawned processes -----------------------------------------------------------------------

# What a new process does with a listed client, after the hosts said this of the list.
sub spawned_action {
    my (%said) = @_;
    my $other = Postvalve::Daemon->new('policyd', redis => $redis, name => 'spawn',
        config => { %config, host => 'mx9', rbl => { %{ $config{rbl} }, checks => ['reject_rbl_client zen.example'] } })
        ->configure;
    $redis->command('DEL', 'pv:rblhealth:zen.example');
    $redis->command('HSET', 'pv:rblhealth:zen.example', %said) if %said;
    my $process = Postvalve::PolicyClient->new(
        command => [ program('policyd'), '--spawn', '--config', $other->config_file ]);
    my $action = $process->request(client_address => '203.0.113.4');
    return $action =~ /\A(\S+)/ ? $1 : 'none';
}

sub word {
    my ($state, $age_s) = @_;
    return "state=$state reason=everybody lookups=9 updated=" . (time - $age_s);
}

is spawned_action(), '554', 'a spawned process that hears nothing of a list believes it';
is spawned_action(mx9 => word('off', 5)), 'DUNNO', 'not when the daemon of its host says it is ill';
is spawned_action(mx9 => word('off', 300)), '554', 'but for long ago';
is spawned_action(mx9 => word('on', 5), mx1 => word('off', 5), mx2 => word('off', 5)), '554',
    'its own host counts more than others';
is spawned_action(mx1 => word('off', 5), mx2 => word('off', 5), mx3 => word('on', 5)), 'DUNNO',
    'without one, most of the others';
is spawned_action(mx1 => word('off', 5), mx2 => word('on', 5)), '554', 'not half of them';

# -- answers from Redis, for as long as they are good ----------------------------------------

$config{rbl}{ttl_min_s} = 60;
$redis->command('DEL', 'pv:rblhealth:zen.example');
$redis->command('SET', 'pv:rbl:zen.example:198.18.0.1', '127.0.0.2 from Redis', 'PX', 1500);
$redis->command('SET', 'pv:rbl:all.example:198.18.0.1', '-', 'PX', 1500);
$policyd = Postvalve::Daemon->new('policyd', config => \%config, redis => $redis)->start;
$client = Postvalve::PolicyClient->new($policyd->endpoint);
like $client->request(client_address => '198.18.0.1'), qr/\A554 .*from Redis\z/, 'an answer from Redis';
ok wait_until(sub { $client->request(client_address => '198.18.0.1') eq 'DUNNO' }, 10),
    'is kept in memory no longer than there';

# -- once a session --------------------------------------------------------------------------

sub value_of {
    my ($zone, $name) = @_;
    return $redis->command('HGET', "pv:rblvalue:$zone", $name) // 0;
}

$redis->command('DEL', map {"pv:rblvalue:$_.example"} qw(zen all dbl));
$policyd->configure({ rbl => { %{ $config{rbl} }, checks =>
    [ @{ $config{rbl}{checks} }, 'reject_rhsbl_sender dbl.example' ] } })->reload;
$policyd->wait_log(qr/configuration taken over/);
my @session = (client_address => '203.0.113.7', client_port => 50001, server_port => 25);
$client->request(@session, protocol_state => 'CONNECT', sender => '', recipient => '', helo_name => '');
$client->request(@session, recipient => "r$_\@example.test") for 1 .. 4;
my $told = () = $policyd->log_text =~ /reject client=203\.0\.113\.7 /g;
is $told, 1, 'a client that is rejected is told of once, not for each recipient';
@session = (client_address => '203.0.113.7', client_port => 50002, server_port => 25);
$client->request(@session) for 1 .. 3;
$told = () = $policyd->log_text =~ /reject client=203\.0\.113\.7 /g;
is $told, 2, 'and in its next session';
$client->request(client_address => '198.51.100.1', client_port => 50003);
@session = (client_address => '192.0.2.1', client_port => 50004, server_port => 25);
$client->request(@session, protocol_state => 'CONNECT', sender => '', recipient => '', helo_name => '');
$client->request(@session, sender => 'a@bad.example') for 1 .. 2;
# The end of the connection is the end of the session.
undef $client;
ok wait_until(sub { value_of('all.example', 'clients') == 4 }, 30), 'four sessions are counted';
is value_of('all.example', 'matched'), 3, 'three of them listed by this list';
is value_of('zen.example', 'matched'), 2, 'two by that one';
is value_of('all.example', 'unique'), 1, 'one by the first alone';
is value_of('all.example', 'needed'), 1, '... which would have been let in without it';
is value_of('dbl.example', 'matched'), 1, 'a list that is asked later in the session';
is value_of('all.example', 'both:zen.example'), 2, 'and what they have in common';
like ctl('report'), qr/^all\.example: 4 clients, 3 listed /m, 'postvalvectl rbl report';

is $policyd->stop, 0, 'end';
finish();
