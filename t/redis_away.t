#!/usr/bin/perl
# Redis is away for longer than a lease: policyd goes on to leave decisions to the milter beside it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::MilterSetup ();
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Test;
use Time::HiRes ();

use constant { PATIENCE_S => 30, LEASE_S => 10 };

my $redis = Postvalve::Redis->new->start;
my ($milter, $postfix) = Postvalve::MilterSetup::start(slots => 4, redis => $redis, main => { smtpd_timeout => '300s' });
my $policyd = Postvalve::Daemon->new('policyd', postfix => $postfix, redis => $redis)->start;
ok $policyd->wait_log(qr/policyd: a milter/, PATIENCE_S), 'policyd knows of the milter';

my $client_port = 1000;
# All slots are busy, which is above the ceiling of unknown clients.
$redis->command('HSET', "pv:client:127.41.0.$_", accepted => 50, first => time - 1e6, last => time) for 1 .. 4;
my @good = Postvalve::MilterSetup::occupy($postfix, 4, 41);
sub answer {
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    return $client->request(client_address => '198.51.100.9', client_port => ++$client_port, server_port => $postfix->port);
}
is answer(), 'DUNNO', 'it leaves the ceiling to the milter';
$redis->stop;
my $end_s = now_s() + LEASE_S + 2;
my %answers;
while (now_s() < $end_s) {
    $answers{ answer() }++;
    Time::HiRes::sleep(0.2);
}
is_deeply [ keys %answers ], ['DUNNO'], '... also when nobody can say any more whether it is there';
finish();
