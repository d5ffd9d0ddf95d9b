#!/usr/bin/perl
# Redis in each of its bad states, under a real Postfix with both daemons: no SMTP client sees a 4xx
# or 5xx because of us, nobody waits, and afterwards Redis is used again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

my $redis = Postvalve::Redis->new(config => [ 'maxmemory-policy noeviction' ]);
my $sockets = temp_dir('sockets');
my %listen = (policyd => [ "unix:$sockets/p" ], milter => "unix:$sockets/m");

my $postfix = Postvalve::Postfix->new(
    process_limit => 20,
    main => {
        smtpd_milters => "{ unix:$sockets/m, default_action=accept, connect_timeout=5s, command_timeout=5s }",
        milter_macro_defaults => 'stress=${stress?{yes}:{no}}',
        smtpd_client_restrictions => "check_policy_service { unix:$sockets/p, timeout=5s, default_action=DUNNO }",
        smtpd_delay_reject => '${stress?{no}:{yes}}',
    })->start;

# 20 ms as in production: it is what is under test.
my @daemons = map {
    Postvalve::Daemon->new($_, postfix => $postfix, redis => $redis,
        config => { redis => { deadline_ms => 20, retry_ms => 200 }, memory => { fresh_ms => 0 }, $_ => { listen => $listen{$_} } })
} qw(policyd milter);
my ($policyd, $milter) = map { $_->start } @daemons;

my $next = 0;
sub source { return sprintf '127.9.%d.%d', ++$next / 250, 1 + $next % 250 }

# Mail from new and from known clients; each must be accepted, at once.
sub mail_flows {
    my ($state, $known) = @_;
    my @slow;
    for my $source ($known, source(), source(), $known) {
        my $started_s = now_s();
        my $reply = Postvalve::Smtp->new(port => $postfix->port, source => $source)->send_mail;
        push @slow, sprintf '%s %d %s %.1f s', $source, $reply->code, $reply->text, now_s() - $started_s
            if $reply->code != 250 || now_s() - $started_s > 1.5;
    }
    return is_deeply \@slow, [], "$state: mail flows";
}

sub lines { my ($daemon, $pattern) = @_; return scalar grep { /$pattern/i } split /\n/, $daemon->log_text }

my $known = source();
mail_flows('absent at the start', $known);
$redis->start;
ok wait_until { mail_to_redis($known) } 10, 'found once it is there';

my %state = (
    killed      => [ sub { $redis->kill9 },  sub { $redis->start } ],
    hung        => [ sub { $redis->pause },  sub { $redis->resume } ],
    full        => [ sub { $redis->command('CONFIG', 'SET', 'maxmemory', 1) }, sub { $redis->command('CONFIG', 'SET', 'maxmemory', 0) } ],
    'read-only' => [ sub { $redis->command('REPLICAOF', '127.0.0.1', 1); $redis->command('CONFIG', 'SET', 'replica-serve-stale-data', 'yes') },
                     sub { $redis->command('REPLICAOF', 'NO', 'ONE') } ],
    'wrong password' => [ sub { $redis->command('CONFIG', 'SET', 'requirepass', 'other'); $redis->client->try_command('CLIENT', 'KILL', 'TYPE', 'normal') },
                          sub { my $client = $redis->client; $client->try_command('AUTH', 'other'); $client->command('CONFIG', 'SET', 'requirepass', '') } ],
);
for my $name (sort keys %state) {
    subtest $name => sub {
        my ($break, $mend) = @{ $state{$name} };
        my @before = map { lines($_, 'redis') } @daemons;
        $break->();
        mail_flows($name, $known);
        mail_flows($name, $known);
        $mend->();
        ok wait_until { mail_to_redis(source()) } 10, 'used again afterwards';
        mail_flows("after $name", $known);
        for my $i (0, 1) {
            my $said = lines($daemons[$i], 'redis') - $before[$i];
            cmp_ok $said, '<=', 8, "$daemons[$i]{name}: a line a change of state, not a line a request";
        }
    };
}
ok $_->is_running, "$_->{name} is the one that was started" for @daemons;
is $_->stop, 0, "$_->{name} ends in order" for @daemons;
finish();

# Sends mail from an address and says whether Redis has its record then.
sub mail_to_redis {
    my ($source) = @_;
    Postvalve::Smtp->new(port => $postfix->port, source => $source)->send_mail;
    return wait_until { eval { $redis->command('HGET', "pv:client:$source", 'accepted') } } 0.5;
}
