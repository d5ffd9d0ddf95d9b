#!/usr/bin/perl
# A milter in front of several services of one Postfix: each has slots, a pressure and a level of
# its own, and is decided on by them; limits are read again.
use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::Daemon ();
use Postvalve::Postfix ();
use Postvalve::Redis ();
use Postvalve::Smtp ();
use Postvalve::Stress ();
use Postvalve::Test;

use constant { SLOTS => 4, SUBMISSION_SLOTS => 5, PLAIN_SLOTS => 6 };

my $redis = Postvalve::Redis->new->start;
my ($submission, $plain) = (free_port(), free_port());
my $socket = temp_dir() . '/m';
my $postfix = Postvalve::Postfix->new(
    process_limit => SLOTS,
    main          => {
        smtpd_milters => "{ unix:$socket, default_action=accept, connect_timeout=5s, "
            . 'command_timeout=5s }',
        milter_macro_defaults => 'stress=${stress?{yes}:{no}}',
        smtpd_timeout         => '60s',    # in stress too: a slot held in silence stays held
    },
    master => [
        "$submission inet n - n - ${\ SUBMISSION_SLOTS} smtpd",
        "$plain inet n - n - ${\ PLAIN_SLOTS} smtpd", '    -o smtpd_milters=',
    ],
)->start;
my $smtp = $postfix->port;

sub service {
    my ($port, %more) = @_;
    return { name => "$port", port => 0 + $port, postfix_config_directory => $postfix->config_dir, %more };
}
my @services = map { service($_) } $smtp, $submission, $plain;
my $milter = Postvalve::Daemon->new(
    'milter',
    redis  => $redis,
    config => {
        host      => 'mx',
        service   => undef,
        services  => \@services,
        level     => { stressed => 0.75, hold_s => 1 },
        admission => { bot_level => 'stressed' },
        reclaim   => { silent_before_helo_s => 60 },
        milter    => { listen => "unix:$socket" },
    },
)->start;

sub client {
    my ($port, $source) = @_;
    return Postvalve::Smtp->new(port => $port, source => $source);
}

# What is published of a service.
sub becomes {
    my ($port, $field, $value) = @_;
    my $name = $port == $smtp ? $field : "$port.$field";
    my $ms = Postvalve::Stress::field_after($redis, 'mx', $name, $value, now_s(), 10);
    return ok(defined $ms, "$name is $value")
        || diag explain(Postvalve::Stress::record($redis, 'mx'));
}

sub is_now {
    my ($port, $field, $value, $what) = @_;
    my $name = $port == $smtp ? $field : "$port.$field";
    return is(Postvalve::Stress::record($redis, 'mx')->{$name}, $value, $what);
}

sub occupy {
    my ($port, $count, $net) = @_;
    my @clients = map { client($port, "127.$net.0.$_") } 1 .. $count;
    is join(' ', map { $_->banner->code } @clients), join(' ', (220) x $count), "$count are in";
    return @clients;
}

# All leave; who was hung up on counts for some seconds more.
sub is_over {
    my ($port, @held) = @_;
    $_->quit for @held;
    becomes($port, 'pressure', '0\.000');
    becomes($port, 'level',    'calm');
    return;
}

my $bot = '127.9.0.1';
$redis->command('HSET', "pv:client:$bot", silent => 50, first => time - 100, last => time);
sub greeting {
    my ($port, $source) = @_;
    my $client = client($port, $source);
    my $code = $client->banner->code;
    $client->quit if $code == 220;
    return $code;
}

subtest 'each has its own' => sub {
    becomes($smtp,       'slot_limit', SLOTS);
    becomes($submission, 'slot_limit', SUBMISSION_SLOTS);
    becomes($plain,      'slot_limit', PLAIN_SLOTS);
    becomes($_, 'level', 'calm') for $smtp, $submission, $plain;
    is greeting($smtp, $bot), 220, 'calm: a bot is in';
    becomes($smtp, 'busy', 0);
};

subtest 'the first is stressed' => sub {
    my @held = occupy($smtp, 3, 30);
    becomes($smtp, 'level', 'stressed|critical');
    is_now($smtp,       'busy',  3,      'its slots');
    is_now($submission, 'busy',  0,      '... are not those of the second');
    is_now($submission, 'level', 'calm', '... which is calm');
    is greeting($smtp,       $bot), 421, 'a bot is hung up on at the first';
    is greeting($submission, $bot), 220, '... and is in at the second';
    is greeting($smtp,       '127.30.1.1'), 421, 'a stranger is above its ceiling at the first';
    is greeting($submission, '127.30.1.1'), 220, '... and is in at the second';
    is_over($smtp, @held);
};

subtest 'the second is stressed' => sub {
    my @held = occupy($submission, 4, 31);
    becomes($submission, 'level', 'stressed|critical');
    is_now($submission, 'busy',  4,      'its slots');
    is_now($smtp,       'busy',  0,      '... are not those of the first');
    is_now($smtp,       'level', 'calm', '... which is calm');
    is greeting($submission, $bot), 421, 'a bot is hung up on at the second';
    is greeting($smtp,       $bot), 220, '... and is in at the first';
    is greeting($submission, '127.31.1.1'), 421, 'a stranger is above its ceiling at the second';
    is greeting($smtp,       '127.31.1.1'), 220, '... and is in at the first';
    is_over($submission, @held);
};

subtest 'one that does not ask the milter' => sub {
    my @held = occupy($plain, PLAIN_SLOTS, 32);
    becomes($plain, 'busy', PLAIN_SLOTS);
    becomes($plain, 'level', 'stressed|critical');
    is_now($smtp, 'level', 'calm', 'the first is calm');
    is_over($plain, @held);
};

subtest 'limits are read again' => sub {
    $postfix->postconf('-F', "$smtp/inet/process_limit=9");
    becomes($smtp, 'slot_limit', 9);
    ok $milter->wait_log(qr/service $smtp: slot_limit=9 before=${\ SLOTS}/), 'the log says so';
    my @held = occupy($submission, 4, 33);
    is greeting($submission, '127.33.1.1'), 421, 'above the ceiling';
    $milter->configure({ services => [ $services[0], service($submission, slot_limit => 20) ] });
    $milter->reload;
    ok $milter->wait_log(qr/config\.json: taken/), 'a configuration with another limit';
    becomes($submission, 'slot_limit', 20);
    is_now($submission, 'busy', 4, 'its sessions are still there');
    is greeting($submission, '127.33.1.2'), 220, '... and there is room';
    $milter->configure({ services => [ $services[0] ] });
    $milter->reload;
    ok(wait_until(sub { !exists Postvalve::Stress::record($redis, 'mx')->{"$submission.busy"} }, 10),
        'without the second');
    is client($submission, $bot)->banner->code, 220, '... which is let alone';
    is $held[0]->send_mail->code, 250, '... sessions that it had too';
    $_->close for @held;
};

is $milter->stop, 0, 'ends in order';
finish();
