#!/usr/bin/perl
# Hang-ups by policyd alone on a real Postfix: 421 and 521, at CONNECT and at RCPT, standalone and
# under spawn(8), with the pressure of real slots held by real clients.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

my $SLOTS = 20; # the last one would be the first that Postfix starts under stress
my $redis = Postvalve::Redis->new->start;
my %history = (
    good => [ first => time - 90000, last => time, accepted => 20 ],
    bot  => [ first => time - 90000, last => time, unknown_rcpt => 50 ],
);
my $next = 0;

sub client_of {
    my ($class) = @_;
    my $address = sprintf '127.7.%d.%d', ++$next / 250, 1 + $next % 250;
    $redis->command('HSET', "pv:client:$address", @{ $history{$class} }) if $history{$class};
    return $address;
}

# Takes slots with clients that are let in whatever their number, and say nothing more.
sub hold_slots {
    my ($postfix, $count) = @_;
    return map {
        my $client = Postvalve::Smtp->new(port => $postfix->port, source => client_of('good'));
        $client->banner->code == 220 or die 'not let in: ' . $client->banner->text;
        $client;
    } 1 .. $count;
}

# What a client gets to see: [stage of the first reply that is not positive, code, hung up?]
sub attempt {
    my ($postfix, $class, $rcpt) = @_;
    my $client = Postvalve::Smtp->new(port => $postfix->port, source => client_of($class));
    return [ 'CONNECT', $client->banner->code, $client->is_closed(2) ] if $client->banner->code != 220;
    for my $step ([ EHLO => 'EHLO c.example' ], [ MAIL => 'MAIL FROM:<s@c.example>' ], [ RCPT => 'RCPT TO:<' . ($rcpt // 'alice') . '@example.test>' ]) {
        my $reply = $client->command($step->[1]);
        return [ $step->[0], $reply->code, $client->is_closed($reply->code =~ /^[45]21/ ? 2 : 0.1) ? 1 : 0 ] if $reply->code >= 400 || !$reply->code;
    }
    $client->quit;
    return [ 'in' ];
}

sub rows {
    my ($postfix, $log) = @_;
    # 17 of 20 are held; with the asking client's own slot it is 0.90, or 0.05 more or less: a
    # reading may be some milliseconds old.
    my @hold = hold_slots($postfix, 17);
    is_deeply attempt($postfix, 'unknown'), [ 'RCPT', 421, 1 ], 'above its ceiling an unknown client gets 421 at RCPT';
    is_deeply attempt($postfix, 'bot'), [ 'RCPT', 521, 1 ], 'a bot gets 521 at RCPT';
    is_deeply attempt($postfix, 'good'), [ 'in' ], 'a good sender is in';
    $_->abort for @hold;

    ok wait_until { attempt($postfix, 'unknown')->[0] eq 'in' } 30, 'below it an unknown client is in';

    $postfix->force_stress(1);
    @hold = hold_slots($postfix, 17);
    is_deeply attempt($postfix, 'unknown'), [ 'CONNECT', 421, 1 ], 'under stress: 421 instead of the banner';
    is_deeply attempt($postfix, 'bot'), [ 'CONNECT', 521, 1 ], 'under stress: 521 instead of the banner';
    is_deeply attempt($postfix, 'good'), [ 'in' ], 'under stress a good sender is in';
    $_->abort for @hold;
    like $log->(), qr/hang-up client=127\.7\.\d+\.\d+ class=bot reason=bad-history evidence=unknown_rcpt:\S+ rule=bot code=521 stage=CONNECT level=\w+ pressure=\d/,
        'the log says who, why and how full it was' if $log;
    return;
}

sub postfix {
    my ($name, $service, @master) = @_;
    return Postvalve::Postfix->new(
        name => $name, process_limit => $SLOTS, master => \@master,
        main => {
            smtpd_client_restrictions => "check_policy_service { $service, timeout=5s, default_action=DUNNO }",
            smtpd_delay_reject => '${stress?{no}:{yes}}',
            postvalve_time_limit => '3600s',
        });
}

subtest 'standalone' => sub {
    my $socket = temp_dir('sockets') . '/p';
    my $postfix = postfix('alone', "unix:$socket")->start;
    my $policyd = Postvalve::Daemon->new('policyd', postfix => $postfix, redis => $redis,
        config => { level => { hold_s => 1 }, policyd => { listen => [ "unix:$socket" ] } })->start;
    rows($postfix, sub { $policyd->log_text });

    $policyd->configure({ mode => 'observe' })->reload;
    $policyd->wait_log(qr/reload|configuration/i);
    is_deeply attempt($postfix, 'bot'), [ 'in' ], 'in observe mode a bot is in';
    ok $policyd->wait_log(qr/would-hang-up client=\S+ class=bot .* code=521/), '... and the log says what would have been';
    $postfix->stop;
};

subtest 'under spawn(8)' => sub {
    my $dir = temp_dir('spawn');
    my $program = "$dir/postvalve-policyd";
    spew($program, slurp(program('policyd')));
    chmod 0755, $program;
    my $postfix = postfix('spawned', 'unix:private/postvalve', 'postvalve unix - n n - 0 spawn',
        "    user=nobody argv=$program --spawn --config $dir/config.json");
    Postvalve::Daemon->new('policyd', name => 'spawn', postfix => $postfix, redis => $redis,
        config => { log => { target => 'syslog' } })->configure;
    chmod 0644, "$dir/config.json";
    $postfix->start;
    rows($postfix);
    $postfix->stop;
};
finish();
