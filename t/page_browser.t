#!/usr/bin/perl
# The page in a browser, before, during and after a flood of a real Postfix: what it says agrees
# with Redis, nothing goes wrong in it, and it can be used by everybody.
#
# PV_SCREENSHOTS=DIRECTORY keeps the pictures.

use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";

BEGIN { $ENV{PV_TEST_TIMEOUT} //= 300 }
use Postvalve::Browser;
use Postvalve::Daemon;
use Postvalve::Http;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Test;

use constant { SLOTS => 20, WIDE => 1280, NARROW => 390, TABS_MAX => 60 };

my $pictures = $ENV{PV_SCREENSHOTS} // temp_dir('pictures');
my $redis = Postvalve::Redis->new->start;
my ($port, $smtp_port) = (free_port(), free_port());
my $milter_socket = 'unix:' . temp_dir('milter') . '/s';
my $postfix = Postvalve::Postfix->new(
    port => $smtp_port, process_limit => SLOTS,
    main => {
        smtpd_milters         => "{ $milter_socket, default_action=accept, connect_timeout=5s, command_timeout=5s }",
        milter_macro_defaults => 'stress=${stress?{yes}:{no}}',
        smtpd_error_sleep_time => '0',
    },
)->start;
my %common = (
    host    => 'mx1.example.org',
    trusted => { networks => ['127.0.0.1/32'], own_addresses => JSON::PP::false() },
    level   => { hold_s => 2 },
);
my ($policyd, $milter) = map {
    Postvalve::Daemon->new($_, postfix => $postfix, redis => $redis, config => {
        %common,
        $_ eq 'milter' ? (milter => { listen => $milter_socket })
            : (http => { listen => ["inet:127.0.0.1:$port"] }),
    })->start
} qw(policyd milter);
my $http = Postvalve::Http->new(port => $port);
my $now = $redis->command('TIME')->[0];
$redis->command('HSET', "pv:client:127.10.0.$_", accepted => 50, first => $now - 86400 * 40, last => $now) for 1 .. 20;

my $browser = Postvalve::Browser->start(width => WIDE, height => 900);
$browser->open($http->url('/'));

sub flood {
    my ($seconds, @groups) = @_;
    my $file = write_json(temp_dir() . '/flood.json',
        { port => 0 + $smtp_port, seconds => $seconds, groups => \@groups });
    return start(name => 'flood', cmd => [ top_builddir() . '/t/bench/flood/smtp_flood', '--scenario', $file ]);
}

my %good = (kind => 'good', first_address => '127.10.0.1', addresses => 20, rate => 5, think_s => 0.1);

sub set_size {
    my ($width) = @_;
    $browser->resize($width, $width == WIDE ? 900 : 844);
    $browser->evaluate('new Promise((done) => setTimeout(done, 200))');
    return;
}

sub take_pictures {
    my ($name) = @_;
    for my $width (WIDE, NARROW) {
        set_size($width);
        $browser->screenshot("$pictures/$name-$width.png");
        is $browser->evaluate('document.documentElement.scrollWidth'), $width, "$name: no horizontal scroll at $width";
    }
    set_size(WIDE);
    return;
}

# Slots, level and waiting clients as the page shows them are those of Redis at the same time.
sub agrees {
    return wait_until {
        my ($level, $busy, $limit, $waiting) =
            @{ $redis->command('HMGET', 'pv:host:mx1.example.org', qw(level busy slot_limit waiting)) };
        my $shown = $browser->evaluate(q{['level', 'slots', 'waiting'].map((id) => document.getElementById(id).textContent).join(', ')});
        $shown eq "$level, $busy / $limit, $waiting";
    } 30, 'page and Redis to agree';
}

subtest 'before' => sub {
    my $mail = flood(2, \%good);
    ok $browser->wait_for(q{document.querySelector('#headline').textContent === 'Mail is flowing.'}), 'mail is flowing';
    is $browser->evaluate(q{document.querySelector('#hero').dataset.state}), 'calm', 'calm';
    ok $browser->wait_for(q{document.querySelector('#chart .curve')}), 'there is a curve';
    ok $browser->wait_for(q{document.querySelector('#history-table tbody tr')}), '... and a table of it';
    like $browser->evaluate('document.title'), qr/\Acalm · mx1\.example\.org/, 'the title says so too';
    $mail->wait_exit(30);
    ok agrees(), 'the numbers are those of Redis';
    take_pictures('before');
};

my $flood = flood(14, \%good,
    { kind => 'silent', first_address => '127.20.0.1', addresses => 80, stop_s => 12 },
    { kind => 'guess', first_address => '127.30.0.1', addresses => 40, stop_s => 12 });

subtest 'during' => sub {
    ok $browser->wait_for(q{['stressed', 'critical'].includes(document.querySelector('#hero').dataset.state)}), 'under stress';
    like $browser->text('#announcement'), qr/stress|slot/, 'told to those who do not see it';
    ok $browser->wait_for(q{document.querySelector('#classes [data-count="unknown"]').textContent > 0}), 'strangers hold slots';
    ok $browser->wait_for(q{document.querySelector('#clients a')}), 'somebody holds a slot';
    $browser->click('#clients a');
    ok $browser->wait_for(q{document.querySelector('#explanation h3')}), 'a click explains it';
    my $address = $browser->text('#explanation h3');
    is $browser->evaluate('decodeURIComponent(location.hash)'), "#client=$address", 'the address of the page can be sent to somebody';
    my $explained = $http->get("/api/explain?address=$address")->{json};
    like $browser->text('#explanation'), qr/Class \Q$explained->{class}\E:/, 'as /api/ does';

    my ($top, $shown);
    ok wait_until(sub {
        $top = $http->get('/api/status')->{json}{top};
        $shown = $browser->evaluate(q{[...document.querySelectorAll('#classes [data-count]')].map((b) => `${b.dataset.count} ${b.textContent}`).join(', ')});
        $shown eq join ', ', (map { "$_ $top->{classes}{$_}" } qw(trusted good returning unknown suspect bot)), 'free ' . (SLOTS - $top->{sessions});
    }, 30, 'the classes to agree'), 'slots by class are those of the milter';
    ok agrees(), 'the numbers are those of Redis';
    ok $browser->wait_for(q{document.querySelector('#events').textContent.includes('level')}), 'the change of level is an event';
    take_pictures('during');
};

$flood->wait_exit(60);

subtest 'after' => sub {
    ok $browser->wait_for(q{document.querySelector('#hero').dataset.state === 'calm'}), 'calm again';
    ok agrees(), 'the numbers are those of Redis';
    my $peak = 0;
    for my $sample (@{ $http->get('/api/history')->{json}{samples} }) { $peak = $sample->[1] if ($sample->[1] // 0) > $peak }
    cmp_ok $peak, '>=', 0.8, 'the history knows of the flood';
    ok $browser->wait_for("document.querySelector('#history-summary').textContent.includes('Highest " . sprintf('%.2f', $peak) . "')"),
        '... and the page says the same';
    take_pictures('after');
};

subtest 'what was counted' => sub {
    my @classes = qw(trusted good returning unknown suspect bot);
    my @names = qw(sessions_started messages_accepted hang_ups);
    my $lines = sub {
        my ($sum) = @_;
        return join ' | ', map { my $class = $_; join ' ', $class, map { $sum->{"$_ $class"} // 0 } @names } @classes;
    };
    my $names = join '|', @names;
    my (%of_redis, %of_metrics);
    my $shown = '';
    ok wait_until(sub {
        my %buckets = map { @{ $redis->command('HGETALL', $_) } ? ($_ => { @{ $redis->command('HGETALL', $_) } }) : () }
            @{ $redis->command('KEYS', 'pv:stats:mx1.example.org:*') };
        %of_redis = %of_metrics = ();
        for my $bucket (values %buckets) {
            for my $field (keys %{$bucket}) {
                $of_redis{"$1 $2"} += $bucket->{$field} if $field =~ /\A($names)\{.*\bclass=(\w+)/;
            }
        }
        for (split /\n/, $http->get('/metrics')->{body}) {
            $of_metrics{"$1 $2"} += $3 if /\Apostvalve_($names)_total\{.*\bclass="(\w+)".*\} (\d+)/;
        }
        $shown = $browser->evaluate(q{[...document.querySelectorAll('#mail tbody tr')].map((r) => [...r.cells].map((c) => c.textContent.replaceAll(',', '')).join(' ')).join(' | ')});
        $shown eq $lines->(\%of_redis) && $shown eq $lines->(\%of_metrics);
    }, 30, 'the counters to agree'), 'sessions, messages and hang-ups by class are those of Redis and of /metrics'
        or diag join "\n", $shown, $lines->(\%of_redis), $lines->(\%of_metrics);
    cmp_ok $of_redis{'messages_accepted good'}, '>', 5, 'there was mail of good senders';
    cmp_ok $of_redis{'hang_ups unknown'} + ($of_redis{'hang_ups suspect'} // 0), '>', 5, 'others were hung up on';
    my $all = 0;
    $all += $_ for map { $of_redis{"hang_ups $_"} // 0 } @classes;
    my $reasons = $browser->evaluate(q{[...document.querySelectorAll('#reasons b')].reduce((sum, b) => sum + Number(b.textContent.replaceAll(',', '')), 0)});
    is $reasons, $all, 'the reasons add up to all hang-ups';
    like $browser->text('#mail-note'), qr/\AGood senders: \d+ messages accepted/, 'good mail and its fate in words';
};

subtest 'explain' => sub {
    $browser->evaluate(q{document.querySelector('#address').value = ''; document.querySelector('#address').focus()});
    $browser->type('192.0.2.77');
    $browser->press('Enter');
    ok $browser->wait_for(q{document.querySelector('#explanation h3')?.textContent === '192.0.2.77'}), 'by the keyboard alone';
    $browser->evaluate(q{location.hash = '#client=' + encodeURIComponent('<img src=x onerror=alert(1)>')});
    ok $browser->wait_for(q{document.querySelector('#explanation').textContent.includes('is not an IPv4 or IPv6 address')}), 'what is no address';
    is $browser->evaluate(q{document.querySelectorAll('#explanation img').length}), 0, '... stays text';
};

subtest 'another host' => sub {
    $redis->command('HSET', 'pv:host:mx2.example.org', publisher => 'milter', id => 'x', renewed_ms => ($redis->command('TIME')->[0] + 5) . '000',
        service => 'smtp', port => 25, level => 'stressed', level_source => 'sensors', level_age_s => 5,
        pressure => '0.90', driver => 'slots', busy => 9, waiting => 0, slot_limit => 10);
    $redis->command('ZADD', 'pv:hosts', $redis->command('TIME')->[0], 'mx2.example.org');
    ok $browser->wait_for(q{[...document.querySelectorAll('#hosts a')].some((a) => a.textContent === 'mx2.example.org')}), 'is seen';
    like $browser->text('#hosts'), qr/stressed/, '... with its level';
};

# -- for everybody -----------------------------------------------------------------------------

subtest 'keyboard' => sub {
    $browser->open($http->url('/'));
    $browser->wait_for(q{document.querySelector('#hosts tbody tr')});
    my @seen;
    for (1 .. TABS_MAX) {
        $browser->press('Tab');
        my $where = $browser->evaluate(<<'SCRIPT');
(() => { const e = document.activeElement; if (e === document.body) return null;
const style = getComputedStyle(e);
return { name: e.id || (typeof e.className === 'string' ? e.className : '') || e.tagName.toLowerCase(),
  place: [...document.querySelectorAll('*')].indexOf(e), tag: e.tagName.toLowerCase(),
  outline: parseFloat(style.outlineWidth), visible: style.outlineStyle !== 'none' } })()
SCRIPT
        last if !$where || (@seen && $where->{place} <= $seen[-1]{place});
        push @seen, $where;
    }
    note join ', ', map { $_->{name} } @seen;
    is $seen[0]{name}, 'skip', 'first the link to the content';
    my %reached = map { $_->{tag} => 1 } @seen;
    ok $reached{$_}, "$_ is reached" for qw(a svg summary select input button);
    is_deeply [ map { $_->{name} } grep { !$_->{visible} || $_->{outline} < 2 } @seen ], [], 'the focus is always seen';
    $browser->evaluate(q{document.querySelector('#chart svg').focus()});
    $browser->press('ArrowLeft') for 1 .. 2;
    like $browser->evaluate(q{document.querySelector('.tip').hidden ? '' : document.querySelector('.tip').textContent}),
        qr/\d\d:\d\d:\d\d  \d+\.\d\d, \w+/, 'arrow keys walk along the curve';
};

# Contrast of WCAG 2: each text against the ground that it is on.
my $contrast = <<'SCRIPT';
(() => {
  const parse = (c) => (c.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b) };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const box = e.getBoundingClientRect();
    if (!own || box.width < 2 || e.closest('.hidden, .skip, noscript, option')) continue;
    let ground = e;
    while (ground && (parse(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0) ground = ground.parentElement;
    const back = light(parse(ground ? getComputedStyle(ground).backgroundColor : 'rgb(255,255,255)'));
    const style = getComputedStyle(e), front = light(parse(e instanceof SVGElement ? style.fill : style.color));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) bad.push(`${e.tagName} ${e.id || e.className?.baseVal || e.className}: ${e.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return bad;
})()
SCRIPT

subtest 'contrast and structure' => sub {
    for my $state (qw(calm elevated stressed critical lost unknown)) {
        for my $is_dark (0, 1) {
            $browser->set_dark($is_dark);
            $browser->evaluate("document.querySelector('#hero').dataset.state = '$state'");
            is_deeply $browser->evaluate($contrast), [], "$state, " . ($is_dark ? 'dark' : 'light');
        }
    }
    $browser->screenshot("$pictures/dark-" . WIDE . '.png');
    $browser->set_dark(0);
    my %count = (h1 => 1, header => 1, main => 1, footer => 1, '[role=status]' => 1);
    is $browser->evaluate("document.querySelectorAll('$_').length"), $count{$_}, $_ for sort keys %count;
    my %none = (
        'img:not([alt])' => 'pictures without a text', 'th:not([scope])' => 'headings of tables without a scope',
        'section:not([aria-labelledby])' => 'sections without a name', '[style]:not(.tip, .bar span, .bars span)' => 'styles in the text',
        '#chart svg:not([role=img][aria-label])' => 'a chart without words',
    );
    is $browser->evaluate("document.querySelectorAll('$_').length"), 0, "no $none{$_}" for sort keys %none;
    is $browser->evaluate('[...document.querySelectorAll("input, select")].filter((e) => !e.labels.length).length'), 0, 'every field has a label';
};

subtest 'nothing went wrong' => sub {
    is_deeply [ $browser->problems ], [], 'the console is empty';
    my $origin = $http->url('/');
    is_deeply [ grep { !/\A\Q$origin\E/ && !/\A(?:about|chrome):/ } $browser->requests ], [], 'nothing was asked of anybody else';
};

subtest 'policyd is gone' => sub {
    $policyd->stop;
    ok $browser->wait_for(q{document.querySelector('#hero').dataset.state === 'lost'}), 'the page says so';
    set_size(WIDE);
    $browser->screenshot("$pictures/lost-" . WIDE . '.png', visible => 1);
    $policyd->start;
    ok $browser->wait_for(q{document.querySelector('#hero').dataset.state === 'calm'}), 'and that it is back';
};

$browser->stop;
finish();
