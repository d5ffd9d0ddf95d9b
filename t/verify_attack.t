#!/usr/bin/perl
# A dictionary attack: a hundred bots guess recipients while good mail is running. The next hop
# sees next to nothing of it, and good mail is not slower for it.
#
# PV_GUESSES=10000 is the attack as doc/performance.md has it; the test is a smaller one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use Postvalve::NextHop;
use Postvalve::Redis;
use Postvalve::Test;
use Postvalve::VerifyHost;

my $guesses = $ENV{PV_GUESSES} // 1000;
my ($bots, $workers) = (100, 20);

my $redis = Postvalve::Redis->new->start;
my @users = map { "user$_" } 1 .. 8;
my $next = Postvalve::NextHop->new(users => \@users)->start;
my $mx = Postvalve::VerifyHost->start(name => 'mxa', redis => $redis, next => $next, slots => 40);
my $good = '127.7.0.1';
$redis->command('HSET', "pv:client:$good", first => time - 100000, last => time, accepted => 500);

# Users that got mail before the attack.
is $mx->mail("$_\@relay.example", source => $good)->code, 250, "$_ gets mail" for @users;
wait_ok { $mx->status("$users[-1]\@relay.example") eq 'deliverable' } 30, 'users are known';
# A worker is five bots in turn: each guesses in a session until it is hung up on, and comes back.
# What they see: a line "CODE" for each guess, or "connect" where there was no session to be had.
sub attack {
    my ($worker, $out, $round) = @_;
    my $left = $guesses / $workers;
    while ($left > 0) {
        for my $bot (1 .. $bots / $workers) {
            my $smtp = eval { $mx->client("127.6.$worker.$bot") } or next;
            my $code = $smtp->banner->code;
            if ($code == 220) {
                $smtp->command('EHLO bot.example');
                $smtp->command('MAIL FROM:<bot@bot.example>');
                for (1 .. 25) {
                    last if $left-- <= 0;
                    $code = $smtp->command(sprintf 'RCPT TO:<g%d.%d.%d@relay.example>', $round, $worker, $left)->code;
                    syswrite $out, "$code\n";
                    last if $code == 421 || $code == 521 || !$code;
                }
            } else {
                $left--;
                syswrite $out, "connect\n";
            }
            $smtp->close;
            last if $left <= 0;
        }
    }
    return;
}

# Once with the level as it comes, and once with nothing but the budget of probes in the way.
for my $round (1, 2) {
    $mx->force('calm') if $round == 2;
    my $file = temp_dir() . "/guesses$round";
    spew($file, '');
    open my $out, '>>', $file or die "$file: $!";
    my @workers = map {
        my $number = $_;
        Postvalve::Test::start(name => "bots$round.$number", keep => [$out], code => sub { attack($number, $out, $round) });
    } 1 .. $workers;

    # Meanwhile.
    my (@ms, %reply);
    my ($begin_s, $delivered) = (now_s(), $next->delivered);
    my $sent = 0;
    while (grep { $_->is_running } @workers) {
        my $user = $users[ $sent++ % @users ];
        my $start_s = now_s();
        my $reply = $mx->mail("$user\@relay.example", source => $good);
        push @ms, 1000 * (now_s() - $start_s);
        $reply{ $reply->code }++;
        diag "$user: $reply" if $reply->code != 250;
        select undef, undef, undef, 0.05;
        last if now_s() - $begin_s > 300;
    }
    my $seconds = now_s() - $begin_s;
    my %seen;
    $seen{$_}++ for split /\n/, slurp($file);
    my $probes = 0;
    $probes += /^rcpt g$round\./ for split /\n/, slurp("$next->{dir}/asked");
    @ms = sort { $a <=> $b } @ms;

    diag sprintf '%d guesses of %d bots in %.0f s: %s; %d probes at the next hop', $guesses, $bots, $seconds,
        join(', ', map { "$_ $seen{$_}" } sort keys %seen), $probes;
    diag sprintf 'good mail: %d sent, %d accepted, median %.0f ms, 99 %% %.0f ms, most %.0f ms', $sent, $reply{250} // 0,
        $ms[ @ms / 2 ], $ms[ 0.99 * @ms ], $ms[-1];

    cmp_ok $probes, '<', 100, 'probes at the next hop';
    is $reply{250}, $sent, 'all good mail was accepted';
    cmp_ok $ms[ @ms / 2 ], '<', 2000, 'in time';
    ok !grep({ /^25/ } keys %seen), 'no guess was';
    wait_ok { $next->delivered >= $sent + $delivered } 60, 'and it arrived';
}
my $guessed = 0;
$guessed += ($redis->command('HGET', $_, 'status') // '') eq 'undeliverable' for @{ $redis->command('KEYS', 'pv:rcpt:*') };
cmp_ok $guessed, '<', 200, 'few guesses are remembered';
$mx->stop;
done_testing;
