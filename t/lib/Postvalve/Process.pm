package Postvalve::Process;

# One process that Postvalve::Test::start has started: signals, bounded waiting, end.

use strict;
use warnings;

use POSIX ();
use Test::More ();
use Time::HiRes ();

use constant STOP_DEADLINE_S => 5;

sub pid      { return $_[0]{pid} }
sub name     { return $_[0]{name} }
sub log_path { return $_[0]{log} }

sub log_text {
    my ($self) = @_;
    return defined $self->{log} && -e $self->{log} ? Postvalve::Test::slurp($self->{log}) : '';
}

# Reaps the process if it has ended.
sub is_running {
    my ($self) = @_;
    return 0 if defined $self->{status};
    my $reaped = waitpid $self->{pid}, POSIX::WNOHANG();
    return 1 if $reaped == 0;
    $self->{status} = $reaped == $self->{pid} ? $? : -1;
    return 0;
}

# The wait(2) status once it has ended, else undef.
sub status {
    my ($self) = @_;
    return $self->is_running ? undef : $self->{status};
}

sub wait_exit {
    my ($self, $deadline_s) = @_;
    local $?;
    my $end_s = Postvalve::Test::now_s() + $deadline_s;
    while ($self->is_running) {
        return undef if Postvalve::Test::now_s() >= $end_s;
        Time::HiRes::sleep(0.003);
    }
    return $self->{status};
}

sub send_signal {
    my ($self, $signal) = @_;
    return $self->is_running ? kill $signal, $self->{pid} : 0;
}

# TERM, wait, KILL. Returns the wait(2) status. Who gives a deadline expects that it
# may pass.
sub stop {
    my ($self, $given_deadline_s) = @_;
    local $?;
    my $deadline_s = $given_deadline_s // STOP_DEADLINE_S;
    if ($self->is_running) {
        kill 'TERM', $self->{pid};
        kill 'CONT', $self->{pid};
        if (!defined $self->wait_exit($deadline_s)) {
            Test::More::diag("$self->{name} did not end $deadline_s s after TERM: killed")
                if !defined $given_deadline_s;
            kill 'KILL', $self->{pid};
            $self->wait_exit($deadline_s);
        }
    }
    $self->_end_group if $self->{group};
    return $self->{status};
}

sub kill9 {
    my ($self) = @_;
    local $?;
    if ($self->is_running) {
        kill 'KILL', $self->{pid};
        $self->wait_exit(STOP_DEADLINE_S);
    }
    $self->_end_group if $self->{group};
    return $self->{status};
}

# The members of the session we made: given a moment, then killed.
sub _end_group {
    my ($self) = @_;
    return if $self->{is_group_done};
    my $end_s = Postvalve::Test::now_s() + 2;
    while ($self->_has_group_members) {
        kill 'KILL', -$self->{pid} if Postvalve::Test::now_s() >= $end_s;
        last if Postvalve::Test::now_s() >= $end_s + 2;
        Time::HiRes::sleep(0.01);
    }
    $self->{is_group_done} = 1;
    $self->{guard}->kill9 if $self->{guard};
    return;
}

# Those that init has yet to reap do not count; kill 0 would count them.
sub _has_group_members {
    my ($self) = @_;
    return 0 if !kill 0, -$self->{pid};
    for my $file (glob '/proc/[0-9]*/stat') {
        my $stat = eval { Postvalve::Test::slurp($file) } // next;
        my ($state, $group) = $stat =~ /.*\) (\S) \d+ (\d+)/s or next;
        return 1 if $group == $self->{pid} && $state ne 'Z';
    }
    return 0;
}

1;
