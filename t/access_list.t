#!/usr/bin/perl
# postvalvectl allow, block, forget: every running program acts on them within a second.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Postvalve::Daemon;
use Postvalve::MilterSetup ();
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Smtp ();
use Postvalve::Test;

use constant WITHIN_S => 1.5;    # a second, and what a busy machine takes

my $redis = Postvalve::Redis->new->start;
my $port = free_port();
my $smtp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 100)
    or die "listen: $@";
my $bot = qr/\A521 5\.7\.1 /;

my $policyd = Postvalve::Daemon->new(
    'policyd',
    redis  => $redis,
    config => { service => { port => 0 + $port, slot_limit => 10 }, trusted => { networks => ['203.0.113.0/24'] } }
)->start;

sub ctl {
    my ($daemon, @arguments) = @_;
    my ($status, $output) =
        run_command([ program('ctl'), '--config', $daemon->config_file, @arguments ]);
    is $status, 0, "postvalvectl @arguments" or diag $output;
    return $output;
}

my $client_port = 1000;

sub ask {
    my ($client, $address) = @_;
    $client_port++;
    return $client->request(client_address => $address, client_port => $client_port,
        server_port => $port, protocol_state => 'CONNECT') // 'no answer: ' . $client->reason;
}

sub soon_like {
    my ($client, $address, $pattern, $what) = @_;
    my $answer = '';
    ok wait_until(sub { ($answer = ask($client, $address)) =~ $pattern }, WITHIN_S), $what
        or diag $answer;
    return;
}

subtest 'policyd' => sub {
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    is ask($client, '192.0.2.1'), 'DUNNO', 'a stranger is in';
    ctl($policyd, qw(block 192.0.2.0/24));
    ctl($policyd, qw(block 203.0.113.0/24));
    soon_like($client, '192.0.2.1', $bot, 'blocked, while it is calm');
    like $policyd->wait_log(qr/hang-up client=192\.0\.2\.1/), qr/class=bot reason=blocked/, 'and why';
    is ask($client, '203.0.113.1'), 'DUNNO', 'but no trusted network';
    ctl($policyd, qw(allow 192.0.2.7));
    soon_like($client, '192.0.2.7', qr/^DUNNO/, 'allowed in a network that is blocked');
    like ask($client, '192.0.2.8'), $bot, 'its neighbour is not';
    ctl($policyd, qw(forget --entry 192.0.2.0/24));
    soon_like($client, '192.0.2.8', qr/^DUNNO/, 'taken back');
};

subtest 'a spawned one' => sub {
    my $client = Postvalve::PolicyClient->new(
        command => [ program('policyd'), '--spawn', '--config', $policyd->config_file ]);
    is ask($client, '192.0.2.8'), 'DUNNO', 'a stranger is in';
    ctl($policyd, qw(block 192.0.2.8));
    soon_like($client, '192.0.2.8', $bot, 'blocked');
    ctl($policyd, qw(forget 192.0.2.8));
    soon_like($client, '192.0.2.8', qr/^DUNNO/, 'taken back');
};

subtest 'what is forgotten is forgotten in memory' => sub {
    $redis->command('HSET', 'pv:client:198.51.100.2', first => time - 1000, last => time, silent => 20);
    $policyd->configure({ memory => { fresh_ms => 600000 }, admission => { bot_level => 'calm' } });
    $policyd->stop;
    $policyd->start;
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    like ask($client, '198.51.100.2'), $bot, 'a bot';
    $redis->command('DEL', 'pv:client:198.51.100.2');
    like ask($client, '198.51.100.2'), $bot, 'policyd remembers it without Redis';
    ctl($policyd, qw(forget 198.51.100.2));
    soon_like($client, '198.51.100.2', qr/^DUNNO/, '... but no longer');
    is $policyd->stop, 0, 'ends in order';
};

subtest 'milter' => sub {
    $redis->command('FLUSHALL');
    my ($milter, $postfix) = Postvalve::MilterSetup::start(slots => 5, redis => $redis,
        config => { memory => { fresh_ms => 600000 } });
    my $connect = sub {
        my $session = Postvalve::Smtp->new(port => $postfix->port, source => $_[0]);
        my $code = $session->banner->code;
        $session->quit if $code == 220;
        return $code;
    };
    is $connect->('127.9.1.1'), 220, 'a stranger is in';
    ctl($milter, qw(block 127.9.0.0/16));
    ok wait_until(sub { $connect->('127.9.1.1') == 421 }, WITHIN_S), 'blocked';
    ctl($milter, qw(allow 127.9.1.1));
    ok wait_until(sub { $connect->('127.9.1.1') == 220 }, WITHIN_S), 'allowed';
    $redis->command('HSET', 'pv:client:127.8.1.1', first => time - 1000, last => time, silent => 20);
    is $connect->('127.8.1.1'), 421, 'a bot by its history';
    ctl($milter, qw(forget 127.8.1.1));
    ok wait_until(sub { $connect->('127.8.1.1') == 220 }, WITHIN_S), 'forgotten';
    $redis->stop;
    is $connect->('127.9.2.1'), 421, 'without Redis what was said stays in force';
    is $milter->stop, 0, 'ends in order';
};

finish();
