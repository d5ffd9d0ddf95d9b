#!/usr/bin/perl
# The memcache protocol: commands, keys that nobody should send, clients that speak something
# else, two hosts with one Redis, and no Redis.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::UNIX;
use Postvalve::Daemon;
use Postvalve::Redis;
use Postvalve::Test;

$SIG{PIPE} = 'IGNORE';
my $redis = Postvalve::Redis->new->start;
my %socket;
my %policyd = map { $_ => host($_) } qw(a b);

sub host {
    my ($name) = @_;
    $socket{$name} = temp_dir('sockets') . "/$name";
    return Postvalve::Daemon->new('policyd', redis => $redis, config => {
        host     => $name,
        redis    => { retry_ms => 100 },
        policyd  => { request_timeout_s => 1 },
        memcache => { listen => ["unix:$socket{$name}"], memory_entries => 1000 },
        verify   => { domains => ['example.test'], readable => \1 },
    })->start;
}

sub connection {
    my ($name) = @_;
    return IO::Socket::UNIX->new(Peer => $socket{ $name // 'a' }) // die "memcache: $!";
}

# What has come within a moment once it matches; '' when the other side closed without a word.
sub hear {
    my ($connection, $pattern, $deadline_s) = @_;
    my $bytes = '';
    while ($bytes !~ $pattern) {
        IO::Select->new($connection)->can_read($deadline_s // 10) or return "late: $bytes";
        sysread $connection, $bytes, 65536, length $bytes or return $bytes;
    }
    return $bytes;
}

sub ask {
    my ($connection, $request) = @_;
    syswrite $connection, $request;
    return hear($connection, qr/(?:END|ED|FOUND|ERROR.*|VERSION .*)\r\n\z/);
}

sub set {
    my ($connection, $key, $value, $ttl) = @_;
    return ask($connection,
        sprintf "set %s 0 %d %d\r\n%s\r\n", $key, $ttl // 60, length $value, $value);
}

sub get {
    my ($connection, $key) = @_;
    my $reply = ask($connection, "get $key\r\n");
    return $reply =~ /\AVALUE \S+ \d+ \d+\r\n(.*)\r\nEND\r\n\z/s ? $1 : $reply;
}

my ($a, $b) = (connection('a'), connection('b'));

subtest 'commands' => sub {
    is ask($a, "get k\r\n"), "END\r\n", 'nothing yet';
    is ask($a, "set k 7 60 5\r\nhello\r\n"), "STORED\r\n", 'set';
    is ask($a, "get k\r\n"), "VALUE k 7 5\r\nhello\r\nEND\r\n", 'get';
    is ask($b, "get k\r\n"), "VALUE k 7 5\r\nhello\r\nEND\r\n", 'on the other host';
    is ask($b, "add k 0 60 2\r\nno\r\n"), "NOT_STORED\r\n", 'add what is there';
    is ask($b, "add l 0 60 3\r\nyes\r\n"), "STORED\r\n", 'add what is not';
    is get($a, 'l'), 'yes', '... is there';
    is ask($a, "add k 0 60 2\r\nno\r\n"), "NOT_STORED\r\n", 'add what memory has';
    is ask($b, "delete k\r\n"), "DELETED\r\n", 'delete';
    is ask($b, "delete k\r\n"), "NOT_FOUND\r\n", '... and again';
    is ask($a, "get k\r\n"), "END\r\n", 'deleted on the other host';
    is ask($a, "add k 0 60 3\r\nnew\r\n"), "STORED\r\n", 'add what was deleted there';
    like ask($a, "version\r\n"), qr/\AVERSION \S+\r\n\z/, 'version';
    is set($a, 'empty', ''), "STORED\r\n", 'an empty value';
    is get($b, 'empty'), '', '... is one';
    my $lines = join "\r\n", 'END', 'STORED', "VALUE k 0 3\n\0";
    set($a, 'lines', $lines);
    is get($b, 'lines'), $lines, 'a value with line ends';
    my $big = 'x' x 16384;
    set($a, 'big', $big);
    is get($b, 'big'), $big, 'the largest value';
    is set($a, 'verify:_LAST_CACHE_CLEANUP_COMPLETED_', '1795225947'), "STORED\r\n", 'a cleanup';
    is ask($a, "get verify:_LAST_CACHE_CLEANUP_COMPLETED_\r\n"), "END\r\n", '... is not shared';
    my $quit = connection();
    is ask($quit, "quit\r\n"), '', 'quit';
};

subtest 'expiry' => sub {
    my %ttl = (
        none => [ 0, 2678400 ],
        hour => [ 3600, 3600 ],
        '31 days' => [ 2678400, 2678400 ],
        ages => [ 9_999_999, 2678400 ],
        'an absolute time' => [ time + 100, 100 ],
    );
    for my $name (sort keys %ttl) {
        my ($sent, $expected) = @{ $ttl{$name} };
        my %before = map { $_ => 1 } @{ $redis->command('KEYS', 'pv:cache:*') };
        (my $key = $name) =~ s/ /_/g;
        set($a, "ttl-$key", 'v', $sent);
        my ($new) = grep { !$before{$_} } @{ $redis->command('KEYS', 'pv:cache:*') };
        my $ttl = $redis->command('TTL', $new);
        ok $ttl <= $expected && $ttl > $expected - 30, "$name: $ttl";
    }
    set($a, 'gone', 'v');
    is set($a, 'gone', 'w', -1), "STORED\r\n", 'expired at once';
    is ask($a, "get gone\r\n"), "END\r\n", '... is not there';
    my @failed = ('1:0:1795225947:no', '2:0:1795225947:no', '3:1795225947:0:wait');
    $redis->command('FLUSHALL');
    set($a, 'failed', $_, 0) for @failed;
    my ($key) = @{ $redis->command('KEYS', 'pv:cache:*') };
    cmp_ok $redis->command('TTL', $key), '<=', 259200, 'what verify(8) found to fail, for 3 days';
};

subtest 'what verify(8) found out' => sub {
    my $now = time;
    my %entry = (
        'verify:good@example.test'   => "0:0:$now:250 ok",
        'verify:bad@example.test'    => "2:0:$now:550 5.1.1 no",
        'verify:later@example.test'  => "1:0:$now:connection refused",
        'verify:probing@example.test' => "3:$now:0:wait",
        'verify:again@example.test'  => "2:$now:$now:550 5.1.1 no",
        'verify:backup@example.test' => '2:0:' . ($now - 1000) . ':550 5.1.1 no',
        'verify:a_b@example.test'    => "2:0:$now:550 5.1.1 no",
        'verify:good@other.example'  => "0:0:$now:250 ok",
        'postscreen:127.0.0.1'       => "$now;$now;0;0;0",
    );
    $redis->command('FLUSHALL');
    set($a, $_, $entry{$_}) for sort keys %entry;
    my %status = map { /\Apv:rcpt:(.*)\z/ ? ($1 => $redis->command('HGET', $_, 'status')) : () }
        @{ $redis->command('KEYS', 'pv:rcpt:*') };
    is_deeply \%status, {
        'good%40example.test'  => 'deliverable',
        'bad%40example.test'   => 'undeliverable',
        'later%40example.test' => 'deferred',
    }, 'the results of probes are remembered, and nothing else';
    set($a, 'verify:good@example.test', "2:0:$now:550 5.1.1 no");
    is $redis->command('HGET', 'pv:rcpt:good%40example.test', 'status'), 'deliverable',
        'what was deliverable stays so';
};

subtest 'hostile keys' => sub {
    my @keys = (
        'user@example.test', 'User@example.test', "user\@example.test\x01", "user\@example.test\x7f",
        "gr\xc3\xbc\xc3\x9f\@example.test", "gr\xfc\xdf\@example.test", "\x01\x02\x1b[2J", '%s%n', '*',
        'a:b', 'a%3Ab', '"quoted"@example.test', "';FLUSHALL", 'pv:cache:x', '$3', '*3',
        'k' x 1000, 'k' x 999 . 'l', 'k' x 250, 'k' x 251, 'k' x 4096, 'k' x 4095,
    );
    $redis->command('FLUSHALL');
    is set($a, $keys[$_], "value $_"), "STORED\r\n", "key $_" for 0 .. $#keys;
    is get($b, $keys[$_]), "value $_", "key $_ has its own value" for 0 .. $#keys;
    my @stored = @{ $redis->command('KEYS', '*') };
    is scalar(grep {/\Apv:cache:[0-9a-f]{32}\z/} @stored), scalar @keys, 'as many keys in Redis';
    is scalar(grep {/example|FLUSH|\x01/} @stored), 0, '... that tell nothing';
    like ask($a, 'get ' . 'k' x 1000 . "\r\n"), qr/\AVALUE k{250} 0 8\r\n/,
        'a reply fits into a line of Postfix';
};

subtest 'in pieces, and many at once' => sub {
    my $client = connection();
    for my $byte (split //, "set pieces 0 60 7\r\n12\r\n567\r\nget pieces\r\n") {
        syswrite $client, $byte;
    }
    is hear($client, qr/END\r\n\z/), "STORED\r\nVALUE pieces 0 7\r\n12\r\n567\r\nEND\r\n",
        'byte by byte';
    my $count = 500;
    my $requests = join '', map {"set n$_ 0 60 1 noreply\r\nx\r\nget n$_\r\ndelete n$_\r\n"} 1 .. $count;
    my $expected = join '', map {"VALUE n$_ 0 1\r\nx\r\nEND\r\nDELETED\r\n"} 1 .. $count;
    my $pid = fork // die;
    if ($pid == 0) {
        syswrite $client, substr $requests, 0, 5000, '' while length $requests;
        require POSIX;
        POSIX::_exit(0);
    }
    my $bytes = hear($client, qr/n$count 0 1\r\nx\r\nEND\r\nDELETED\r\n\z/, 30);
    waitpid $pid, 0;
    ok $bytes eq $expected, "$count times three commands, pipelined";
    is ask($client, "set x 0 60 20000\r\n" . 'y' x 20000 . "\r\n"),
        "SERVER_ERROR object too large for cache\r\n", 'a value too large';
    like ask($client, "version\r\n"), qr/VERSION/, '... is skipped';
};

subtest 'something else' => sub {
    for my $bad (
        "\x80\x00\x00\x01", "GET / HTTP/1.1\r\n\r\n", "request=smtpd_access_policy\n\n",
        "\0\0\0\0", "get\r\n", "get a b\r\n", "set k 0 0 9999999\r\n", "flush_all\r\n",
        "set k 0 60 1\r\nxx\r\n", 'get ' . 'k' x 5000, "get a\0b\r\n", 'x' x 30000,
        )
    {
        my $connection = connection();
        syswrite $connection, $bad;
        my $text = hear($connection, qr/\A\z./s);
        like $text, qr/\A(?:(?:ERROR|CLIENT_ERROR .*)\r\n)?\z/, 'closed: ' . (substr($bad, 0, 20) =~ s{[^ -~]}{.}gr);
    }
    ok $policyd{a}->wait_log(qr/memcache connection of .* closed: not a memcache request/), 'logged';
    my $slow = connection();
    syswrite $slow, 'get k';
    is hear($slow, qr/\A\z./s, 10), '', 'a request that does not end';
    ok $policyd{a}->wait_log(qr/memcache connection of .* closed: its request does not end/), 'logged';
    is get($a, 'n1'), "END\r\n", 'others are served';
};

subtest 'values of others in Redis' => sub {
    $redis->command('FLUSHALL');
    set($a, 'k', 'v');
    my ($key) = @{ $redis->command('KEYS', 'pv:cache:*') };
    is $redis->command('GET', $key), '0 v', 'as documented';
    $redis->command('SET', $key, 'nonsense');
    is get($b, 'k'), "END\r\n", 'no entry of ours';
    $redis->command('SET', $key, '0 ' . 'x' x 20000);
    is get($b, 'k'), "END\r\n", 'too large';
    $redis->command('DEL', $key);
    $redis->command('LPUSH', $key, 'x');
    my $late = get($b, 'k');
    is $late, "END\r\n", 'of another type';
};

subtest 'without Redis' => sub {
    $redis->command('FLUSHALL');
    ok wait_until(sub { set($b, 'probe', 'v'); get($a, 'probe') eq 'v' }, 10), 'all is well';
    set($a, 'before', 'old');
    get($b, 'before');
    $redis->stop;
    is get($a, 'before'), 'old', 'memory has what was stored';
    is get($b, 'before'), 'old', '... and what was read';
    is get($b, 'never'), "END\r\n", 'what nobody knows is not found, not an error';
    is set($a, 'during', 'new'), "STORED\r\n", 'stored';
    is set($a, 'large', 'x' x 5000), "STORED\r\n", 'stored, though memory does not keep it';
    is get($a, 'large'), "END\r\n", '...';
    is ask($a, "add during 0 60 1\r\nx\r\n"), "NOT_STORED\r\n", 'add what is there';
    is ask($a, "add added 0 60 1\r\nx\r\n"), "STORED\r\n", 'add what is not';
    is get($a, 'during'), 'new', 'there on this host';
    is get($b, 'during'), "END\r\n", '... not on the other';
    is ask($a, "delete before\r\n"), "DELETED\r\n", 'delete';
    is ask($a, "delete never\r\n"), "NOT_FOUND\r\n", 'delete nothing';
    $redis->start;
    ok wait_until(sub { set($b, 'probe', 'v2'); get($a, 'probe') eq 'v2' }, 20), 'Redis is back';
    is get($b, 'during'), "END\r\n", 'not there yet';
    is get($a, 'during'), 'new', 'asked for again';
    ok wait_until(sub { get($b, 'during') eq 'new' }, 10), '... it is shared';
    is get($a, 'before'), "END\r\n", 'what was deleted stays deleted';
};

subtest 'Redis does not answer, or takes nothing' => sub {
    set($a, 'known', 'v');
    $redis->pause;
    is get($a, 'known'), 'v', 'it hangs: what is known';
    is get($a, 'never'), "END\r\n", '... what is not';
    is set($a, 'hung', 'v'), "STORED\r\n", '... stored';
    $redis->resume;
    ok wait_until(sub { set($b, 'probe', 'v3'); get($a, 'probe') eq 'v3' }, 20), 'it answers again';
    $redis->command('CONFIG', 'SET', 'maxmemory', '1');
    is set($a, 'full', 'v'), "STORED\r\n", 'it is full: stored';
    is get($a, 'full'), 'v', '... in memory';
    is get($a, 'known'), 'v', '... what Redis has';
    $redis->command('CONFIG', 'SET', 'maxmemory', '0');
    ok wait_until(sub { get($a, 'full') eq 'v' && get($b, 'full') eq 'v' }, 20), 'it has room: shared';
};

subtest 'counted' => sub {
    my %value;
    ok wait_until(
        sub {
            %value = map { @{ $redis->command('HGETALL', $_) } } 'pv:total:a', 'pv:gauge:a:policyd';
            return 5 == grep { my $name = $_; grep {/$name/} keys %value }
                qw(memcache_gets.*redis memcache_gets.*memory memcache_sets memcache_unwritten connections_open.*memcache);
        },
        20
    ), 'gets, sets and what Redis did not take' or diag explain [ sort keys %value ];
};

subtest 'reload and end' => sub {
    my $other = temp_dir('sockets') . '/other';
    $policyd{a}->configure({ memcache => { listen => ["unix:$socket{a}", "unix:$other"] } });
    $policyd{a}->reload;
    ok wait_until(sub { -S $other }, 10), 'another listener';
    like ask($a, "version\r\n"), qr/VERSION/, 'connections stay';
    $policyd{a}->configure({ memcache => { listen => ["unix:$other"] } });
    $policyd{a}->reload;
    ok wait_until(sub { !-e $socket{a} }, 10), 'one less';
    is $policyd{$_}->stop, 0, "end of $_" for qw(a b);
};

finish();
