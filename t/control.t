#!/usr/bin/perl
# postvalvectl force, auto, off, on: every running program acts on them within a second.

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
my $bot = qr{\A(?:521|421) };    # 421 once many were hung up on by history alone
$redis->command('HSET', "pv:client:$_", first => time - 1000, last => time, silent => 20)
    for qw(198.18.2.2 127.8.1.1);

sub ctl {
    my ($daemon, @arguments) = @_;
    my ($status, $output) =
        run_command([ program('ctl'), '--config', $daemon->config_file, @arguments ]);
    is $status, 0, "postvalvectl @arguments" or diag $output;
    return;
}

subtest 'policyd, and a spawned one' => sub {
    my $port = free_port();
    my $smtp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 9) or die $!;
    my $policyd = Postvalve::Daemon->new('policyd', redis => $redis,
        config => { service => { port => 0 + $port, slot_limit => 10 } })->start;
    my %client = (
        policyd => Postvalve::PolicyClient->new($policyd->endpoint),
        spawned => Postvalve::PolicyClient->new(
            command => [ program('policyd'), '--spawn', '--config', $policyd->config_file ]),
    );
    my $client_port = 1000;
    my $soon = sub {
        my ($pattern, $what) = @_;
        for my $name (sort keys %client) {
            my $answer = '';
            my $is_so = wait_until(
                sub {
                    $answer = $client{$name}->request(client_address => '198.18.2.2',
                        client_port => $client_port++, server_port => $port, protocol_state => 'CONNECT') // '';
                    return $answer =~ $pattern;
                },
                WITHIN_S
            );
            ok $is_so, "$name: $what" or diag $answer;
        }
    };
    $soon->(qr/^DUNNO/, 'calm: a bot is in');
    ctl($policyd, qw(force stressed --for 1m));
    $soon->($bot, 'a forced level');
    ctl($policyd, qw(off --for 1m));
    $soon->(qr/^DUNNO/, 'off');
    ctl($policyd, 'on');
    $soon->($bot, 'on again');
    ctl($policyd, 'auto');
    $soon->(qr/^DUNNO/, 'auto');
    ctl($policyd, qw(force critical --all --for 4s));
    $soon->($bot, 'all hosts');
    sleep 3;
    $soon->(qr/^DUNNO/, 'for some seconds');
    is $policyd->stop, 0, 'ends in order';
};

subtest 'milter' => sub {
    my ($milter, $postfix) = Postvalve::MilterSetup::start(slots => 5, redis => $redis,
        config => { admission => { bot_level => 'elevated' } });
    my $soon = sub {
        my ($code, $what) = @_;
        my $is_so = wait_until(
            sub {
                my $session = Postvalve::Smtp->new(port => $postfix->port, source => '127.8.1.1');
                my $said = $session->banner->code;
                $session->quit if $said == 220;
                return $said == $code;
            },
            WITHIN_S
        );
        return ok $is_so, $what;
    };
    $soon->(220, 'calm: a bot is in');
    ctl($milter, qw(force stressed --for 1m));
    $soon->(421, 'a forced level');
    ctl($milter, qw(off --for 1m));
    $soon->(220, 'off');
    ctl($milter, 'on');
    $soon->(421, 'on again');
    ctl($milter, 'auto');
    $soon->(220, 'auto');
    is $milter->stop, 0, 'ends in order';
};

finish();
