#!/usr/bin/perl
# The page, /api/ and their HTTP: what is served, what is refused, and that nothing done to it
# makes a policy request wait.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::Http;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Test;
use Time::HiRes ();

my $redis = Postvalve::Redis->new->start;
my $port = free_port();
my $policyd = Postvalve::Daemon->new('policyd', redis => $redis, config => {
    host => 'mx1', http => { listen => ["inet:127.0.0.1:$port"], hosts => ['mx1.example.org'] },
})->start;
my $http = Postvalve::Http->new(port => $port);

# Opened first, looked at later: they need their time.
my %slow = (dribble => $http->connect, 'no reader' => $http->connect);
my $request = "GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n";
$_->blocking(0) for values %slow;

# One sends its request byte by byte, the other one request after the other and never reads.
sub go_on {
    syswrite $slow{dribble}, 'G';
    syswrite $slow{'no reader'}, $request x 150;
    return;
}

subtest 'files' => sub {
    my %type = (
        '/' => 'text/html', '/page.css' => 'text/css', '/page.js' => 'text/javascript',
        '/chart.js' => 'text/javascript', '/words.js' => 'text/javascript',
        '/explain.js' => 'text/javascript', '/icon.svg' => 'image/svg+xml',
    );
    for my $path (sort keys %type) {
        my $answer = $http->get($path);
        is $answer->{status}, 200, $path;
        like $answer->{headers}{'content-type'}, qr/\A\Q$type{$path}\E/, 'its type';
        my $name = $path eq '/' ? 'index.html' : substr $path, 1;
        ok $answer->{body} eq slurp(top_srcdir() . "/policyd/page/$name"), 'every byte of it';
        unlike $answer->{body} =~ s{http://www\.w3\.org/2000/svg}{}gr, qr{https?://|//cdn}, 'nothing from elsewhere';
        unlike $answer->{body}, qr/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/, 'no text becomes HTML';
        my $head = $http->get($path, method => 'HEAD');
        is $head->{headers}{'content-length'}, length $answer->{body}, 'HEAD says how long it is';
    }
};

subtest 'headers' => sub {
    for my $path ('/', '/api/status', '/nothing', '/api/explain') {
        my $headers = $http->get($path)->{headers};
        like $headers->{'content-security-policy'}, qr/\Adefault-src 'self';.*frame-ancestors 'none'/, "$path: policy";
        is $headers->{'x-content-type-options'}, 'nosniff', '... no sniffing';
        is $headers->{'referrer-policy'}, 'no-referrer', '... no referrer';
        is $headers->{'x-frame-options'}, 'DENY', '... no frames';
        is $headers->{'access-control-allow-origin'}, undef, '... for no other origin';
    }
};

subtest 'requests for somebody else' => sub {
    for my $host ('localhost', '127.0.0.1:1', '[::1]', 'mx1.example.org', 'MX1.example.org:8080') {
        is $http->get('/api/status', host => $host)->{status}, 200, "$host is ours";
    }
    for my $host ('evil.example', "evil.example:$port", '127.0.0.1.evil.example', '') {
        my $answer = $http->get('/', host => $host);
        is $answer->{status}, 421, "'$host' is not";
        unlike $answer->{body}, qr/<html/, '... and is told nothing';
    }
};

my @garbage = (
    [ 'HTTP/0.9'               => "GET /\r\n",                                        400 ],
    [ 'HTTP/2'                 => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",                  505 ],
    [ 'TLS'                    => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",      400 ],
    [ 'SMTP'                   => "EHLO x\r\nMAIL FROM:<>\r\n",                        400 ],
    [ 'zeros'                  => "\0" x 100,                                         400 ],
    [ 'no host'                => "GET / HTTP/1.1\r\n\r\n",                            400 ],
    [ 'two hosts'              => "GET / HTTP/1.1\r\nHost: localhost\r\nHost: a\r\n\r\n", 400 ],
    [ 'POST'                   => "POST /api/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405 ],
    [ 'DELETE'                 => "DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n",      405 ],
    [ 'a body'                 => "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 413 ],
    [ 'a chunked body'         => "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413 ],
    [ 'a proxy request'        => "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400 ],
    [ 'CONNECT'                => "CONNECT evil.example:25 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405 ],
    [ 'a long URL'             => 'GET /' . 'a' x 3000 . " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414 ],
    [ 'a very long URL'        => 'GET /' . 'a' x 60000 . " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414 ],
    [ 'a long header'          => "GET / HTTP/1.1\r\nHost: localhost\r\nX: " . 'a' x 9000 . "\r\n\r\n", 431 ],
    [ 'many headers'           => "GET / HTTP/1.1\r\nHost: localhost\r\n" . "X: a\r\n" x 3000 . "\r\n", 431 ],
    [ 'a folded header'        => "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400 ],
    [ 'a zero in a header'     => "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", 400 ],
    [ 'a zero in the path'     => "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",       400 ],
    [ 'no slash'               => "GET api HTTP/1.1\r\nHost: localhost\r\n\r\n",       400 ],
);

subtest 'what is no request' => sub {
    for my $case (@garbage) {
        my ($name, $bytes, $status) = @{$case};
        my $answer = $http->send($bytes, closed => 1);
        is $answer->{status}, $status, $name;
        is $answer->{json}{status}, $status, '... in JSON';
        ok $answer->{is_closed}, '... and closed';
    }
    is $http->send("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")->{headers}{allow}, 'GET, HEAD', 'what is allowed';
};

subtest 'paths' => sub {
    for my $path (
        '/../../etc/passwd', '/..%2f..%2fetc/passwd', '/%2e%2e/', '/page.js%00', '/page.js/', '//page.js',
        '/%70age.js', '/api', '/api/status/', '/api/status%00', '/index.html', '/.git/config', '/*', '/\\..\\',
    ) {
        is $http->get($path)->{status}, 404, $path;
    }
};

subtest 'many requests on one connection' => sub {
    my $socket = $http->connect;
    my @paths = ('/api/', '/nothing', '/words.js', '/api/status');
    syswrite $socket, join '', map { "GET $_ HTTP/1.1\r\nHost: localhost\r\n\r\n" } @paths;
    my $rest = $http->read_all($socket, sub {
        my $left = $_[0];
        for (@paths) { my $answer = $http->parse($left) or return; $left = $answer->{rest} }
        return 1;
    });
    my @status;
    for (@paths) { my $answer = $http->parse($rest); push @status, $answer->{status}; $rest = $answer->{rest} }
    is_deeply \@status, [ 200, 404, 200, 200 ], 'pipelined: each is answered, in order';
    for my $byte (split //, "GET /icon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n") { syswrite $socket, $byte }
    my $answer = $http->parse($http->read_all($socket, sub { $http->parse($_[0]) }));
    is $answer->{status}, 200, 'byte by byte, on the same connection';
    syswrite $socket, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    my $both = $http->read_all($socket);
    my $head = $http->parse($both, 1);
    is $http->parse($head->{rest})->{status}, 404, 'HEAD has no body';
    is $http->send("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", closed => 1)->{is_closed}, 1, 'HTTP/1.0 is closed';
};

my $now = $redis->command('TIME')->[0];

subtest 'status' => sub {
    $redis->command('SET', 'pv:top:mx1', '{"sessions":3,"classes":{"bot":1,"good":2},"holders":[{"client":"<b>","class":"bot","state":"HELO","held_s":3.5,"silent_s":1}]}');
    my $status = $http->get('/api/status?host=mx1')->{json};
    is $status->{host}, 'mx1', 'host';
    is $status->{source}, 'redis', 'source';
    is $status->{publisher}, 'policyd', 'publisher';
    is $status->{services}[0]{slot_limit}, 10, 'slots';
    is $status->{top}{classes}{good}, 2, 'classes';
    is $status->{top}{holders}[0]{client}, '<b>', 'text as text';
    cmp_ok abs($status->{time} - $now), '<', 60, 'time';
    is_deeply $status->{thresholds}, { elevated => 0.6, stressed => 0.8, critical => 1 }, 'thresholds';
    my $other = $http->get('/api/status?host=mx2')->{json};
    is_deeply [ @{$other}{qw(host this_host source services)} ], [ 'mx2', 'mx1', 'none', [] ], 'a host that nobody knows';
    for my $host ('', 'a%20b', 'a/b', '%00', 'a' x 300) {
        is $http->get("/api/status?host=$host")->{status}, 400, "host=$host is none";
    }
};

subtest 'history' => sub {
    $redis->command('XADD', 'pv:history:mx2', ($now - $_->[0]) . '000-0', @{ $_->[1] }) for
        [ 7000, [ pressure => '0.5', level => 'calm' ] ],
        [ 600, [ pressure => '1.250', level => 'critical', busy => 10, waiting => 3, slot_limit => 10 ] ],
        [ 300, [ pressure => '-1', level => "\x1b[31m", busy => 'x' x 99 ] ];
    my $history = $http->get('/api/history?host=mx2')->{json};
    is_deeply $history->{columns}, [qw(time pressure level busy waiting slot_limit)], 'columns';
    is_deeply $history->{samples},
        [ [ $now - 600, 1.25, 'critical', 10, 3, 10 ], [ $now - 300, undef, 'calm', undef, undef, undef ] ],
        'samples of the last hour; what makes no sense is not known';
    is scalar @{ $http->get('/api/history?host=mx2&minutes=7')->{json}{samples} }, 1, 'of the last minutes';
    is $http->get("/api/history?minutes=$_")->{status}, 400, "minutes=$_" for qw(0 61 -1 1e1 x %31%00), '9' x 30;
    wait_ok { @{ $http->get('/api/history')->{json}{samples} } } 30, 'policyd itself writes samples';
};

subtest 'counters' => sub {
    my $minute = int $redis->command('TIME')->[0] / 60;
    $redis->command('HSET', "pv:stats:mx2:$minute", 'a{b=c}', 5, 'd', 'x', 'e', '9' x 40);
    $redis->command('HSET', 'pv:stats:mx2:' . ($minute - 3), 'a{b=c}', 7, "\xff", 1);
    $redis->command('HSET', 'pv:stats:mx2:' . ($minute - 60), 'a{b=c}', 100);
    is_deeply $http->get('/api/counters?host=mx2')->{json}{counters}, { 'a{b=c}' => 12 }, 'sums of what are numbers';
    is $http->get('/api/counters?minutes=61')->{status}, 400, 'not more than an hour';
};

subtest 'events' => sub {
    my $id = $redis->command('XADD', 'pv:events', '*', type => 'access', key => "a\x1b\n<b>", note => "\xff");
    my $events = $http->get('/api/events?count=1')->{json}{events};
    is scalar @{$events}, 1, 'as many as asked for';
    is_deeply { %{ $events->[0] }, time => undef },
        { id => $id, time => undef, type => 'access', key => 'a\x1b\x0a<b>', note => '\xff' }, 'the latest, escaped';
    is $http->get("/api/events?count=$_")->{status}, 400, "count=$_" for qw(0 501 all);
};

subtest 'explain' => sub {
    write_json($policyd->dir . '/ctl.json', $policyd->config);
    for my $client ('192.0.2.1', '2001:db8::1') {
        my (undef, $output) = run_command([ program('ctl'), '--config', $policyd->dir . '/ctl.json', 'explain', '--json', $client ]);
        my $answer = $http->get("/api/explain?address=$client")->{json};
        delete $answer->{complete};
        $_->{now}{log} =~ s/ (?:slots|waiting)=\S+//g for $answer, my $expected = JSON::PP->new->utf8->decode($output);
        is_deeply $answer, $expected, "$client: as postvalvectl explain";
    }
    is $http->get("/api/explain$_")->{status}, 400, "explain$_" for
        '', '?address=', '?address=x', '?address=1.2.3.4%00', '?address=1.2.3.4&pressure=x',
        '?address=1.2.3.4&name=%0a', '?address=' . '1' x 1000;
    is $http->get('/api/explain?address=1.2.3.4&pressure=0.9')->{json}{now}{source}, 'assumed', 'an assumed pressure';
};

is_deeply $http->get('/api/lists')->{json}, { health => {}, value => {}, report => [] }, 'lists: none configured';

subtest 'noise' => sub {
    srand 7;
    my @seeds = map { $_->[1] } @garbage[ 0 .. 9 ];
    push @seeds, "GET /api/explain?address=1.2.3.4 HTTP/1.1\r\nHost: localhost\r\n\r\n", $request;
    my %seen;
    for (1 .. 300) {
        my $bytes = $seeds[ rand @seeds ];
        substr $bytes, rand length $bytes, rand 4, pack 'C*', map { int rand 256 } 1 .. rand 6 for 1 .. 1 + rand 3;
        my $answer = $http->send($bytes, end => 1);
        $seen{ $answer ? $answer->{status} : 'closed' }++;
        go_on() if $_ % 50 == 0;
    }
    note join ', ', map { "$_: $seen{$_}" } sort keys %seen;
    is_deeply [ grep { !/\A(?:closed|200|4\d\d|505)\z/ } keys %seen ], [], 'answered or closed, nothing else';
    is $http->get('/api/status')->{status}, 200, 'and it goes on';
};

# Its socket still belongs to policyd; a client that does not read cannot know.
sub is_held {
    my ($socket) = @_;
    my ($ours, $theirs) = map { sprintf '0100007F:%04X', $_ } $port, $socket->sockport;
    my ($line) = grep { /: \Q$ours $theirs\E / } split /\n/, slurp('/proc/net/tcp');
    return $line && (split ' ', $line)[9] ne '0';
}

subtest 'slow clients' => sub {
    my $idle = $http->connect;
    ok wait_until(sub { is_held($idle) }, 30, 'it to be accepted'), 'a connection is seen';
    for my $name (sort keys %slow) {
        ok wait_until(sub { go_on(); !is_held($slow{$name}) }, 30, 'to be closed'), "$name is closed";
    }
};

# -- mail does not wait ------------------------------------------------------------------------

sub policy_times {
    my ($count) = @_;
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    my @times;
    for my $i (1 .. $count) {
        my $before_s = now_s();
        my $action = $client->request(client_address => '192.0.2.' . $i % 250, instance => "http.$i");
        return if !defined $action;
        push @times, (now_s() - $before_s) * 1000;
    }
    @times = sort { $a <=> $b } @times;
    return @times;
}

subtest 'a thousand connections hang, and garbage comes in' => sub {
    my @calm = policy_times(500);
    is scalar @calm, 500, 'policy answers before';
    my $noise = start(name => 'noise', keep => [], code => sub {
        my @hanging;
        for (;;) {
            my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or next;
            $socket->blocking(0);
            my $kind = @hanging % 4;
            syswrite $socket, $kind == 0 ? '' : $kind == 1 ? 'GET / HT' : $kind == 2 ? $request x 100 : "\xff" x 5000;
            push @hanging, $socket;
            shift @hanging if @hanging > 1000;
        }
    });
    my $mine = $http->connect;
    ok wait_until(sub { !defined $http->_peek($mine) }, 30, 'room to be made'), 'more connections came than there may be';
    my @noisy = policy_times(500);
    is scalar @noisy, 500, 'all policy requests are answered meanwhile';
    note sprintf 'median %.2f ms, 99%% %.2f ms; before %.2f ms, %.2f ms', @noisy[ 250, 494 ], @calm[ 250, 494 ];
    cmp_ok $noisy[494], '<', 1000, '... at once';
    ok wait_until(sub { (eval { $http->get('/api/status') } // {})->{status} // 0 == 200 }, 30, 'an answer'), 'whoever asks gets the page';
    $noise->kill9;
    opendir my $dir, '/proc/' . $policyd->pid . '/fd' or die $!;
    cmp_ok scalar(grep { /\d/ } readdir $dir), '<', 200, 'descriptors are bounded';
    unlike $policyd->log_text, qr/http connection/, 'none of that fills the log';
};

subtest 'too many different questions' => sub {
    my $socket = $http->connect;
    my (%seen, $rest);
    syswrite $socket, join '', map { "GET /api/counters?x=$_ HTTP/1.1\r\nHost: localhost\r\n\r\n" } 1 .. 100;
    $http->read_all($socket, sub {
        ($rest, %seen) = ($_[0]);
        while (my $answer = $http->parse($rest)) { $seen{ $answer->{status} }++; $rest = $answer->{rest} }
        return ($seen{200} // 0) + ($seen{429} // 0) == 100;
    });
    cmp_ok $seen{429}, '>', 0, 'Redis is not asked each of them';
    wait_ok { $http->get('/api/status?x=1')->{status} == 200 } 30, 'a second later it goes on';
};

subtest 'Redis is away' => sub {
    $redis->pause;
    my ($before_s, @answers) = now_s();
    @answers = map { $http->get("/api/status?host=mx1&x=$_") } 1 .. 3;
    is $answers[-1]{json}{source}, 'this-process', 'what policyd sees itself';
    is $answers[-1]{json}{redis}{reachable}, JSON::PP::false(), 'and why';
    is $http->get('/api/history?minutes=59')->{status}, 503, 'no history';
    like $http->get('/api/events?count=7')->{json}{error}, qr/\S/, 'and why';
    is $http->get('/api/explain?address=1.2.3.4')->{json}{complete}, JSON::PP::false(), 'an incomplete explanation';
    is scalar(policy_times(20)), 20, 'policy answers';
    $redis->resume;
    wait_ok { $http->get('/api/status')->{json}{source} eq 'redis' } 30, 'and it is back';
};

subtest 'reload' => sub {
    my $socket = $policyd->dir . '/http';
    my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) // die $!;
    $policyd->configure({ http => { listen => [ "inet:127.0.0.1:$port", "unix:$socket" ] } });
    $policyd->reload;
    my $unix = Postvalve::Http->new(path => $socket);
    wait_ok { eval { $unix->get('/api/status')->{status} == 200 } } 30, 'a unix socket';
    is $http->get('/')->{status}, 200, 'the other one stays';
    $policyd->configure({ http => { listen => [ 'inet:127.0.0.1:' . $taken->sockport ] } });
    $policyd->reload;
    ok $policyd->wait_log(qr/page is not shown there/, 30), 'a port that is taken is a warning';
    is scalar(policy_times(5)), 5, 'policy answers';
    $policyd->configure({ http => { listen => [] } });
    $policyd->reload;
    wait_ok { !eval { $http->connect } } 30, 'off';
    is scalar(policy_times(5)), 5, 'policy answers';
    is $policyd->stop, 0, 'it ends in order';
    $policyd->configure({ http => { listen => [ 'inet:127.0.0.1:' . $taken->sockport ] } });
    $policyd->start;
    is scalar(policy_times(5)), 5, 'with a taken port from the start, policy answers all the same';
};

finish();
