#!/usr/bin/perl
# Hosts and their daemons through one Redis: who publishes, what the others see and when,
# overrides; on a Redis that restarts and with daemons that are killed.
use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::PolicyClient ();
use Postvalve::Redis ();
use Postvalve::Stress ();
use Postvalve::Test;

use constant SLOTS => 10;

my $redis = Postvalve::Redis->new->start;

sub host { return Postvalve::Stress::host($redis, @_, slot_limit => SLOTS) }

sub occupy { return Postvalve::Stress::occupy(@_) }

sub record { return Postvalve::Stress::record($redis, $_[0]{name}) }

sub becomes {
    my ($host, $field, $value, $deadline_s, $what) = @_;
    my $begin_s = now_s();
    my $ms = Postvalve::Stress::field_after($redis, $host->{name}, $field, $value, $begin_s,
        $deadline_s);
    return ok defined $ms, sprintf '%s: %s=%s after %s ms', $what, $field, $value,
        defined $ms ? sprintf('%.0f', $ms) : '-';
}

sub events {
    my ($type) = @_;
    my @found;
    for my $entry (@{ $redis->command('XRANGE', 'pv:events', '-', '+') }) {
        my %field = @{ $entry->[1] };
        push @found, \%field if $field{type} eq $type;
    }
    return @found;
}

my ($one, $two) = map { host($_) } qw(mx1 mx2);

# -- one host, two daemons -----------------------------------------------------

$one->{policyd}->start;
becomes($one, 'publisher', 'policyd', 3, 'policyd alone publishes');
$one->{milter}->start;
becomes($one, 'publisher', 'milter', 1, 'a milter takes the lease over');
ok $one->{policyd}->wait_log(qr/a milter on this host decides/), 'policyd leaves admission to it';
$one->{milter}->kill9;
becomes($one, 'publisher', 'policyd', 2, 'killed: policyd takes over');
ok $one->{policyd}->wait_log(qr/no milter on this host/, 3), '... and decides again';
$one->{milter}->start;
becomes($one, 'publisher', 'milter', 1, 'it is back');
my $begin_s = now_s();
$one->{milter}->stop;
becomes($one, 'publisher', 'policyd', 1, 'stopped: the lease is given back');
my ($handed) = grep { $_->{to} =~ /\Apolicyd:mx1:\d+:/ && $_->{from} } events('publisher');
like $handed->{from}, qr/\Amilter:mx1:\d+:/, 'hand-over is an event';

# -- two hosts -----------------------------------------------------------------

$two->{policyd}->start;
becomes($one, 'cluster_hosts', 1, 3, 'the other host is seen');
becomes($two, 'cluster_hosts', 1, 3, '... and sees us');
occupy($two, SLOTS);
ok defined Postvalve::Stress::level_after($redis, 'mx2', qr/stressed|critical/, now_s()),
    'the other host is stressed';
$begin_s = now_s();
my $ms = Postvalve::Stress::field_after($redis, 'mx1', 'cluster_stressed', 1, $begin_s, 3);
cmp_ok $ms // 9999, '<', 500, sprintf 'which is seen here after %.0f ms', $ms // -1;
like record($one)->{cluster_highest}, qr/stressed|critical/, '... and how high';
is record($one)->{level}, 'calm', '... and raises nothing, as configured';
my ($change) = grep { $_->{host} eq 'mx2' } events('level');
ok $change, 'the change is an event';
like "@{$change}{qw(service from driver pressure)}", qr/\A\S+ calm slots \d\.\d\d\z/,
    '... with service, level, sensor, pressure';

# A publisher is killed, on both hosts; the other goes on.
$two->{milter}->start;
becomes($two, 'publisher', 'milter', 1, 'a milter there');
$two->{milter}->kill9;
becomes($two, 'publisher', 'policyd', 2, '... killed: hand-over');

# -- Redis restarts ------------------------------------------------------------

$redis->kill9;
$redis->start;
becomes($one, 'publisher', 'policyd', 5, 'Redis is back: one host');
becomes($two, 'publisher', 'policyd', 5, '... the other');
becomes($one, 'cluster_hosts', 1, 5, '... which is seen');

# -- overrides -----------------------------------------------------------------

sub override {
    my ($host, %field) = @_;
    my $now_s = $redis->command('TIME')->[0];
    $redis->command('DEL', "pv:override:$host");
    $redis->command('HSET', "pv:override:$host", by => 'root', note => 'test',
        map { ($_ => $field{$_}, "${_}_until" => $now_s + 60) } keys %field)
        if %field;
    return;
}
my $bot = '127.9.0.1';
$redis->command('HSET', "pv:client:$bot", silent => 50, first => time - 100, last => time);
sub ask {
    my ($client) = @_;
    return $client->request(client_address => $bot, server_port => $one->{listener}->sockport)
        // '(closed)';
}
sub answers {
    my ($client, $pattern, $what) = @_;
    my $from_s = now_s();
    my $answer;
    wait_until { ($answer = ask($client)) =~ $pattern } 3;
    my $took_ms = 1000 * (now_s() - $from_s);
    like $answer, $pattern, $what;
    return cmp_ok $took_ms, '<', 1000, sprintf '... within a second: %.0f ms', $took_ms;
}
my $daemon = Postvalve::PolicyClient->new($one->{policyd}->endpoint);
my $spawned = Postvalve::PolicyClient->new(command =>
        [ Postvalve::Test::program('policyd'), '--spawn', '--config', $one->{policyd}->config_file ]);
$one->{milter}->start;
becomes($one, 'publisher', 'milter', 1, 'all three kinds of processes run');
like ask($_), qr/\ADUNNO/, 'calm: a bot goes on' for $daemon, $spawned;
override('mx1', level => 'critical');
answers($daemon, qr/\A521/, 'forced for this host: policyd');
answers($spawned, qr/\A521/, '... a spawned process');
becomes($one, 'level', 'critical', 1, '... the publisher');
is record($one)->{level_source}, 'override', '... which says why';
is record($two)->{level_source}, 'sensors', '... the other host does not care';
override('*', mode => 'off');
answers($daemon, qr/\ADUNNO/, 'off for all hosts: policyd');
answers($spawned, qr/\ADUNNO/, '... a spawned process');
becomes($one, 'off', 'yes', 1, '... the publisher');
becomes($two, 'off', 'yes', 1, '... of the other host too');
override('*');
answers($daemon, qr/\A521/, 'on again');
override('mx1');
answers($daemon, qr/\ADUNNO/, 'auto again');
becomes($one, 'level', 'calm', 2, '... the publisher');
my $lines = () = $one->{policyd}->log_text =~ /override: /g;
is $lines, 4, 'one line for each change';
is scalar(grep { $_->{host} eq 'mx1' } events('override')), 4, '... and one event';
override('mx1', level => 'nonsense', mode => 'sideways');
$redis->command('HSET', 'pv:override:*', level => 'critical', level_until => 1);
ok !(wait_until { ask($daemon) !~ /\ADUNNO/ } 1), 'what is unknown or has run out is ignored';
override('mx1');
override('*');

# -- who holds the slots -------------------------------------------------------

ok(wait_until(sub { $redis->command('EXISTS', 'pv:top:mx1') }, 3), 'the milter shows who holds slots');
like $redis->command('GET', 'pv:top:mx1'), qr/\A\{"sessions":0,"classes":\{.*\},"holders":\[\]\}\z/,
    '... nobody here';

# -- a host that vanishes ------------------------------------------------------

$two->{policyd}->kill9;
my $gone_s = now_s();
is record($one)->{cluster_hosts}, 1, 'a host that vanishes';
$ms = Postvalve::Stress::field_after($redis, 'mx1', 'cluster_hosts', 0, $gone_s, 13);
cmp_ok $ms // 99999, '<', 11500, sprintf '... is gone within its lease: %.0f ms', $ms // -1;

finish();
