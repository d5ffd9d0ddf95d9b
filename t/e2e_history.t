#!/usr/bin/perl
# Two MX hosts, each a real Postfix with a milter of its own, and one Redis between them: what one
# learns of a client the other knows at its first connection, and all of it outlives the daemons.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::MilterSetup;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

my $slots = 10;
my $redis = Postvalve::Redis->new->start;
my @mx = map {
    my ($milter, $postfix) = Postvalve::MilterSetup::start(
        slots => $slots, redis => $redis,
        main => { smtpd_authorized_xclient_hosts => '127.0.0.0/8', smtpd_client_connection_count_limit => 0 },
        config => {
            milter => { silent_after_s => 1 },
            level  => { hold_s => 0 },
            admission => { history_cap_sample => 100 },
            class  => {
                weight => { silent => 2.5, unknown_rcpt => 3 }, bot_score => 5, good_age_s => 0,
                good_domain_messages => 2, bad_network_clients => 2, return_min_s => 6, hammer_count => 1,
            },
        });
    { milter => $milter, postfix => $postfix };
} 1, 2;
my $log_text = sub { join '', map { $_->{milter}->log_text } @mx };

sub connection {
    my ($mx, $source) = @_;
    return Postvalve::Smtp->new(port => $mx->{postfix}->port, source => $source);
}

# The code of the first reply; the connection is closed after it.
sub greeting {
    my ($mx, $source) = @_;
    my $smtp = connection($mx, $source);
    my $code = $smtp->banner->code;
    $smtp->quit if $code == 220;
    return $code;
}

# As a client with an address and a name of its own.
sub other_client {
    my ($mx, $address, $name) = @_;
    my $smtp = connection($mx, '127.0.0.1');
    $smtp->banner;
    $smtp->command('EHLO proxy.example');
    my $reply = $smtp->command("XCLIENT NAME=$name ADDR=$address");
    return ($smtp, $reply->code);
}

# How many slots are taken as the milter knows it decides: hold this many, run, let go.
sub with_busy {
    my ($mx, $count, $code) = @_;
    my @holders = Postvalve::MilterSetup::occupy($mx->{postfix}, $count, 99);
    my @result = $code->();
    $_->command('HELO holder.example'), $_->quit for @holders;
    return wantarray ? @result : $result[0];
}

sub field { my ($key, $name) = @_; return $redis->command('HGET', "pv:client:$key", $name) }

# Holds a slot in silence, and goes.
sub be_silent {
    my ($mx, @sources) = @_;
    my @sessions = map { connection($mx, $_) } @sources;
    $_->banner for @sessions;
    select undef, undef, undef, 1.2;
    $_->close for @sessions;
    return;
}

# Sessions of holders become good ones: what they did counts for nobody here.
$redis->command('HSET', "pv:client:127.99.0.$_", first => 1, last => time, accepted => 500) for 1 .. $slots;

subtest 'a bot caught by one is hung up on at the other' => sub {
    my $bot = '127.20.0.1';
    be_silent($mx[0], $bot);
    ok wait_until(sub { (field($bot, 'silent') // 0) > 0.9 }, 5), 'silent once';
    is greeting($mx[1], $bot), 220, 'not a bot yet';
    be_silent($mx[0], $bot);
    ok wait_until(sub { (field($bot, 'silent') // 0) > 1.9 }, 5), 'silent twice';
    my $smtp = connection($mx[1], $bot);
    is $smtp->banner->code, 421, 'hung up on by the other, at once';
    ok $smtp->is_closed(2), '... which ends the connection';
    ok wait_until(sub { field($bot, 'hung_up') }, 5), 'which is remembered';
    is greeting($mx[0], '127.20.1.1'), 220, 'another client is not hung up on';
    cmp_ok field('127.20.0.0/24', 'silent'), '>', 1.9, 'the network remembers as well';
    is int(0.5 + field('127.20.0.0/24', 'bad_clients')), 1, '... that it has one bad client';
    ok !field('127.20.0.0/24', 'hung_up'), '... but not of hang-ups';
};

subtest 'history outlives the daemons' => sub {
    my $good = '127.30.0.1';
    is connection($mx[0], $good)->send_mail->code, 250, 'a message' for 1 .. 4;
    ok wait_until(sub { (field($good, 'accepted') // 0) > 3.9 }, 5), 'four messages';
    $_->{milter}->restart for @mx;
    is greeting($_, '127.20.0.1'), 421, 'the bot is still a bot' for @mx;
    for my $mx (@mx) {
        with_busy($mx, $slots - 1, sub {
            is greeting($mx, '127.30.0.99'), 421, 'no slot for an unknown client';
            is greeting($mx, $good), 220, 'the last slot for the good sender';
        });
    }
    my @keys = @{ $redis->command('KEYS', 'pv:client:*') };
    my @eternal = grep { $redis->command('TTL', $_) < 0 && $_ !~ /:127\.99\./ } @keys;
    cmp_ok scalar @keys, '>', 4, 'records';
    is_deeply \@eternal, [], 'each of them expires';
};

subtest 'networks' => sub {
    be_silent($mx[0], map { "127.21.0.$_" } 1 .. 3);
    ok wait_until(sub { (field('127.21.0.0/24', 'bad_clients') // 0) > 1.9 }, 5), 'a network of bots';
    $redis->command('HSET', 'pv:client:127.21.0.200', first => 1, last => time, accepted => 50);
    with_busy($mx[1], 7, sub {
        is greeting($mx[1], '127.21.0.100'), 421, 'under stress a new address in it is suspect';
        is greeting($mx[1], '127.22.0.1'), 220, '... in another network it is not';
        is greeting($mx[1], '127.21.0.200'), 220, '... nor is a good neighbour';
    });
    like $log_text->(), qr/client=127\.21\.0\.100 class=suspect reason=bad-network evidence=\S*bad_clients:/,
        'the log says why';
};

subtest 'domains' => sub {
    for my $address ('192.0.2.1', '198.51.100.1') {
        my ($smtp, $code) = other_client($mx[0], $address, 'out1.sender.example');
        is $code, 220, "a big sender from $address";
        is $smtp->command('EHLO out1.sender.example')->code, 250, 'EHLO';
        is $smtp->command("$_")->code =~ /^[23]5/ ? 1 : 0, 1, $_
            for 'MAIL FROM:<a@sender.example>', 'RCPT TO:<alice@example.test>', 'DATA';
        is $smtp->command("Subject: x\r\n\r\nx\r\n.")->code, 250, 'a message';
        $smtp->quit;
    }
    ok wait_until(sub { (field('sender.example', 'accepted') // 0) > 1.9 }, 5), 'the domain has its record';
    with_busy($mx[1], $slots - 1, sub {
        my ($smtp, $code) = other_client($mx[1], '203.0.113.77', 'out9.eu.sender.example');
        is $code, 220, 'a new address of it is good at the other host';
        $smtp->close;
        ($smtp, $code) = other_client($mx[1], '203.0.113.78', 'mail.elsewhere.example');
        is $code, 421, '... while a stranger is not';
        ($smtp, $code) = other_client($mx[1], '203.0.113.79', '[UNAVAILABLE]');
        is $code, 421, '... nor a client without a name';
    });
};

subtest 'coming back' => sub {
    my ($patient, $hasty) = ('127.24.1.1', '127.24.2.1');
    with_busy($mx[0], 8, sub {
        is greeting($mx[0], $_), 421, "$_: unknown, no slot" for $patient, $hasty;
        ok wait_until(sub { field($hasty, 'hung_up') && field($patient, 'hung_up') }, 5), 'remembered';
        my $from_s = now_s();
        sleep_until($from_s + 4.2);
        is greeting($mx[0], $hasty), 421, 'the hasty one is back after four seconds';
        ok wait_until(sub { field($hasty, 'hammered') }, 5), 'which is hammering';
        sleep_until($from_s + 12);
    });
    with_busy($mx[1], 8, sub {
        is greeting($mx[1], $patient), 220, 'who waited is let in by the other host';
        is greeting($mx[1], $hasty), 421, 'who hammered is not';
        is greeting($mx[1], '127.24.3.1'), 421, '... nor who comes for the first time';
    });
    like $log_text->(), qr/client=\Q$hasty\E class=suspect reason=hammering/, 'the log says why';
};

subtest 'too many hung up on by history alone' => sub {
    greeting($mx[0], '127.20.0.1') for 1 .. 120;
    ok $mx[0]{milter}->wait_log(qr/history-cap reached: \d+ % of \d+ connections/), 'the log says so';
    ok wait_until(sub { events('history-cap') }, 5), 'and an event';
    my ($event) = events('history-cap');
    is $event->{state}, 'reached', 'which says what';
    cmp_ok $event->{share}, '>', 0.5, '... and how many';
};

is $_->{milter}->stop, 0, 'ends in order' for @mx;
finish();

# The events of a type, each a hash.
sub events {
    my ($type) = @_;
    return grep { $_->{type} eq $type } map { +{ @{ $_->[1] } } } @{ $redis->command('XRANGE', 'pv:events', '-', '+') };
}

sub sleep_until {
    my ($at_s) = @_;
    my $left_s = $at_s - now_s();
    select undef, undef, undef, $left_s if $left_s > 0;
    return;
}
