#!/usr/bin/perl
# quickstart.pl - the demonstration itself: run by contrib/quickstart, with PV_BUILDDIR set.
#
# One run of bots and good mail against a Postfix alone, one against a Postfix with Postvalve,
# then both side by side. Everything lives in one temporary directory and ends with us.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use File::Path ();
use Getopt::Long ();
use POSIX ();

use Postvalve::Test;
use Quickstart::Flood;
use Quickstart::Screen;
use Quickstart::Server;

use constant {
    CALM_S       => 3,       # each run begins so long without bots
    WITHIN_S     => 10,      # good mail is in time when accepted so soon ...
    WANTED_SHARE => 0.99,    # ... and so much of it has to be
    HAND_S       => 86400,   # how long the bots stay for you to try by hand
};

my $is_cleaning = 0;

# Everything we started, by pid, then the directory.
sub clean_up {
    return if $is_cleaning++;
    $SIG{$_} = 'IGNORE' for qw(INT TERM HUP);
    eval {
        Quickstart::Flood::stop_all();
        Quickstart::Server::drain_all();
        stop_all();
        1;
    } or warn $@;
    File::Path::remove_tree(temp_dir(), { error => \my $ignored });
    return;
}

sub leave {
    my ($code) = @_;
    clean_up();
    STDOUT->flush;
    POSIX::_exit($code);
}

sub run_flood {
    my ($server, $seconds) = @_;
    my $flood = Quickstart::Flood->new(
        name     => $server->name,
        port     => $server->port,
        seconds  => $seconds + 0.5,    # a moment for looking at the last second
        within_s => WITHIN_S,
        groups   => Quickstart::Flood::good_mail_under_attack(CALM_S),
    );
    Quickstart::Screen::print_head();
    my @slots;
    $flood->each_second(
        sub {
            my ($second) = @_;
            my $now = $server->slots;
            Quickstart::Screen::print_second($second, $now);
            push @slots, $now if $second->{second} > CALM_S + 1;
        }
    );
    return { summary => $flood->summary, slots => \@slots, verdicts => $server->verdicts };
}

sub run_without {
    my ($seconds) = @_;
    print "\n== Postvalve off: Postfix alone, with its own stress-adaptive behaviour ==\n";
    my $server = Quickstart::Server->plain->start;
    my $result = run_flood($server, $seconds);
    $server->stop;
    return $result;
}

# The senders get their history by what they do: mail that the running system accepts.
sub give_history {
    my ($server) = @_;
    my ($first, $last) = Quickstart::Flood::good_addresses();
    print "Good senders $first to $last deliver their first mail:\n";
    my $flood = Quickstart::Flood->new(
        name     => 'history',
        port     => $server->port,
        seconds  => 4,
        within_s => 1,
        groups   => Quickstart::Flood::first_mail(),
    );
    $flood->each_second(sub { });
    my ($good) = @{ $flood->summary->{groups} };
    my $known = $server->wait_for_history;
    print "$good->{delivered} messages accepted, $known senders known.\n";
    return;
}

sub run_with {
    my ($server, $seconds) = @_;
    print "\n== Postvalve on: the same Postfix, the same bots, the same mail ==\n";
    $server->start;
    give_history($server);
    return run_flood($server, $seconds);
}

sub main {
    my ($is_once, $seconds) = (0, 28);
    Getopt::Long::GetOptions('once' => \$is_once, 'seconds=i' => \$seconds) or leave(64);
    Quickstart::Screen::print_introduction($seconds);
    my $off    = run_without($seconds);
    my $server = Quickstart::Server->protected;
    my $on     = run_with($server, $seconds);
    Quickstart::Screen::print_comparison($off, $on);
    my $is_fine = Quickstart::Screen::print_verdict($on->{summary}, WANTED_SHARE);
    leave($is_fine ? 0 : 1) if $is_once;
    stay($server);
    return;
}

# Bots and good mail go on, for trying by hand.
sub stay {
    my ($server) = @_;
    Quickstart::Screen::print_instructions($server);
    my $flood = Quickstart::Flood->new(
        name     => 'stay',
        port     => $server->port,
        seconds  => HAND_S,
        within_s => WITHIN_S,
        groups   => Quickstart::Flood::good_mail_under_attack(CALM_S),
    );
    $flood->each_second(
        sub { Quickstart::Screen::print_live($_[0], $server->slots) if -t STDOUT });
    return;
}

alarm 0;    # of the test harness: here nobody waits for an end
Test::More->builder->no_ending(1);
STDOUT->autoflush(1);
my %signal_number = (INT => 2, TERM => 15, HUP => 1);
for my $signal (keys %signal_number) {
    $SIG{$signal} = sub {
        print "\nstopping and removing everything\n";
        leave(128 + $signal_number{$signal});
    };
}
$SIG{PIPE} = sub { leave(141) };    # nobody reads on
eval { main(); 1 } or do {
    my $message = $@;
    print STDERR "quickstart: $message";
    print STDERR Quickstart::Server::log_ends();
    leave(1);
};
leave(0);
