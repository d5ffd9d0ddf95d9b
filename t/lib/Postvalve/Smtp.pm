package Postvalve::Smtp;

# An SMTP client that says where it comes from and waits for nothing forever.
#
#   my $smtp = Postvalve::Smtp->new(port => $port, source => '127.1.2.3');
#   is $smtp->banner->code, 220;
#   is $smtp->command('EHLO client.example')->code, 250;
#
# A reply always comes back as an object; code 0 means there was none, and
# reason says why: 'closed', 'timeout', or the error of the socket.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::IP ();
use Postvalve::Test ();
use Socket ();

# Options: port, host (127.0.0.1), source (address to come from), timeout_s (10),
# helo (name for send_mail). Dies if there is no connection.
sub new {
    my ($class, %option) = @_;
    my $timeout_s = $option{timeout_s} // 10;
    my $host = $option{host} // '127.0.0.1';
    my $family = $host =~ /:/ ? 'IO::Socket::IP' : 'IO::Socket::INET';
    my $begin_s = Postvalve::Test::now_s();
    my $socket = $family->new(
        PeerAddr => $host,
        PeerPort => $option{port},
        Proto    => 'tcp',
        Timeout  => $timeout_s,
        defined $option{source} ? (LocalAddr => $option{source}) : (),
    ) or die "smtp: connect to $host:$option{port}: $@\n";
    $socket->blocking(0);
    return bless {
        socket    => $socket,
        timeout_s => $timeout_s,
        helo      => $option{helo} // 'client.example',
        buffer    => '',
        reason    => '',
        begin_s   => $begin_s,
    }, $class;
}

sub socket     { return $_[0]{socket} }
sub local_port { return $_[0]{socket}->sockport }

# The first reply; its ms counts from before the connect.
sub banner {
    my ($self, $timeout_s) = @_;
    return $self->{banner} //= $self->read_reply($timeout_s, $self->{begin_s});
}

# Sends a line and returns the reply.
sub command {
    my ($self, $line, $timeout_s) = @_;
    my $begin_s = Postvalve::Test::now_s();
    $self->send_raw("$line\r\n", $timeout_s);
    return $self->read_reply($timeout_s, $begin_s);
}

# Sends bytes as they are. False when the peer is gone.
sub send_raw {
    my ($self, $bytes, $timeout_s) = @_;
    return 0 if !$self->{socket};
    my $end_s = Postvalve::Test::now_s() + ($timeout_s // $self->{timeout_s});
    my $select = IO::Select->new($self->{socket});
    while (length $bytes) {
        my $written = syswrite $self->{socket}, $bytes;
        if (defined $written) { substr $bytes, 0, $written, ''; next }
        if (!$!{EAGAIN} && !$!{EINTR}) { $self->{reason} ||= "$!"; return 0 }
        my $left_s = $end_s - Postvalve::Test::now_s();
        return 0 if $left_s <= 0;
        $select->can_write($left_s);
    }
    return 1;
}

# Reads one reply, of one or several lines.
sub read_reply {
    my ($self, $timeout_s, $begin_s) = @_;
    my $now_s = Postvalve::Test::now_s();
    $begin_s //= $now_s;
    my $end_s = $now_s + ($timeout_s // $self->{timeout_s});
    my @lines;
    while (1) {
        my $line = $self->_line($end_s);
        last if !defined $line;
        push @lines, $line;
        next if $line =~ /^\d{3}-/;
        return $self->_reply($begin_s, '', @lines);
    }
    return $self->_reply($begin_s, $self->{reason} || 'timeout', @lines);
}

sub _reply {
    my ($self, $begin_s, $reason, @lines) = @_;
    my ($code) = @lines && !$reason ? $lines[-1] =~ /^(\d{3})(?: |\z)/ : ();
    return bless {
        code   => $code // 0,
        lines  => \@lines,
        reason => defined $code ? '' : $reason || 'not a reply',
        ms     => int(1000 * (Postvalve::Test::now_s() - $begin_s)),
    }, 'Postvalve::Smtp::Reply';
}

# One line without its end; undef at the deadline or when the peer is gone.
sub _line {
    my ($self, $end_s) = @_;
    while (1) {
        return $1 if $self->{buffer} =~ s/\A(.*?)\r?\n//s;
        $self->_fill($end_s - Postvalve::Test::now_s()) or return undef;
    }
}

# Waits for bytes: true when some came.
sub _fill {
    my ($self, $timeout_s) = @_;
    return 0 if $self->{reason} || !$self->{socket};
    my $end_s = Postvalve::Test::now_s() + $timeout_s;
    my $select = IO::Select->new($self->{socket});
    while (1) {
        my $got = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
        return 1 if $got;
        if (defined $got) { $self->{reason} = 'closed'; return 0 }
        if ($!{ECONNRESET}) { $self->{reason} = 'reset'; return 0 }
        if (!$!{EAGAIN} && !$!{EINTR}) { $self->{reason} = "$!"; return 0 }
        my $left_s = $end_s - Postvalve::Test::now_s();
        return 0 if $left_s <= 0;
        $select->can_read($left_s);
    }
}

# Whether the peer ends the connection within the time; what it still says is
# kept for read_reply.
sub is_closed {
    my ($self, $timeout_s) = @_;
    my $end_s = Postvalve::Test::now_s() + ($timeout_s // 0);
    while (1) {
        return 1 if $self->{reason} || !$self->{socket};
        my $left_s = $end_s - Postvalve::Test::now_s();
        $self->_fill($left_s > 0 ? $left_s : 0) and next;
        return $self->{reason} ? 1 : 0;
    }
}

# '' while open, else 'closed', 'reset' or an error text.
sub reason { return $_[0]{reason} }

# A whole mail. Options: from, to (address or array), body, header, helo.
# Stops at the first refusal, except that of one recipient among others. Returns
# the last reply; its stage says what it answered (banner, helo, mail, rcpt, data,
# body), its rcpt holds the reply to each recipient.
sub send_mail {
    my ($self, %mail) = @_;
    my @to = ref $mail{to} ? @{ $mail{to} } : ($mail{to} // 'alice@example.test');
    my $from = $mail{from} // 'sender@client.example';
    my %rcpt;
    my $done = sub {
        my ($stage, $reply) = @_;
        @{$reply}{qw(stage rcpt)} = ($stage, \%rcpt);
        return $reply;
    };
    my $reply = $self->banner;
    return $done->('banner', $reply) if $reply->code != 220;
    if (!$self->{has_said_helo}) {
        $reply = $self->command('EHLO ' . ($mail{helo} // $self->{helo}));
        return $done->('helo', $reply) if $reply->code != 250;
        $self->{has_said_helo} = 1;
    }
    $reply = $self->command("MAIL FROM:<$from>");
    return $done->('mail', $reply) if $reply->code != 250;
    for my $address (@to) {
        $rcpt{$address} = $reply = $self->command("RCPT TO:<$address>");
        return $done->('rcpt', $reply) if !$reply->code;
    }
    return $done->('rcpt', $reply) if !grep { $_->code =~ /^25/ } values %rcpt;
    $reply = $self->command('DATA');
    return $done->('data', $reply) if $reply->code != 354;
    my $header = $mail{header} // "From: <$from>\nSubject: test\n";
    my $text = "$header\n" . ($mail{body} // "Hello.\n");
    $text =~ s/\r?\n/\r\n/g;
    $text =~ s/^\./../mg;
    $text .= "\r\n" if $text !~ /\r\n\z/;
    return $done->('body', $self->command("$text."));
}

sub quit {
    my ($self) = @_;
    my $reply = $self->command('QUIT');
    $self->close;
    return $reply;
}

sub close {
    my ($self) = @_;
    my $socket = delete $self->{socket} or return;
    close $socket;
    return;
}

# Ends the connection with a RST.
sub abort {
    my ($self) = @_;
    my $socket = $self->{socket} or return;
    setsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0);
    return $self->close;
}

package Postvalve::Smtp::Reply;

use strict;
use warnings;
use overload '""' => sub { $_[0]->text || "(no reply: $_[0]{reason})" }, fallback => 1;

sub code   { return $_[0]{code} }
sub lines  { return @{ $_[0]{lines} } }
sub text   { return join "\n", @{ $_[0]{lines} } }
sub reason { return $_[0]{reason} }
sub ms     { return $_[0]{ms} }
sub stage  { return $_[0]{stage} }
sub rcpt   { return $_[0]{rcpt} }

# The enhanced status code, or ''.
sub enhanced {
    my ($self) = @_;
    return $self->text =~ /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/ ? $1 : '';
}

1;
