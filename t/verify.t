#!/usr/bin/perl
# Addresses are verified once, by a real Postfix at a real next hop, and remembered by every host:
# two MX hosts (Postfix, policyd and milter each), one Redis, one next hop that knows its users.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Postvalve::Daemon;
use Postvalve::NextHop;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;
use Postvalve::VerifyHost;

my $redis = Postvalve::Redis->new->start;
my $next  = Postvalve::NextHop->new(users => [qw(alice bob carol dora)])->start;
my @mx = map { Postvalve::VerifyHost->start(name => $_, redis => $redis, next => $next) } qw(mxa mxb);

sub rcpt { my ($mx, $to, %mail) = @_; return $mx->mail("$to\@relay.example", %mail) }
sub key_count { return scalar @{ $redis->command('KEYS', 'pv:rcpt:*') } }
sub status_of { my ($user) = @_; return $mx[0]->status("$user\@relay.example") }
sub is_status {
    my ($user, $status) = @_;
    return wait_ok { status_of($user) eq $status } 30, "$user is $status";
}

subtest 'a user that exists' => sub {
    is rcpt($mx[0], 'alice')->code, 250, 'the first mail';
    is $next->asked('alice'), 2, 'a probe, and the mail itself' if wait_ok { $next->delivered('alice') == 1 } 30, 'it arrives';
    is_status('alice', 'deliverable');
    is rcpt($mx[1], 'Alice')->code, 250, 'mail at another host';
    wait_ok { $next->delivered('alice') == 2 } 30, 'it arrives';
    is $next->asked('alice'), 3, '... and nobody probed';
    is rcpt($mx[0], 'alice')->code, 250, 'and at the first one';
};

subtest 'a user that does not' => sub {
    my $reply = rcpt($mx[0], 'nobody');
    like $reply, qr/^550 5\.1\.1 .*undeliverable address: host .* said: 550 5\.1\.1/, 'refused, after a probe';
    is $next->asked('nobody'), 1, 'one probe';
    is_status('nobody', 'undeliverable');
    my $before = key_count();
    $reply = rcpt($mx[1], 'nobody');
    like $reply, qr/^550 5\.1\.1 .*undeliverable address \[remembered\]: host .* said: 550 5\.1\.1 <\.\.\.>: no such user/,
        'refused by another host from memory, with the reason';
    is $next->asked('nobody'), 1, '... without a probe';
    is key_count(), $before, 'nothing new is learned of it';
    is $redis->command('KEYS', '*nobody*') && @{ $redis->command('KEYS', '*nobody*') }, 0, 'its name is not in Redis';
    my ($key) = grep { $redis->command('HGET', $_, 'status') eq 'undeliverable' } @{ $redis->command('KEYS', 'pv:rcpt:*') };
    unlike join(' ', @{ $redis->command('HGETALL', $key) }), qr/nobody/, '... nor in the reason';
};

subtest 'never turned away by us' => sub {
    is rcpt($mx[1], 'nobody', from => '')->code, 250, 'a bounce';
    is rcpt($mx[1], 'postmaster')->code, 250, 'mail to postmaster';
    is rcpt($mx[1], 'abuse')->code, 250, 'mail to abuse';
    is $mx[1]->mail('x@other.example')->code, 250, 'a domain that is not verified';
};

subtest 'under stress' => sub {
    $_->force('stressed') for @mx;
    my $asked = $next->asked('nobody') + $next->asked('bob');
    my @ms;
    for my $try (1 .. 5) {
        my $reply = rcpt($mx[0], 'bob', source => "127.9.0.$try");
        like $reply, qr/^450 4\.1\.1 .*\[not probed\]/, 'an unknown recipient is deferred' if $try == 1;
        push @ms, $reply->ms;
    }
    my ($best) = sort { $a <=> $b } @ms;
    cmp_ok $best, '<', 20, "at once (@ms ms)";
    is rcpt($mx[1], 'alice')->code, 250, 'a known one gets its mail';
    like rcpt($mx[1], 'nobody'), qr/^550 5\.1\.1/, 'a known wrong one is refused';
    wait_ok { $next->delivered('alice') >= 4 } 30, 'mail goes on';
    is $next->asked('bob') + $next->asked('nobody'), $asked, 'and nobody probed';
    is status_of('bob'), 'unknown', 'a deferral is no evidence';
    $_->force('calm') for @mx;
    is rcpt($mx[0], 'bob')->code, 250, 'in calm it gets through';
    wait_ok { $next->delivered('bob') == 1 } 30, 'and arrives';
};

subtest 'who guesses under stress' => sub {
    rcpt($mx[0], $_) for qw(guess1 guess2);
    is_status($_, 'undeliverable') for qw(guess1 guess2);
    $_->force('stressed') for @mx;
    my $smtp = $mx[0]->client('127.9.1.1');
    $smtp->banner;
    $smtp->command('EHLO bot.example');
    $smtp->command('MAIL FROM:<bot@bot.example>');
    is $smtp->command('RCPT TO:<guess1@relay.example>')->code, 550, 'the first guess';
    like $smtp->command('RCPT TO:<guess2@relay.example>'), qr/^421 4\.7\.0 .*too many unknown recipients/, 'the second one';
    ok $smtp->is_closed(5), '... ends the session';
    $_->force('calm') for @mx;
    $smtp = $mx[0]->client('127.9.1.2');
    $smtp->banner;
    $smtp->command('EHLO some.example');
    $smtp->command('MAIL FROM:<some@some.example>');
    is $smtp->command("RCPT TO:<$_\@relay.example>")->code, 550, 'in calm a few are borne' for qw(guess1 guess2 guess1);
    is $smtp->command('RCPT TO:<alice@relay.example>')->code, 250, '... and mail goes on';
};

subtest 'the next hop is down' => sub {
    $next->stop;
    my $reply = rcpt($mx[0], 'carol');
    like $reply, qr/^450 4\.1\.1 .*unverified address/, 'an unknown recipient is deferred';
    is rcpt($mx[0], 'alice')->code, 250, 'a known one is accepted';
    isnt status_of('carol'), 'undeliverable', 'nothing becomes undeliverable';
    is status_of('alice'), 'deliverable', '... least of all what was deliverable';
    $next->start;
    $_->{postfix}->postfix_command('flush') for @mx;
    $mx[1]->{postfix}->wait_answer;
    is rcpt($mx[1], 'carol')->code, 250, 'it is back: the other host, which has not asked yet, gets mail through';
    is_status('carol', 'deliverable');
    is rcpt($mx[0], 'carol')->code, 250, 'and so does the first one, from memory';
};

subtest 'a user is created' => sub {
    $next->set_users(qw(alice bob carol dora nobody));
    like rcpt($mx[1], 'nobody'), qr/^550 5\.1\.1/, 'remembered as undeliverable';
    my ($status, $output) = $mx[1]->ctl('verify', 'forget', 'nobody@relay.example');
    is $status, 0, 'postvalvectl verify forget' or diag $output;
    is rcpt($mx[1], 'nobody')->code, 250, 'and mail gets in at once';
};

subtest 'a user is created, and nobody tells us' => sub {
    my %soon = (negative => { refresh_s => 2 });
    $_->configure({ verify => \%soon }) for @mx;
    $_->{postfix}->edit_main(address_verify_negative_refresh_time => '2s')->reload for @mx;
    like rcpt($mx[0], 'erin'), qr/^550 5\.1\.1/, 'refused';
    is_status('erin', 'undeliverable');
    $next->set_users(qw(alice erin));
    wait_ok { rcpt($mx[0], 'erin')->code == 250 } 30, 'after the refresh time mail gets in';
    is_status('erin', 'deliverable');
};

subtest 'senders, where that is configured' => sub {
    $next->set_users(qw(alice bob carol));
    $_->configure({ verify => { sender_domains => ['sender.example'] } }) for @mx;
    my $sender_is = sub {
        my ($user, $status) = @_;
        return wait_ok { join('', $mx[0]->ctl('verify', 'show', '--sender', "$user\@sender.example")) =~ /^status +$status/m } 30,
            "the sender $user is $status";
    };
    my $asked = $next->asked('bob');
    is rcpt($mx[0], 'alice', from => 'bob@sender.example')->code, 250, 'a sender that exists';
    is $next->asked('bob'), $asked + 1, '... was probed';
    $sender_is->('bob', 'deliverable');
    is rcpt($mx[1], 'alice', from => 'bob@sender.example')->code, 250, 'at the other host';
    is $next->asked('bob'), $asked + 1, '... was not';
    like rcpt($mx[0], 'alice', from => 'forged@sender.example'), qr/^550 5\.1\.7 .*: Sender address rejected: undeliverable address: /,
        'a sender that does not';
    $sender_is->('forged', 'undeliverable');
    like rcpt($mx[1], 'alice', from => 'forged@sender.example'), qr/^550 5\.1\.[37] .*sender: undeliverable address \[remembered\]/, '... is refused from memory by the other';
    is status_of('alice'), 'deliverable', 'of the recipient that says nothing';
    $_->configure({ verify => { sender_domains => [] } }) for @mx;
};

subtest 'what it was good for' => sub {
    my $stats = sub {
        my ($status, $output) = $mx[1]->ctl('verify', 'stats', '--json');
        return $status == 0 ? JSON::PP->new->decode($output) : {};
    };
    my $now;
    ok wait_until(sub { $now = $stats->(); ($now->{from_memory} // 0) >= 5 && $now->{left_to_postfix} >= 1 }, 30),
        'answers from memory are counted, and those left to Postfix' or diag explain $now;
    cmp_ok $now->{probes_saved}, '>=', $now->{from_memory}, '... as probes saved';
    wait_ok { join('', $mx[0]->ctl('verify', 'stats')) =~ /^\d?deferred under stress +5$/m } 30,
        'five were deferred under stress at the first host';
};

subtest 'without Redis' => sub {
    $next->set_users(qw(alice bob carol dora frank));
    $redis->stop;
    is rcpt($mx[0], 'frank')->code, 250, 'Postfix verifies';
    like rcpt($mx[0], 'ghost'), qr/^550 5\.1\.1 .*undeliverable address: /, '... and refuses';
    is rcpt($mx[0], 'alice')->code, 250, 'known users get mail';
    $redis->start;
};

$_->stop for @mx;
done_testing;
