#!/usr/bin/perl
# What was counted, as Prometheus and postvalvectl stats see it: both say what Redis says, promtool
# finds nothing to object to, and without Redis policyd still tells of itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Postvalve::Counters qw(total sum minutes);
use Postvalve::Daemon;
use Postvalve::Http;
use Postvalve::MilterSetup;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

my $redis = Postvalve::Redis->new->start;
my ($milter, $postfix) = Postvalve::MilterSetup::start(slots => 10, redis => $redis);
my $port = free_port();
my $policyd = Postvalve::Daemon->new('policyd', postfix => $postfix, redis => $redis, config => { http => { listen => ["inet:127.0.0.1:$port"] } })->start;
my $host = $milter->config->{host};
my $http = Postvalve::Http->new(port => $port);
my @ctl = (program('ctl'), '--config', $policyd->config_file, 'stats');

sub stats {
    my (@options) = @_;
    my ($status, $output) = run_command([ @ctl, @options ]);
    is $status, 0, "stats @options";
    return $output;
}

# Name with labels in the order of their names => number.
sub samples {
    my ($text) = @_;
    my %sample;
    for my $line (grep { !/^#/ } split /\n/, $text) {
        my ($name, $labels, $value) = $line =~ /^([a-z_]+)\{(.*)\} (\S+)$/ or die "no sample: $line";
        $sample{"$name\{" . join(',', sort split /,/, $labels) . '}'} = $value;
    }
    return \%sample;
}

sub metrics {
    my $reply = $http->get('/metrics');
    is $reply->{status}, 200, '/metrics answers';
    is $reply->{headers}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', '... as text';
    return $reply->{body};
}

sub promtool {
    my ($what, $text) = @_;
    my $file = spew(temp_dir() . '/metrics', $text);
    my ($status, $output) = run_command([ 'sh', '-c', "promtool check metrics < $file" ]);
    is $status, 0, "promtool: $what" or diag $output;
    is $output, '', '... and nothing to say';
    return;
}

Postvalve::Smtp->new(port => $postfix->port, source => "127.40.0.$_")->send_mail for 1 .. 3;
my $client = Postvalve::PolicyClient->new($policyd->endpoint);
$client->request(server_port => $postfix->port, protocol_state => 'RCPT', client_address => "127.41.0.$_", instance => "a.$_") for 1 .. 20;
wait_ok { my $c = total($redis, $host); sum($c, 'sessions_ended') == 3 && sum($c, 'verdicts', process => 'policyd') == 20 } 30, 'counted';

my $text = metrics();
promtool('/metrics', $text);
my $sample = samples($text);
is $sample->{'postvalve_messages_accepted_total{class="unknown",process="milter"}'}, 3, 'messages, which the milter counted';
is $sample->{'postvalve_verdicts_total{class="unknown",process="policyd",rule="admitted-before",stage="RCPT",verdict="continue"}'}, 20, 'verdicts, which policyd counted';
is $sample->{'postvalve_decision_seconds_count{process="policyd"}'}, 20, 'how long they took';
is $sample->{'postvalve_decision_seconds_bucket{le="+Inf",process="policyd"}'}, 20, '... in all buckets';
cmp_ok $sample->{'postvalve_decision_seconds_sum{process="policyd"}'}, '<', 20, '... in seconds';
is $sample->{'postvalve_redis_up{process="milter",use="read"}'}, 1, 'gauges of the milter';
like join(' ', keys %$sample), qr/postvalve_slot_limit\{process="policyd",service="\w+"\}/, 'and of policyd';
is $sample->{'postvalve_sessions_open{class="unknown",process="milter"}'}, 0, 'no session is open';
is $sample->{'postvalve_counters_known{process="milter"}'}, 1, 'the milter is known';

my @cumulative = map { $sample->{$_} } sort { ($a =~ /le="([^"]+)/)[0] <=> ($b =~ /le="([^"]+)/)[0] }
    grep { /^postvalve_decision_seconds_bucket\{le="[0-9]/ && /"policyd"/ } keys %$sample;
is_deeply \@cumulative, [ sort { $a <=> $b } @cumulative ], 'buckets are cumulative';

# postvalvectl says what Redis says.
promtool('stats --prometheus', $text = stats('--prometheus'));
is samples($text)->{'postvalve_sessions_ended_total{class="unknown",end="mail",process="milter"}'}, 3, 'stats --prometheus';
like stats(), qr/^messages_accepted +3 +process=milter class=unknown$/m, 'stats';
for my $options ([], ['--since', '1h']) {
    my $json = JSON::PP::decode_json(stats('--json', @$options));
    my ($entry) = grep { $_->{name} eq 'sessions_ended' } @{ $json->{counters} };
    is_deeply $entry, { name => 'sessions_ended', kind => 'sum', unit => '', value => 3, labels => { process => 'milter', class => 'unknown', end => 'mail' } },
        "stats --json @$options";
}
is((run_command([ @ctl, '--since', 'never' ]))[0], 64, 'no such time');
is((run_command([ @ctl, '--json', '--prometheus' ]))[0], 64, 'not both');

# The table in the documentation is the one that is counted by.
my $described = stats('--describe');
my $page = slurp(top_srcdir() . '/doc/metrics.md');
ok index($page, $described) >= 0, 'doc/metrics.md has the tables of postvalvectl stats --describe'
    or diag q{sed -i '/^## Counters/q' doc/metrics.md && { echo; postvalvectl stats --describe; } >> doc/metrics.md};

# Redis is away: policyd tells of itself, of the milter nothing, and nothing falls.
$redis->pause;
wait_until { time } 1, 'a moment';
my $alone;
wait_ok { $alone = samples($http->get('/metrics')->{body}); !$alone->{'postvalve_counters_known{process="milter"}'} } 30, 'without Redis the milter is not known';
is $alone->{'postvalve_decision_seconds_count{process="policyd"}'}, 20, '... and policyd tells of itself';
ok !(grep { /process="milter"/ && !/counters_known/ } keys %$alone), '... of itself alone';
$redis->resume;
wait_ok { samples($http->get('/metrics')->{body})->{'postvalve_messages_accepted_total{class="unknown",process="milter"}'} // 0 == 3 } 30, 'Redis is back, and so is the milter';
finish();
