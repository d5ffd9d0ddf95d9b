#!/usr/bin/perl
# doc/redis.md is true: after mail, bots and orders on a real Postfix with both daemons each key in
# Redis is one of the document, with its type, its fields and its expiry; and what the document says
# to be there is there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Postvalve::Counters qw(labels_of);
use Postvalve::Dns;
use Postvalve::NextHop;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Test;
use Postvalve::VerifyHost;

# -- the document ------------------------------------------------------------------------------

my %unit_s = (s => 1, h => 3600, d => 86400);
my $document = slurp(top_srcdir() . '/doc/redis.md');
my (%key, %section);

# Capital letters stand for anything.
sub pattern {
    my ($text) = @_;
    my $pattern = join '', map { /^[A-Z][A-Z-]*$/ ? '.+' : quotemeta } split /((?<![A-Za-z])[A-Z][A-Z-]*(?![a-z]))/, $text;
    return qr/^$pattern$/s;
}

# The first column of a table: what is in it, and whether it is marked.
sub names {
    my ($cell) = @_;
    my %is_marked;
    $is_marked{$1} = $2 ? 1 : 0 while $cell =~ /`([^`]+)`(\\\*)?/g;
    return \%is_marked;
}

for my $part (split /^(?=## )/m, $document) {
    my ($title) = $part =~ /^## (.*)/ or next;
    if ($title eq 'All keys') {
        while ($part =~ /^\| `(pv:[^`]+)`(\\\*)? +\| ([a-z ]+?) +\| (\S+)(?: ([shd]))? +\|$/mg) {
            $key{$1} = { type => $3, is_marked => !!$2, pattern => pattern($1), expires_s => $4 eq 'never' ? undef : $4 * $unit_s{$5} };
        }
        next;
    }
    my %fields;
    if (my ($table) = $part =~ /^(\| field.*?)^\n/ms) {
        my @rows = (split /\n/, $table)[2 .. 99];
        %fields = (%fields, %{ names((split /(?<!\\)\|/, $_)[1]) }) for grep { defined } @rows;
    }
    $section{$_} = { text => $part, fields => \%fields, title => $title } for map { s/^channel .*//r } grep { /^pv:/ } split /, /, $title;
}
cmp_ok scalar keys %key, '>', 14, 'the document has a table of keys';
is_deeply [ grep { !$section{$_} } sort keys %key ], [], 'each has a section';
is_deeply [ grep { !$key{$_} } sort keys %section ], [], 'and each section is in the table';
my @without = grep { $section{$_}{text} !~ /^    (?:redis-cli|postvalvectl) /m } grep { $_ !~ /^pv:(?:hosts|new|rblhealth|rblvalue)\b/ } sort keys %section;
is_deeply \@without, [], 'with a command to try';

# Counters, as metrics.md has them: field => kind and labels.
my (%counter, %value);
for (split /\n/, slurp(top_srcdir() . '/doc/metrics.md')) {
    if (/^\| `(\w+)` \| `postvalve_\w+` \| (\w+) \|([^|]*)\|/) { my ($name, $kind, $labels) = ($1, $2, $3); $counter{$name} = { kind => $kind, labels => [ split /,/, $labels =~ s/\s//gr ] } }
    elsif (/^\| `(\w+)` \| [^|]+ \| (.*) \|$/) { my ($label, $values) = ($1, $2); $value{$label}{$_}++ for $values =~ /as configured/ ? () : $values =~ /`([^`]+)`/g }
}

sub is_counter {
    my ($field, @kinds) = @_;
    my ($name, $labels) = labels_of($field) or return 0;
    my $is_sum = !$counter{$name} && $name =~ s/_sum$//;
    my $counter = $counter{$name} or return 0;
    return 0 if !grep { $counter->{kind} eq $_ } @kinds;
    my @expected = ('process', @{ $counter->{labels} }, $counter->{kind} eq 'histogram' && !$is_sum ? 'bucket' : ());
    return 0 if join(',', sort keys %$labels) ne join(',', sort @expected);
    return !grep { $value{$_} && !$value{$_}{ $labels->{$_} } } @{ $counter->{labels} };
}

# -- what happens ------------------------------------------------------------------------------

my $redis = Postvalve::Redis->new->start;
my $dns = Postvalve::Dns->new(zones => [
    [ 'zen.example', 'ip4set', ":127.0.0.2:listed\n127.0.0.2\n127.50.0.0/24\n" ],
    [ 'two.example', 'ip4set', ":127.0.0.2:listed\n127.0.0.2\n127.50.0.0/25\n" ],
])->start;
my $next = Postvalve::NextHop->new(users => [qw(alice bob)])->start;
my $mx = Postvalve::VerifyHost->start(name => 'mxa', redis => $redis, next => $next, config => {
    milter => { silent_after_s => 1 },
    rbl => { nameservers => [ 'inet:127.0.0.1:' . $dns->port ], checks => [ 'reject_rbl_client zen.example', 'reject_rbl_client two.example' ] },
});
my @ctl = (program('ctl'), '--config', $mx->{policyd}->config_file);
sub ctl { my ($status) = run_command([ @ctl, @_ ]); is $status, 0, "postvalvectl @_"; return }

is $mx->mail('alice@relay.example')->code, 250, 'good mail';
is $mx->mail('nobody@relay.example')->code, 550, 'mail to nobody';
my $policy = Postvalve::PolicyClient->new($mx->{policyd}->endpoint);
like $policy->request(server_port => $mx->{port}, client_address => '127.50.0.9', protocol_state => 'RCPT', instance => 'a.1'), qr/^[45]/, 'a listed client';
like $policy->request(server_port => $mx->{port}, client_address => '127.50.0.200', protocol_state => 'RCPT', instance => 'a.2'), qr/^[45]/, 'another one';
$mx->client->banner for 1 .. 2;    # gone without a word
my $silent = $mx->client('127.51.0.1');
$silent->banner;
my $errors = $mx->client('127.51.0.2');
$errors->banner;
$errors->command("NONSENSE $_") for 1 .. 3;
$errors->close;
ctl('allow', '127.52.0.1');
ctl('block', '127.52.0.2');
ctl('force', 'stressed', '--for', '20s', '--note', 'test');
wait_ok { $mx->client('127.52.0.2')->banner->code =~ /^[45]21$/ } 30, 'a blocked client is hung up on';
ctl('off', '--for', '20s', '--note', 'test');
ctl('on');
ctl('forget', '127.53.0.1');
my $end_s = now_s() + 1;
wait_until { now_s() > $end_s } 30, 'silence';
$silent->close;

# -- compared ----------------------------------------------------------------------------------

my (%has_appeared, @wrong);

# The key of the document that a key in Redis is: the one that says most.
sub documented {
    my ($name) = @_;
    my @fitting = sort { length $b <=> length $a } grep { $name =~ $key{$_}{pattern} } keys %key;
    return $fitting[0];
}

sub look_at_fields {
    my ($document, $name, $is_of_gauges, @fields) = @_;
    my $known = $section{$document}{fields};
    for my $field (@fields) {
        my ($row) = grep { $_ ne 'NAME{LABELS}' && $field eq $_ } keys %$known;
        ($row) = grep { $_ ne 'NAME{LABELS}' && /[A-Z]/ && $field =~ pattern($_) } sort { length $b <=> length $a } keys %$known if !$row;
        $row = 'NAME{LABELS}' if exists $known->{'NAME{LABELS}'} && is_counter($field, $is_of_gauges ? 'gauge' : ('sum', 'histogram'));
        push @wrong, "$name: a field '$field'" if !$row;
        $has_appeared{$document}{$row}++ if $row;
    }
    return;
}

sub look_at {
    my ($name) = @_;
    my $document = documented($name) or return push @wrong, "$name: not in the document";
    my $type = $redis->command('TYPE', $name);
    return if $type eq 'none';    # expired just now
    my $said = $key{$document}{type} =~ s/^sorted set$/zset/r;
    $has_appeared{$document}{''}++;
    push @wrong, "$name: is a $type" if $type ne $said;
    my $ttl_s = $redis->command('TTL', $name);
    my $limit_s = $key{$document}{expires_s};
    push @wrong, "$name: expires in $ttl_s s" if defined $limit_s ? $ttl_s < 0 && $ttl_s != -2 || $ttl_s > $limit_s : $ttl_s != -1;
    if ($type eq 'hash') {
        my %hash = @{ $redis->command('HGETALL', $name) };
        look_at_fields($document, $name, !!($name =~ /^pv:gauge:/), keys %hash);
    } elsif ($type eq 'stream') {
        for my $entry (@{ $redis->command('XRANGE', $name, '-', '+') }) {
            my %fields = @{ $entry->[1] };
            my @unknown = grep { index($section{$document}{text}, "`$_`") < 0 } keys %fields;
            push @wrong, "$name: a field '$_'" for @unknown;
            push @wrong, "$name: an entry of type '$fields{type}'" if $fields{type} && index($section{$document}{text}, "`$fields{type}`") < 0;
        }
    } elsif ($name =~ /^pv:top:/) {
        my $top = JSON::PP::decode_json($redis->command('GET', $name));
        push @wrong, "$name: '$_'" for grep { index($section{$document}{text}, "`$_`") < 0 } keys %$top, map { keys %$_ } @{ $top->{holders} };
    }
    return;
}

# Looked at several times, as some live for seconds only.
sub missing {
    my @missing;
    for my $name (sort keys %key) {
        push @missing, $name if !$key{$name}{is_marked} && !$has_appeared{$name};
        next if !$has_appeared{$name};
        my $fields = $section{$name}{fields};
        push @missing, map { "$name: $_" } grep { !$fields->{$_} && !$has_appeared{$name}{$_} } sort keys %$fields if $key{$name}{type} eq 'hash';
    }
    return @missing;
}
wait_until {
    @wrong = ();
    look_at($_) for @{ $redis->command('KEYS', '*') };
    !missing();
} 20, 'all that is documented';
is join("\n", sort @wrong), '', 'what is in Redis is in the document';
is join("\n", missing()), '', 'what is in the document is in Redis';
note 'conditional, and not seen here: ', join ', ', grep { !$has_appeared{$_} } sort keys %key;
finish();
