#!/usr/bin/perl
# Slots are taken back from a real Postfix: from whom, when, how many, and from whom not. And
# what becomes of a milter that may not.
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select ();
use JSON::PP ();
use Postvalve::Daemon ();
use Postvalve::MilterSetup ();
use Postvalve::Redis ();
use Postvalve::Smtp ();
use Postvalve::Test;

my $redis = Postvalve::Redis->new->start;
$SIG{PIPE} = 'IGNORE';

# 10 slots, of which unknown clients may have 8. Nobody is on trial: see milter_flood.t.
sub setup {
    my (%config) = @_;
    my $options = delete $config{options} // {};
    return Postvalve::MilterSetup::start(
        slots  => 10,
        redis  => $redis,
        main   => { smtpd_timeout => '300s' },
        config => {
            level     => { sustain_ms => 0 },
            admission => { newcomers => { bad_share => 0 } },
            %config
        },
        %{$options},
    );
}

my ($milter, $postfix) = setup(reclaim => { silent_s => 4, budget_s => 8, newcomer_budget_s => 8, stall_s => 10 });
my $net = 20;

sub smtp { return Postvalve::Smtp->new(port => $postfix->port, source => $_[0]) }

# One after the other, so that their order is known.
sub silent {
    my ($net, $count) = @_;
    return map { my $smtp = smtp("127.$net.$_"); $smtp->banner; $_ => $smtp } 1 .. $count;
}

sub greeted {
    my $smtp = smtp($_[0]);
    $smtp->banner->code == 220 or die "$_[0]: " . $smtp->banner;
    $smtp->command('EHLO client.example');
    return $smtp;
}

sub good {
    my ($source) = @_;
    $redis->command('HSET', "pv:client:$source", 'accepted', 50, 'first', time - 1e6, 'last', time);
    return $source;
}

# Watches sessions: returns for each how long it lived in seconds; undef: it still does.
# Options: each_second, code to run.
sub watch {
    my ($seconds, $sessions, %option) = @_;
    my $begin_s = now_s();
    my %lived;
    my $next_s = 0;
    while ((my $age_s = now_s() - $begin_s) < $seconds) {
        for my $name (grep { !exists $lived{$_} } keys %{$sessions}) {
            $lived{$name} = $age_s if $sessions->{$name}->is_closed(0);
        }
        last if keys %lived == keys %{$sessions};
        if ($age_s >= $next_s) {
            $option{each_second}->() if $option{each_second};
            $next_s++;
        }
        IO::Select->new(map { $_->socket } grep { !$_->reason } values %{$sessions})->can_read(0.05);
    }
    return \%lived;
}

sub log_lines { return grep { /: (?:would-)?reclaim client=/ } split /\n/, $milter->log_text }
sub taken { return scalar(() = $milter->log_text =~ /config\.json: taken/g) }
sub reclaimed { return scalar log_lines() }

sub evidence { return $redis->command('HGET', "pv:client:$_[0]", $_[1]) }

# -- calm ----------------------------------------------------------------------

my %calm = silent('20.0', 5);
is_deeply watch(6.5, \%calm), {}, 'in calm silent clients keep their slots';
is reclaimed(), 0, '... and nothing is logged';
$_->close for values %calm;

# -- under stress, nobody else is there ----------------------------------------

my %silent = silent('21.0', 8);
my $lived = watch(6.5, \%silent);
is_deeply [ keys %{$lived} ], [1], 'under stress one silent client makes room below the ceiling, and no more';
ok $lived->{1} > 4.5 && $lived->{1} < 6, "... after 5 s: $lived->{1}";
is $silent{1}->reason, 'reset', '... its connection is reset';
my ($line) = log_lines();
like $line, qr/reclaim client=127\.21\.0\.1 port=\d+ class=unknown reason=silent-before-helo held=5\.\ds silent=[45]\.\ds state=connected level=(?:stressed|critical) slots=8\/10 waiting=0/,
    '... with a line in the log';
ok wait_until { (evidence('127.21.0.1', 'reclaimed') // 0) >= 0.99 } 30, 'reclaimed in Redis';
is evidence('127.21.0.1', 'silent'), undef, '... and not silent too';
is evidence('127.21.0.1', 'hung_up'), undef, '... nor hung up on';
ok wait_until { ($redis->command('HGET', 'pv:host:test', 'reclaimed') // 0) == 1 } 30, '... and counted in the state of the host';
my %event;
ok wait_until { %event = map { @{ $_->[1] } } grep { $_->[1][1] eq 'reclaim' } @{ $redis->command(qw(XRANGE pv:events - +)) }; %event } 30,
    '... and an event';
like delete $event{held_s}, qr/\A5\.\d\z/, '... with how long it was held';
is_deeply \%event, { type => 'reclaim', host => 'test', slots => 1, client => '127.21.0.1', class => 'unknown', reason => 'silent-before-helo' },
    '... by whom and why';
$_->close for values %silent;
wait_until { $redis->command('HGET', 'pv:host:test', 'busy') == 0 } 30, 'all gone';

# -- a flood: others are turned away all the time ------------------------------

my $flood = sub { smtp('127.22.9.' . ++$net)->banner for 1 .. 2 };
%silent = silent('22.0', 8);
$lived = watch(7, \%silent, each_second => $flood);
is_deeply [ grep { !defined $lived->{$_} || $lived->{$_} > 6 } sort keys %silent ], [],
    'in a flood all silent clients are gone after 5 s + 1 s';
is_deeply [ grep { $lived->{$_} < 4.5 } keys %{$lived} ], [], '... none sooner';
is smtp('127.22.1.1')->send_mail->code, 250, '... and others get in';

# -- who stays, who goes -------------------------------------------------------

wait_until { $redis->command('HGET', 'pv:host:test', 'busy') == 0 } 30, 'all gone';
my %who = (
    good      => smtp(good('127.23.0.1')),
    trusted   => smtp('127.0.0.1'),
    data      => greeted('127.23.0.3'),
    stalled   => greeted('127.23.0.4'),
    dribbling => greeted('127.23.0.5'),
    bytes     => greeted('127.23.0.6'),
    late      => greeted('127.23.0.7'),
    honest    => greeted('127.23.0.8'),
);
$_->banner for values %who;
for my $name (qw(data stalled)) {
    $who{$name}->command($_) for 'MAIL FROM:<sender@client.example>', 'RCPT TO:<alice@example.test>', 'DATA';
}
# Room for hardly anybody: all who may lose their slot do.
$milter->configure({ admission => { ceiling => { unknown => 0.2, suspect => 0.2 } } })->reload;
my @bytes = split //, 'NOOP and so on and on';
$lived = watch(14, \%who, each_second => sub {
    $who{data}->send_raw("slowly\r\n", 1);
    $who{dribbling}->command('NOOP', 1);
    $who{bytes}->send_raw(shift @bytes // 'x', 1);
    $who{honest}->send_mail(to => 'alice@example.test') if !$who{honest}->reason;
});
is_deeply [ grep { exists $lived->{$_} } qw(good trusted data honest) ], [],
    'a good client that is silent stays, so do a trusted one, a slow one in DATA and one that sends';
$lived->{$_} //= 99 for keys %who;
ok $lived->{late} > 3.5 && $lived->{late} < 5, "silence after HELO: $lived->{late}";
ok $lived->{dribbling} > 7 && $lived->{dribbling} < 9, "commands that lead nowhere: $lived->{dribbling}";
ok $lived->{bytes} > 7 && $lived->{bytes} < 9, "a byte now and then: $lived->{bytes}";
ok $lived->{stalled} > 9.5 && $lived->{stalled} < 11, "DATA without a byte: $lived->{stalled}";
my %reason = map { /client=127\.23\.0\.(\d) .*reason=(\S+)/ ? ($1 => $2) : () } log_lines();
is_deeply \%reason, { 4 => 'stalled', 5 => 'no-data', 6 => 'no-data', 7 => 'silent' }, '... and why';
is $who{data}->command('.')->code, 250, 'the slow message is accepted';
$_->close for values %who;

# -- observe mode --------------------------------------------------------------

wait_until { $redis->command('HGET', 'pv:host:test', 'busy') == 0 } 30, 'all gone';
$milter->configure({ mode => 'observe', admission => { ceiling => { unknown => 0.8, suspect => 0.5 } } })->reload;
wait_until { taken() == 2 } 30, 'reload';
my $before = reclaimed();
%silent = silent('24.0', 9);
is_deeply watch(7, \%silent), {}, 'observe mode: nobody loses his slot';
my @observed = (log_lines())[ $before .. reclaimed() - 1 ];
is scalar(grep { /would-reclaim client=127\.24\./ } @observed), 2, '... but those who would are logged, once each';
$milter->configure({ mode => 'enforce', reclaim => { observe => JSON::PP::true() } })->reload;
wait_until { taken() == 3 } 30, 'reload';
is_deeply watch(1, \%silent), {}, 'reclaim.observe: the same';
$milter->configure({ reclaim => { observe => JSON::PP::false() } })->reload;
is_deeply [ sort keys %{ watch(1, \%silent) } ], [ 1, 2 ], 'after that they do lose their slots';
$_->close for values %silent;

# -- disabled ------------------------------------------------------------------

$milter->configure({ reclaim => { enabled => JSON::PP::false() } })->reload;
wait_until { taken() == 5 } 30, 'reload';
%silent = silent('25.0', 8);
is_deeply watch(6.5, \%silent), {}, 'reclaim.enabled: false';
$_->close for values %silent;
is $milter->stop, 0, 'ends';
$postfix->stop;

# -- the capability ------------------------------------------------------------

sub silent_loses {
    my %sessions = silent("26.$_[0]", 8);
    my $lived_s = watch(4, \%sessions);
    $_->close for values %sessions;
    wait_until { ($redis->command('HGET', 'pv:host:test', 'busy') // 1) == 0 } 30, 'all gone';
    return scalar keys %{$lived_s};
}

my %soon = (reclaim => { silent_before_helo_s => 1 });
($milter, $postfix) = setup(%soon, user => 'nobody', group => 'nogroup');
my $status = slurp('/proc/' . $milter->pid . '/status');
like $status, qr/^Uid:\s+65534\s+65534/m, 'started as root, the milter gives up root';
like $status, qr/^CapEff:\s+0*1000$/m, '... but for CAP_NET_ADMIN';
is silent_loses(1), 1, '... and takes slots back';
$milter->stop;
$postfix->stop;

($milter, $postfix) = setup(%soon, options => {
    daemon => { command => [ qw(setpriv --bounding-set -net_admin --inh-caps -net_admin), program('milter') ] },
});
my @lines = grep { /slots are not taken back/ } split /\n/, $milter->log_text;
is scalar @lines, 1, 'without the capability there is one line about it';
like $lines[0], qr/CAP_NET_ADMIN .*reclaim\.enabled/, '... that says what to do';
is silent_loses(2), 0, '... nobody loses his slot';
my @hold = Postvalve::MilterSetup::occupy($postfix, 8, 27);
is smtp('127.27.1.1')->banner->code, 421, '... and all else works';
is smtp(good('127.27.1.2'))->send_mail->code, 250, '... for good clients too';
$milter->configure({ reclaim => { silent_before_helo_s => 2 } })->reload;
ok $milter->wait_log(qr/reclaim\.enabled: .*restart/), 'a reload says that it takes more than that';

# As under systemd: another user from the start, with AmbientCapabilities.
my $unit = Postvalve::Daemon->new(
    'milter',
    config  => { milter => { listen => 'inet:127.0.0.1:' . free_port() } },
    command => [
        qw(setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs),
        '--inh-caps', '-all,+net_admin', '--ambient-caps', '+net_admin',
        '--bounding-set', '-all,+net_admin',
        program('milter')
    ],
);
chmod 0755, $_ for Postvalve::Test::temp_dir('unit') =~ s{/[^/]*\z}{}r, $unit->dir;
$unit->start;
unlike $unit->log_text, qr/slots are not taken back/, 'as the systemd unit starts it, the milter may';
is $unit->stop, 0, '... and ends';

finish();
