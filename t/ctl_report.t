#!/usr/bin/perl
# postvalvectl report: a page on what a real milter has counted, as text and as HTML.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::MilterSetup ();
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

use constant { USAGE => 64, UNAVAILABLE => 69, PATIENCE_S => 30 };

my $redis = Postvalve::Redis->new->start;
my ($milter, $postfix) = Postvalve::MilterSetup::start(redis => $redis);

sub report { return run_command([ program('ctl'), '--config', $milter->config_file, 'report', @_ ]) }

my ($status, $output) = report();
is $status, 0, 'before there is anything to tell';
like $output, qr/\APostvalve on test, the last 1d\n/, 'its title';
like $output, qr/^Nothing that the numbers call for\.$/m, 'nothing to change';

Postvalve::Smtp->new(port => $postfix->port, source => "127.31.0.$_")->send_mail for 1 .. 3;
ok wait_until { ($status, $output) = report('--since', '1h'); $output =~ /^Messages: +3 accepted$/m } PATIENCE_S,
    'messages that were accepted';
like $output, qr/^Sessions: +3$/m, 'their sessions';
like $output, qr/^unknown +3 +0 +0 +3 +100 % +[\d.]+ s$/m, 'by class';
like $output, qr/^Decisions: +half within [\d.]+ ms, 99 % within [\d.]+ ms$/m, 'how long decisions took';

my $minute = int($redis->command('TIME')->[0] / 60);
my $s_ago = sub { ($redis->command('TIME')->[0] - $_[0]) * 1000 };
$redis->command('HSET', 'pv:stats:test:' . ($minute - 1),
    'hang_ups{process=milter,class=good,reason=good-history}', 2,
    'rbl_answers{process=policyd,list=<b>,result=timed-out}', 500);
$redis->command('DEL', 'pv:events');
$redis->command('XADD', 'pv:events', $s_ago->($_->[0]) . '-1', type => 'level', host => $_->[1],
    service => 'smtp', to => $_->[2])
    for [ 7300, 'test', 'stressed' ], [ 1200, 'test', 'stressed' ], [ 1100, 'mx2', 'critical' ],
    [ 1080, 'test', 'calm' ], [ 600, 'test', 'critical' ], [ 590, 'test', 'calm' ];
($status, $output) = report(qw(--since 1h));
like $output, qr/^Stressed: +2 times, the longest for 2m$/m, 'of this host and that hour';
($status, my $long) = report(qw(--since 1d));
like $long, qr/^Stressed: +2 times, the longest for 1h43m\S*$/m, 'what began before' or diag $long;
like $output, qr/^\* 2 times a client known as good was hung up on/m, 'advice';
my @rows = split /\n/, $output;
is_deeply [ grep { length > 80 } @rows ], [], 'fits 80 columns';
cmp_ok scalar @rows, '<=', 60, 'fits a page';

my ($html_status, $html) = report(qw(--since 1h --html));
is $html_status, 0, 'HTML';
like $html, qr/\A<!DOCTYPE html>\n.*<\/html>\n\z/s, 'a document';
my @tags = $html =~ s/<!DOCTYPE[^>]*>|<meta[^>]*>//gr =~ m{<(/?\w+)}g;
my @stack;
for my $tag (@tags) {
    $tag =~ s{\A/}{} ? is(pop @stack, $tag, "</$tag>") : push @stack, $tag;
}
is_deeply \@stack, [], 'every element is closed';
like $html, qr{<li>.*hung up on.*</li>}, 'advice';
unlike $html, qr/<b>/, 'what others wrote is escaped';
unlike $html, qr/(?:src|href)=/, 'it needs no other file';

is +(report('--since', $_))[0], USAGE, "--since $_" for qw(0 3d x);
is +(report('x'))[0], USAGE, 'an argument';
$redis->stop;
is +(report())[0], UNAVAILABLE, 'without Redis';
finish();
