#!/usr/bin/perl
# verify(8) and postscreen(8) of two hosts, each with a policyd of its own on one Redis: what one
# host found out counts on the other. With policyd or Redis gone, or back with nothing, mail goes
# through. The configuration is that of contrib/postfix.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Postvalve::Daemon;
use Postvalve::PolicyClient;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

my $redis = Postvalve::Redis->new->start;
my $next_hop = Postvalve::Postfix->new(name => 'hop', process_limit => 50, main => {
    local_recipient_maps => 'inline:{alice=1, bob=1, carol=1, dave=1, erin=1, ' . ('k' x 900) . '=1}',
    smtpd_client_connection_count_limit => 0,
})->start;
my $site_key = spew(temp_dir('site') . '/key', "a secret of this very test\n");
my %host = map { $_ => host($_) } qw(a b);

# A client file of contrib/postfix, with this host's port and directory; and the table that it
# says how to create.
sub client_file {
    my ($name, $dir, $port, %change) = @_;
    my $text = slurp(top_srcdir() . "/contrib/postfix/$name");
    $text =~ s/:10034$/:$port/m or die $name;
    $text =~ s{/var/lib/postfix/}{$dir/data/}g or die $name;
    for my $command ($text =~ /^#   (postmap -i .*|chown .*)$/mg) {
        $command =~ s/^postmap/postmap -c $dir\/etc/;
        system('sh', '-c', $command) == 0 or die $command;
    }
    while (my ($key, $value) = each %change) { $text =~ s/^$key = .*/$key = $value/m or die $key }
    $text =~ s/^backup = none\n//m;
    spew("$dir/etc/$name", $text);
    return "memcache:$dir/etc/$name";
}

sub host {
    my ($name) = @_;
    my $memcache_port = free_port();
    my ($port, $dir) = (free_port(), temp_dir("host-$name"));
    my $postfix = Postvalve::Postfix->new(name => "mx-$name", port => $port, dir => $dir,
        is_without_smtp => 1,
        master => [
            'smtpd    pass  - - n - - smtpd',
            'dnsblog  unix  - - n - 0 dnsblog',
            'tlsproxy unix  - - n - 0 tlsproxy',
            "$port    inet  n - n - 1 postscreen",
        ],
        main => {
            mydestination        => '',
            relay_domains        => 'example.test',
            relay_recipient_maps => '',
            transport_maps       => 'inline:{example.test=smtp:[127.0.0.1]:' . $next_hop->port . '}',
            smtpd_recipient_restrictions => 'reject_unauth_destination, reject_unverified_recipient',
            unverified_recipient_reject_code => 550,
            address_verify_poll_delay => '1s',
            postscreen_greet_wait     => '1s',
            postscreen_greet_action   => 'enforce',
        })
        ;
    $postfix->edit_main(
        address_verify_map   => client_file('memcache-verify.cf', $dir, $memcache_port),
        postscreen_cache_map => client_file('memcache-postscreen.cf', $dir, $memcache_port),
    );
    my $policyd = Postvalve::Daemon->new('policyd', redis => $redis, name => "policyd-$name",
        config => {
            host     => $name,
            redis    => { retry_ms => 100 },
            memcache => { listen => ["inet:127.0.0.1:$memcache_port"] },
            verify   => { domains => ['example.test'], key_file => $site_key },
        })->start;
    return { postfix => $postfix->start, policyd => $policyd };
}

sub restart_policyd { $_->{policyd}->restart for values %host; return }

# The reply to one recipient of a mail; the mail is sent.
sub send_to {
    my ($host, $recipient, $source) = @_;
    my $smtp = Postvalve::Smtp->new(port => $host->{postfix}->port, timeout_s => 30,
        defined $source ? (source => $source) : ());
    my $reply = $smtp->send_mail(to => $recipient);
    $smtp->quit;
    return $reply->code;
}

# Until it is taken: what a sender does that gets 450.
sub insist {
    my ($host, $recipient, $source) = @_;
    my $code;
    wait_until { ($code = send_to($host, $recipient, $source)) != 450 } 40;
    return $code;
}

sub probes {
    my ($host, $recipient) = @_;
    my $count = () = $host->{postfix}->log_text =~ /to=<\Q$recipient\E>.* status=(?:un)?deliverable /g;
    return $count;
}

sub passes {
    my ($host, $kind, $source) = @_;
    my $count = () = $host->{postfix}->log_text =~ /PASS $kind \[\Q$source\E\]/g;
    return $count;
}

sub delivered {
    my ($recipient) = @_;
    my $count = () = $next_hop->log_text =~ /to=<\Q$recipient\E>.* status=sent /g;
    return $count;
}

# Why there is an answer always, and why the client files say max_try = 1. Returns a function that
# waits for a lookup which began now, and says how often the server was asked.
sub begin_lookup {
    my ($answer, $max_try) = @_;
    my $port = free_port();
    my $log = temp_dir('tries') . "/$port";
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 5) // die "listen: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        while (my $client = $listener->accept) {
            while (my $line = <$client>) {
                spew($log, (-e $log ? slurp($log) : '') . $line);
                print {$client} "$answer\r\n";
                $client->flush;
            }
        }
    }
    spew("$log.cf", "memcache = inet:127.0.0.1:$port\nmax_try = $max_try\n");
    my $postmap = start(cmd => [ '/usr/sbin/postmap', '-q', 'k', "memcache:$log.cf" ], name => "postmap-$port", log => "$log.out");
    return sub {
        $postmap->wait_exit(30);
        kill 'KILL', $pid;
        waitpid $pid, 0;
        return scalar(() = slurp($log) =~ /^get k\r$/mg);
    };
}

subtest 'what Postfix does with an error' => sub {
    my @lookups = map { begin_lookup(@{$_}) } [ 'END', 2 ], [ 'SERVER_ERROR no', 2 ], [ 'SERVER_ERROR no', 1 ];
    is $lookups[0]->(), 1, 'a miss is an answer';
    is $lookups[1]->(), 2, 'an error is not: sleep, and try again';
    is $lookups[2]->(), 1, '... but for max_try = 1';
};

my ($alice, $bob, $carol, $dave, $erin, $nobody) = map {"$_\@example.test"} qw(alice bob carol dave erin nobody);
my ($first, $second, $third, $fourth) = map {"127.9.1.$_"} 1 .. 4;

subtest 'what one host found out counts on the other' => sub {
    is insist($host{a}, $alice, $first), 250, 'host a: the first mail';
    is probes($host{a}, $alice), 1, '... with a probe';
    is passes($host{a}, 'NEW', $first), 1, '... from a client that postscreen does not know';
    is send_to($host{b}, $alice, $first), 250, 'host b: the same';
    is probes($host{b}, $alice), 0, '... without a probe';
    is passes($host{b}, 'OLD', $first), 1, '... from a client that it knows';
    is passes($host{b}, 'NEW', $first), 0, '... and did not test again';
    is insist($host{a}, $nobody, $first), 550, 'host a: an unknown recipient';
    is send_to($host{b}, $nobody, $first), 550, 'host b: the same';
    is probes($host{a}, $nobody), 1, '... one probe';
    is probes($host{b}, $nobody), 0, '... for both';
    my @keys = @{ $redis->command('KEYS', 'pv:cache:*') };
    is scalar @keys, 3, 'three entries in Redis';
    is scalar(grep { $redis->command('TTL', $_) <= 0 } @keys), 0, '... each expires';
    my @text = sort map { $redis->command('GET', $_) } @keys;
    like $text[0], qr/\A0 0:0:\d{10}:250 /, 'what verify(8) stores for a good address';
    like $text[1], qr/\A0 \d{10};/, 'what postscreen(8) stores';
    like $text[2], qr/\A0 2:0:\d{10}:.* 550 /, 'what verify(8) stores for a bad one';
};

subtest 'what verify(8) found out is a shortcut for the policy service' => sub {
    is scalar @{ $redis->command('KEYS', 'pv:rcpt:*') }, 2, 'two records';
    my $client = Postvalve::PolicyClient->new($host{b}{policyd}->endpoint);
    my %request = (client_address => '198.51.100.7', server_port => undef,
        policy_context => 'verify');
    is $client->request(%request, recipient => $alice), 'DUNNO', 'host b: a good recipient';
    like $client->request(%request, recipient => $nobody), qr/\A550 5\.1\.1 .*550 /,
        '... a bad one, with what the next hop said';
    is $client->request(%request, recipient => $bob), 'reject_unverified_recipient',
        '... one that nobody asked about';
};

subtest 'addresses that nobody should have' => sub {
    my $long = ('k' x 900) . '@example.test';
    is insist($host{a}, $long, $first), 250, '900 characters';
    is probes($host{a}, $long), 1, '... a probe';
    is send_to($host{b}, $long, $first), 250, '... on the other host';
    is probes($host{b}, $long), 0, '... none';
    for my $local ("gr\xc3\xbc\xc3\x9f", "\x01\x7f", '"a:b"') {
        my $code = insist($host{a}, "$local\@example.test", $first);
        ok $code == 550 || $code == 500 || $code == 501 || $code == 553, "refused: $code";
    }
    my $warnings = () = $host{a}{postfix}->log_text =~ /(?:verify|postscreen)\[\d+\]: (?:warning|panic|fatal): (?!connect to)/g;
    is $warnings, 0, 'no complaint of verify(8) or postscreen(8)';
};

subtest 'policyd starts again' => sub {
    restart_policyd();
    is send_to($host{a}, $alice, $first), 250, 'mail goes through';
    is probes($host{a}, $alice), 1, '... without another probe';
    is passes($host{a}, 'NEW', $first), 1, '... or test';
};

subtest 'Redis is away' => sub {
    $redis->stop;
    is send_to($host{a}, $alice, $first), 250, 'a known recipient and client';
    is probes($host{a}, $alice), 1, '... without another probe';
    is insist($host{a}, $bob, $second), 250, 'a new recipient from a new client';
    is send_to($host{a}, $bob, $second), 250, '... again';
    is probes($host{a}, $bob), 1, '... without another probe';
    is passes($host{a}, 'NEW', $second), 1, '... or test';
    is insist($host{b}, $bob, $second), 250, 'the other host';
    is probes($host{b}, $bob), 1, '... has to find out itself';
    is insist($host{a}, $nobody, $first), 550, 'an unknown recipient is one';
};

subtest 'Redis is back, with nothing' => sub {
    $redis->start;
    ok wait_until { send_to($host{a}, $alice, $first) == 250
            && @{ $redis->command('KEYS', 'pv:cache:*') } } 30, 'mail goes through, and Redis learns';
    is probes($host{a}, $alice), 1, '... without another probe';
    is insist($host{a}, $carol, $third), 250, 'a new recipient';
    is send_to($host{b}, $carol, $third), 250, '... on the other host';
    is probes($host{b}, $carol), 0, '... without a probe';
};

subtest 'policyd is away' => sub {
    $_->{policyd}->stop for values %host;
    is send_to($host{a}, $alice, $first), 250, 'what the backup knows';
    is insist($host{a}, $dave, $fourth), 250, 'a new recipient from a new client';
    is send_to($host{a}, $dave, $fourth), 250, '... again';
    is probes($host{a}, $dave), 1, '... one probe';
    is passes($host{a}, 'NEW', $fourth), 1, '... and one test';
    $_->{policyd}->start for values %host;
    is send_to($host{a}, $dave, $fourth), 250, 'policyd is back';
    is send_to($host{b}, $dave, $fourth), 250, '... and the other host is told';
    is probes($host{b}, $dave), 0, '... of the address';
    is passes($host{b}, 'NEW', $fourth), 0, '... and of the client';
};

subtest 'without a backup' => sub {
    my $postfix = $host{b}{postfix};
    $postfix->stop;
    my ($port) = $host{b}{policyd}->config->{memcache}{listen}[0] =~ /:(\d+)\z/;
    client_file($_, $postfix->dir, $port, backup => 'none')
        for qw(memcache-verify.cf memcache-postscreen.cf);
    $postfix->start;
    $host{b}{policyd}->stop;
    is send_to($host{b}, $erin, '127.9.1.5'), 450, 'policyd is away: come back later';
    $host{b}{policyd}->start;
    is insist($host{b}, $erin, '127.9.1.5'), 250, 'policyd is back, and so is the sender';
};

my %sent = ($alice => 5, $bob => 3, $carol => 2, $dave => 4, $erin => 1);
ok wait_until { !grep { delivered($_) < $sent{$_} } keys %sent } 30, 'all mail has arrived'
    or diag map {"$_ " . delivered($_) . " of $sent{$_}\n"} sort keys %sent;
is $_->{policyd}->stop, 0, 'end of policyd' for values %host;
$_->stop for $next_hop, map { $_->{postfix} } values %host;
finish();
