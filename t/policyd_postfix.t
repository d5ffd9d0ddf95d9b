#!/usr/bin/perl
# policyd behind a real Postfix: over a socket, and started by spawn(8).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

# One more or less is one side of a ceiling or the other: a reading may be 10 ms old.
use constant SLOTS => 6;

my $redis = Postvalve::Redis->new->start;
my %record = (first => time - 100000, last => time);
$redis->command('HSET', 'pv:client:127.5.0.1', %record, accepted => 50);
$redis->command('HSET', 'pv:client:127.5.0.2', %record, silent => 20);
# Who takes the slots: no ceiling but the last slot's.
$redis->command('HSET', 'pv:client:127.5.1.1', %record, accepted => 50);

sub client {
    my ($postfix, $source) = @_;
    return Postvalve::Smtp->new(port => $postfix->port, source => $source);
}

# Takes so many slots, silently.
sub occupy {
    my ($postfix, $count) = @_;
    my @sessions = map { client($postfix, '127.5.1.1') } 1 .. $count;
    $_->banner for @sessions;
    return @sessions;
}

sub check_admission {
    my ($postfix) = @_;
    $redis->command('DEL', 'pv:host:test');
    is client($postfix, '127.5.0.1')->send_mail->code, 250, 'calm: mail of a good client';
    is client($postfix, '127.5.0.3')->send_mail->code, 250, 'of an unknown one';
    is client($postfix, '127.5.0.2')->send_mail->code, 250, 'and of a bot';

    my @sessions = occupy($postfix, SLOTS - 1);
    my $bot = client($postfix, '127.5.0.2');
    like $bot->banner->text, qr/^521 5\.7\.1 /, 'the last slot: a bot is hung up on';
    ok $bot->is_closed(1), 'at once';
    my $unknown = client($postfix, '127.5.0.3');
    like $unknown->banner->text, qr/^421 4\.3\.2 /, 'an unknown client may come back';
    ok $unknown->is_closed(1), 'too';
    is client($postfix, '127.5.0.1')->send_mail->code, 250, 'a good client gets it';
    $_->close for @sessions;
    return;
}

subtest 'over a unix socket' => sub {
    my $socket = temp_dir() . '/policy';
    my $postfix = Postvalve::Postfix->new(
        process_limit => SLOTS,
        main          => {
            smtpd_delay_reject        => 'no',
            smtpd_client_restrictions => "check_policy_service { unix:$socket, timeout=5s, "
                . 'default_action=DUNNO }',
        }
    )->start;
    my $policyd = Postvalve::Daemon->new(
        'policyd',
        postfix => $postfix,
        redis   => $redis,
        config  => { policyd => { listen => ["unix:$socket"] } }
    )->start;
    check_admission($postfix);
    like $policyd->wait_log(qr/client=127\.5\.0\.2/), qr/stage=CONNECT .*slots=\d\/6/,
        'with the slot limit of postconf';
    $policyd->stop;
    is client($postfix, '127.5.0.2')->send_mail->code, 250, 'without policyd mail passes';
    $postfix->stop;
};

subtest 'started by spawn(8)' => sub {
    my $daemon = Postvalve::Daemon->new(
        'policyd',
        redis  => $redis,
        config => { log => { target => 'syslog' } }
    );
    my $program = program('policyd');
    my $postfix = Postvalve::Postfix->new(
        process_limit => SLOTS,
        main          => {
            smtpd_delay_reject        => 'no',
            smtpd_client_restrictions =>
                'check_policy_service { unix:private/policy, timeout=5s, default_action=DUNNO }',
            policy_time_limit => 3600,
        },
        master => [
            'policy unix - n n - 0 spawn user=nobody argv='
                . "$program --spawn --config " . $daemon->config_file
        ]
    )->start;
    $daemon->configure({
        service => {
            name                     => '' . $postfix->port,
            port                     => 0 + $postfix->port,
            slot_limit               => 'auto',
            postfix_config_directory => $postfix->config_dir,
        }
    });
    check_admission($postfix);
    unlike $postfix->log_text, qr/warning: .*(?:spawn|policy)/, 'Postfix does not complain';
    $postfix->stop;
};

finish();
