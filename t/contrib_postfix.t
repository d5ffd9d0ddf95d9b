#!/usr/bin/perl
# The fragments in contrib/postfix, each copied into a real Postfix as an administrator would do
# it. Only what has to differ in a test is replaced: ports, paths, the program's place.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::NextHop;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

my $fragments = top_srcdir() . '/contrib/postfix';
my $redis = Postvalve::Redis->new->start;

# main.cf parameters of a fragment, comments gone and lines joined.
sub main_of {
    my ($name, %replace) = @_;
    my $text = slurp("$fragments/$name");
    $text =~ s/^#.*\n//mg;
    while (my ($from, $to) = each %replace) { $text =~ s/\Q$from\E/$to/g or die "no $from in $name" }
    $text =~ s/\n[ \t]+/ /g;
    return map { /\A(\w+) = (.*)\z/ ? ($1, $2) : () } split /\n/, $text;
}

sub master_of {
    my ($name, %replace) = @_;
    my $text = slurp("$fragments/$name");
    $text =~ s/^#.*\n//mg;
    while (my ($from, $to) = each %replace) { $text =~ s/\Q$from\E/$to/g or die "no $from in $name" }
    return grep { /\S/ } split /\n/, $text;
}

# A client of the last two days that guesses recipients.
sub make_bot {
    my ($address) = @_;
    $redis->command('HSET', "pv:client:$address", first => time - 90000, last => time, unknown_rcpt => 50);
    return $address;
}

sub smtp {
    my ($postfix, $source, %option) = @_;
    return Postvalve::Smtp->new(port => $postfix->port, source => $source, %option);
}

# What is promised wherever the policy service is: mail goes through, a bot is hung up on at RCPT
# or, under Postfix's stress, before the banner; and with policyd gone mail goes through as before.
sub check_policyd {
    my ($postfix, $octet, $stop) = @_;
    my $bot = make_bot("127.8.$octet.1");
    is smtp($postfix, "127.8.$octet.2")->send_mail->code, 250, 'mail goes through';
    is smtp($postfix, $bot)->send_mail->code, 250, 'in calm a bot too: nothing is at stake';

    $postfix->force_stress(1);
    my $client = smtp($postfix, $bot);
    is $client->banner->code, 521, 'under stress a bot gets 521 instead of the banner';
    ok $client->is_closed(2), '... and is disconnected';
    is smtp($postfix, "127.8.$octet.3")->send_mail->code, 250, '... and others are in';

    $stop->();
    is smtp($postfix, "127.8.$octet.4")->send_mail->code, 250, 'without policyd mail goes through';
    is smtp($postfix, $bot)->banner->code, 220, '... from everybody';
}

for my $kind (qw(inet unix)) {
    subtest "main.cf.policyd-$kind" => sub {
        my $port = free_port();
        my $postfix = Postvalve::Postfix->new(
            name => "p$kind", process_limit => 20,
            main => { main_of("main.cf.policyd-$kind", $kind eq 'inet' ? (':10031' => ":$port") : ()) },
        );
        mkdir $postfix->queue_dir . '/postvalve' or die "mkdir: $!";
        my $policyd = Postvalve::Daemon->new('policyd', postfix => $postfix, redis => $redis, config => { policyd => {
            listen => [ $kind eq 'inet' ? "inet:127.0.0.1:$port" : 'unix:' . $postfix->queue_dir . '/postvalve/policy' ],
            socket => { group => 'postfix', mode => '0660' } } });
        $postfix->start;
        $policyd->start;
        check_policyd($postfix, $kind eq 'inet' ? 1 : 2, sub { $policyd->kill9 });
        $postfix->stop;
    };
}

subtest 'policyd-spawn' => sub {
    # spawn(8) runs it as nobody: program and configuration have to be readable.
    my $dir = temp_dir('spawn');
    my $program = "$dir/postvalve-policyd";
    spew($program, slurp(program('policyd')));
    chmod 0755, $program;
    my $postfix = Postvalve::Postfix->new(
        name => 'spawned', process_limit => 20,
        main => { main_of('main.cf.policyd-spawn') },
        master => [ master_of('master.cf.policyd-spawn',
            '/usr/sbin/postvalve-policyd' => $program, '--spawn' => "--spawn --config $dir/config.json") ],
    );
    my $policyd = Postvalve::Daemon->new('policyd', name => 'spawn', postfix => $postfix, redis => $redis,
        config => { log => { target => 'syslog' } })->configure;
    chmod 0644, $policyd->config_file;
    $postfix->start;
    # A policy server that cannot be started is one that is down.
    check_policyd($postfix, 3, sub { chmod 0, $program; kill 'KILL', spawned($program) });
    $postfix->stop;
};

subtest 'main.cf.milter' => sub {
    my $port = free_port();
    my $postfix = Postvalve::Postfix->new(
        name => 'milter', process_limit => 20,
        main => { main_of('main.cf.milter', ':10032' => ":$port") })->start;
    my $milter = Postvalve::Daemon->new('milter', postfix => $postfix, redis => $redis,
        config => { milter => { listen => "inet:127.0.0.1:$port" } })->start;
    my $bot = make_bot('127.8.4.1');
    is smtp($postfix, '127.8.4.2')->send_mail->code, 250, 'mail goes through';
    is smtp($postfix, $bot)->send_mail->code, 250, 'in calm a bot too';
    $postfix->force_stress(1);
    my $client = smtp($postfix, $bot);
    is $client->banner->code, 421, 'under stress, which the macro tells, a bot gets 421';
    ok $client->is_closed(2), '... and is disconnected';
    $milter->kill9;
    is smtp($postfix, $bot)->send_mail->code, 250, 'without the milter mail goes through';
    $postfix->stop;
};

subtest 'master.cf.submission' => sub {
    my ($port, $submission) = (free_port(), free_port());
    my $postfix = Postvalve::Postfix->new(
        name => 'users', process_limit => 20, stress => 1,
        main => { main_of('main.cf.milter', ':10032' => ":$port"), main_of('main.cf.policyd-inet', ':10031' => ':1') },
        # No TLS and no SASL in this test: the rest of the fragment is as it is.
        master => [ master_of('master.cf.submission', "submission inet n       -       y" => "$submission inet n - n",
            'smtpd_tls_security_level=encrypt' => 'smtpd_tls_security_level=none',
            'smtpd_sasl_auth_enable=yes' => 'smtpd_sasl_auth_enable=no',
            'permit_sasl_authenticated,reject' => 'permit') ])->start;
    my $milter = Postvalve::Daemon->new('milter', postfix => $postfix, redis => $redis,
        config => { milter => { listen => "inet:127.0.0.1:$port" } })->start;
    my $bot = make_bot('127.8.5.1');
    is smtp($postfix, $bot)->banner->code, 421, 'on the SMTP service a bot is hung up on';
    my $user = Postvalve::Smtp->new(port => $submission, source => $bot);
    is $user->send_mail->code, 250, 'the same address can submit mail';
    unlike $milter->log_text, qr/stage=(?:MAIL|RCPT)/, 'the milter did not even see it';
    $postfix->stop;
};

subtest 'main.cf.socketmap' => sub {
    my $port = free_port();
    my $postfix = Postvalve::Postfix->new(
        name => 'tables', process_limit => 20,
        main => { main_of('main.cf.socketmap', ':10033' => ":$port"),
            stressed => 'check_helo_access inline:{{slow.example = 450 4.7.1 not under stress}}' })->start;
    my $policyd = Postvalve::Daemon->new('policyd', postfix => $postfix, redis => $redis,
        config => { socketmap => { listen => [ "inet:127.0.0.1:$port" ] } })->start;
    is smtp($postfix, '127.8.6.1', helo => 'slow.example')->send_mail->code, 250, 'calm: mail goes through';
    my @hold = map { my $client = smtp($postfix, "127.8.6.$_"); $client->banner; $client } 10 .. 27;
    ok wait_until { smtp($postfix, '127.8.6.2', helo => 'slow.example')->send_mail->code == 450 } 5,
        'the class of the level is asked';
    $_->abort for @hold;
    $policyd->kill9;
    is smtp($postfix, '127.8.6.3')->send_mail->code, 451, 'without policyd the table costs mail, as the fragment says';
    $postfix->stop;
};

subtest 'main.cf.memcache' => sub {
    # t/memcache_postfix.t has the rest.
    my %main = main_of('main.cf.memcache');
    for my $name (qw(address_verify_map postscreen_cache_map)) {
        my ($file) = $main{$name} =~ m{\Amemcache:/etc/postfix/(\S+)\z};
        ok defined $file && -e "$fragments/$file", "$name: the file is there";
        like slurp("$fragments/$file"), qr/^memcache = inet:127\.0\.0\.1:10034$/m, '... with the port of the example';
    }
    my $postfix = Postvalve::Postfix->new(name => 'caches', main => \%main);
    unlike $postfix->postconf('-n'), qr/unused parameter/, 'Postfix knows the parameters';
};

subtest 'main.cf.verify' => sub {
    my ($port, $milter_port) = (free_port(), free_port());
    my $next = Postvalve::NextHop->new(users => ['alice'])->start;
    my $postfix = Postvalve::Postfix->new(
        name => 'verify', process_limit => 20,
        main => { main_of('main.cf.milter', ':10032' => ":$milter_port"), main_of('main.cf.verify', ':10031' => ":$port"),
            relay_domains => 'relay.example', relay_transport => 'smtp:' . $next->address })->start;
    my %verify = (domains => ['relay.example'], key_file => spew(temp_dir() . '/site.key', "a secret of this very test\n"));
    my ($policyd, $milter) = map {
        Postvalve::Daemon->new($_->[0], postfix => $postfix, redis => $redis,
            config => { verify => \%verify, $_->[0] => { listen => $_->[1] } })->start
    } [ policyd => ["inet:127.0.0.1:$port"] ], [ milter => "inet:127.0.0.1:$milter_port" ];
    for my $try (1, 2) {
        is smtp($postfix, '127.8.7.1')->send_mail(to => 'alice@relay.example')->code, 250, 'mail goes through';
        like smtp($postfix, "127.8.7.2")->send_mail(to => 'nobody@relay.example'),
            $try == 1 ? qr/^550 5\.1\.1 .*: undeliverable address: / : qr/^550 5\.1\.1 .*\[remembered\]/, 'but not to nobody';
        wait_ok { @{ $redis->command('KEYS', 'pv:rcpt:*') } == 2 } 30, 'both are remembered';
    }
    $policyd->kill9;
    is smtp($postfix, '127.8.7.3')->send_mail(to => 'alice@relay.example')->code, 250, 'without policyd mail goes through';
    like smtp($postfix, '127.8.7.4')->send_mail(to => 'noone@relay.example'), qr/^550 5\.1\.1 .*: undeliverable address: /,
        '... and Postfix verifies by itself';
    $postfix->stop;
};

sub spawned {
    my ($path) = @_;
    return grep { (readlink("/proc/$_/exe") // '') =~ /^\Q$path\E/ } map { m{(\d+)$} } glob '/proc/[0-9]*';
}

finish();
