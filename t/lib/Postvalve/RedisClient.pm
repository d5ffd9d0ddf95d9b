package Postvalve::RedisClient;

# A blocking Redis client (RESP2) with a deadline on everything.
#
# Replies: bulk and simple strings and integers as scalars, nil as undef, arrays
# as array references, errors as Postvalve::RedisClient::Error (a string that knows
# what it is). command() dies on an error reply; try_command() returns it.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Postvalve::Test ();

# Options: path or port (and host), password, timeout_s (5).
sub new {
    my ($class, %option) = @_;
    my $timeout_s = $option{timeout_s} // 5;
    my $socket = defined $option{path}
        ? IO::Socket::UNIX->new(Peer => $option{path}, Timeout => $timeout_s)
        : IO::Socket::INET->new(
            PeerAddr => $option{host} // '127.0.0.1',
            PeerPort => $option{port},
            Timeout  => $timeout_s
        );
    $socket or die 'redis: connect: ' . ($@ || $!) . "\n";
    $socket->blocking(0);
    my $self = bless {
        socket    => $socket,
        timeout_s => $timeout_s,
        buffer    => '',
    }, $class;
    $self->command('AUTH', $option{password}) if defined $option{password};
    return $self;
}

sub is_broken { return $_[0]{is_broken} }

sub command {
    my ($self, @arguments) = @_;
    my $reply = $self->try_command(@arguments);
    die "redis: $arguments[0]: $reply\n" if ref $reply eq 'Postvalve::RedisClient::Error';
    return $reply;
}

sub try_command {
    my ($self, @arguments) = @_;
    $self->send_command(@arguments);
    return $self->read_reply;
}

# Several commands ([...], [...]) in one write; returns the replies.
sub pipeline {
    my ($self, @commands) = @_;
    $self->_write(join '', map { _encode(@{$_}) } @commands);
    return map { $self->read_reply } @commands;
}

sub send_command {
    my ($self, @arguments) = @_;
    return $self->_write(_encode(@arguments));
}

# The next reply, or message of a subscription; dies at the deadline.
sub read_reply {
    my ($self, $timeout_s) = @_;
    local $self->{end_s} = Postvalve::Test::now_s() + ($timeout_s // $self->{timeout_s});
    return $self->_parse;
}

sub _encode {
    my (@arguments) = @_;
    my $text = '*' . @arguments . "\r\n";
    for my $argument (@arguments) {
        my $bytes = "$argument";
        utf8::encode($bytes) if utf8::is_utf8($bytes);
        $text .= '$' . length($bytes) . "\r\n$bytes\r\n";
    }
    return $text;
}

sub _write {
    my ($self, $bytes) = @_;
    my $end_s = Postvalve::Test::now_s() + $self->{timeout_s};
    my $select = IO::Select->new($self->{socket});
    while (length $bytes) {
        my $written = syswrite $self->{socket}, $bytes;
        if (defined $written) { substr $bytes, 0, $written, ''; next }
        $self->_fail("write: $!") if !$!{EAGAIN} && !$!{EINTR};
        my $left_s = $end_s - Postvalve::Test::now_s();
        $self->_fail('write: deadline passed') if $left_s <= 0;
        $select->can_write($left_s);
    }
    return;
}

sub _fill {
    my ($self) = @_;
    my $select = IO::Select->new($self->{socket});
    while (1) {
        my $got = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
        return if $got;
        $self->_fail('connection closed') if defined $got;
        $self->_fail("read: $!") if !$!{EAGAIN} && !$!{EINTR};
        my $left_s = $self->{end_s} - Postvalve::Test::now_s();
        $self->_fail('read: deadline passed') if $left_s <= 0;
        $select->can_read($left_s);
    }
}

sub _fail {
    my ($self, $message) = @_;
    $self->{is_broken} = 1;
    die "redis: $message\n";
}

sub _line {
    my ($self) = @_;
    my $end;
    $self->_fill while ($end = index $self->{buffer}, "\r\n") < 0;
    my $line = substr $self->{buffer}, 0, $end, '';
    substr $self->{buffer}, 0, 2, '';
    return $line;
}

sub _parse {
    my ($self) = @_;
    my $line = $self->_line;
    my $type = substr $line, 0, 1, '';
    return $line if $type eq '+' || $type eq ':';
    return bless { message => $line }, 'Postvalve::RedisClient::Error' if $type eq '-';
    return $line < 0 ? undef : [ map { $self->_parse } 1 .. $line ] if $type eq '*';
    $self->_fail("not RESP2: $type$line") if $type ne '$';
    return undef if $line < 0;
    $self->_fill while length $self->{buffer} < $line + 2;
    my $bytes = substr $self->{buffer}, 0, $line, '';
    substr $self->{buffer}, 0, 2, '';
    return $bytes;
}

package Postvalve::RedisClient::Error;

use strict;
use warnings;
use overload '""' => sub { $_[0]{message} }, fallback => 1;

sub message { return $_[0]{message} }

1;
