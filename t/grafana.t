#!/usr/bin/perl
# The dashboards: what each panel asks, asked of a live Redis and a live Prometheus after some
# traffic through a real Postfix; all of them have something to show.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Postvalve::Daemon;
use Postvalve::Dns;
use Postvalve::Http;
use Postvalve::MilterSetup ();
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;
use Text::ParseWords ();

use constant PATIENCE_S => 60;

my $redis = Postvalve::Redis->new->start;
my $dns = Postvalve::Dns->new(zones => [ [ 'zen.example', 'ip4set', ":127.0.0.2:\n127.0.0.2\n203.0.113.1\n" ] ])->start;
my ($milter, $postfix) = Postvalve::MilterSetup::start(
    slots  => 4,
    redis  => $redis,
    config => {
        level     => { sustain_ms => 0 },
        admission => { newcomers => { bad_share => 0 }, ceiling => { unknown => 1 } },
        reclaim   => { silent_before_helo_s => 1 },
    },
);
my %port = map { $_ => free_port() } qw(http memcache prometheus);
my $policyd = Postvalve::Daemon->new(
    'policyd',
    postfix => $postfix,
    redis   => $redis,
    config  => {
        http     => { listen => ["inet:127.0.0.1:$port{http}"] },
        memcache => { listen => ["inet:127.0.0.1:$port{memcache}"] },
        rbl      => { nameservers => [ 'inet:127.0.0.1:' . $dns->port ], checks => ['reject_rbl_client zen.example'] },
        verify   => { domains => ['example.test'], requests => 'all', readable => JSON::PP::true },
    }
)->start;

sub dashboard {
    my ($name) = @_;
    return JSON::PP->new->utf8->decode(slurp(top_srcdir() . "/contrib/grafana/postvalve-$name.json"));
}

# [ title, what is asked ] of each.
sub questions {
    my ($dashboard) = @_;
    return map {
        my $panel = $_;
        map { [ $panel->{title}, $_->{expr} // $_->{query} ] } @{ $panel->{targets} // [] }
    } @{ $dashboard->{panels} };
}

sub smtp { return Postvalve::Smtp->new(port => $postfix->port, source => $_[0]) }

# Something of everything. $round: another client each time.
sub traffic {
    my ($round) = @_;
    my ($good, $bot, $client) = map { "127.5$_.0.$round" } 1 .. 3;
    $redis->command('HSET', "pv:client:$good", first => time - 1e6, last => time, accepted => 50);
    $redis->command('HSET', "pv:client:$bot", first => time - 9e4, last => time, silent => 20);
    is smtp($good)->send_mail->code, 250, 'good mail';
    is smtp($bot)->banner->code, 421, 'a bot is hung up on';
    is smtp($client)->send_mail(to => 'nobody@example.test')->code, 550, 'a recipient that is not there';
    my $policy = Postvalve::PolicyClient->new($policyd->endpoint);
    $policy->request(client_address => $_, client_port => $round, protocol_state => 'RCPT', server_port => $postfix->port)
        for '203.0.113.1', "203.0.113.1$round";
    my $cache = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port{memcache}) or die $!;
    syswrite $cache, "get x\r\n";
    sysread $cache, my $miss, 100;
    is $miss, "END\r\n", 'the shared cache';
    my @silent = map { smtp("127.54.$round.$_") } 1 .. 4;
    $_->banner for @silent;
    ok wait_until { grep { $_->is_closed(0) } @silent } PATIENCE_S, 'silent clients lose slots';
    return;
}

spew(temp_dir('prometheus') . '/prometheus.yml', <<"END");
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: postvalve
    static_configs: [ { targets: ["127.0.0.1:$port{http}"] } ]
END
my $collector = Postvalve::Test::start(
    cmd => [
        'prometheus', '--config.file', temp_dir() . '/prometheus/prometheus.yml', '--storage.tsdb.path', temp_dir() . '/prometheus/data',
        "--web.listen-address=127.0.0.1:$port{prometheus}"
    ],
    name => 'prometheus',
);
my $prometheus = Postvalve::Http->new(port => $port{prometheus});

# Results of an expression; none while Prometheus starts.
sub results {
    my ($expression) = @_;
    my $encoded = $expression =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;
    my $answer = eval { $prometheus->get("/api/v1/query?query=$encoded") } // return;
    return if $answer->{status} != 200;
    return grep { $_->{value}[1] ne 'NaN' } @{ JSON::PP->new->decode($answer->{body})->{data}{result} };
}

# The rates of counters that come into being with the first traffic are seen from the second on.
traffic(1);
wait_ok { results('postvalve_hang_ups_total') } PATIENCE_S, 'Prometheus has seen the first traffic';
traffic(2);
wait_ok { (results('sum(increase(postvalve_hang_ups_total[1m]))'))[0] && (results('sum(increase(postvalve_hang_ups_total[1m]))'))[0]{value}[1] > 0 }
    PATIENCE_S, '... and the second';

subtest 'Prometheus' => sub {
    for my $question (questions(dashboard('prometheus'))) {
        my ($title, $expression) = @{$question};
        $expression =~ s/\$instance/.*/g;
        wait_ok { results($expression) } 20, "$title: $expression";
    }
};

subtest 'Redis' => sub {
    my $host = $milter->config->{host};
    for my $question (questions(dashboard('redis'))) {
        my ($title, $query) = @{$question};
        $query =~ s/\$\{prefix\}/pv:/g;
        $query =~ s/\$\{host\}/$host/g;
        my $reply = $redis->command(Text::ParseWords::shellwords($query));
        my @lines = grep { defined && length } ref $reply ? @{$reply} : $reply;
        # A line for each minute; one of them has more than its time.
        @lines = grep { keys %{ JSON::PP->new->decode($_) } > 1 } @lines if $query =~ /^EVAL_RO/;
        ok scalar @lines, $title or diag $query;
    }
    my ($variable) = grep { $_->{name} eq 'host' } @{ dashboard('redis')->{templating}{list} };
    is_deeply $redis->command(split ' ', $variable->{query} =~ s/\$\{prefix\}/pv:/r), [$host], 'the choice of hosts';
};

subtest 'dashboards' => sub {
    for my $name (qw(prometheus redis)) {
        my $dashboard = dashboard($name);
        my %seen;
        is_deeply [ grep { $seen{ $_->{id} }++ } @{ $dashboard->{panels} } ], [], "$name: each panel has an id of its own";
        is_deeply [ map { $_->{title} } grep { $_->{gridPos}{x} + $_->{gridPos}{w} > 24 } @{ $dashboard->{panels} } ], [], '... and fits';
        unlike slurp(top_srcdir() . "/contrib/grafana/postvalve-$name.json"), qr/\bNaN\b|http:/, '... and names nobody';
    }
    my $rules = slurp(top_srcdir() . '/contrib/prometheus/postvalve.rules.yml');
    my $metrics = Postvalve::Http->new(port => $port{http})->get('/metrics')->{body};
    my %metric = map { $_ => 1 } $metrics =~ /^# TYPE (\w+)/mg;
    is_deeply [ grep { !$metric{$_} } $rules =~ /\b(postvalve_\w+)\{/g, $rules =~ /\((postvalve_\w+)\)/g ], [],
        'every metric in the alerts is there';
};

is $collector->stop, 0, 'Prometheus ends';
finish();
