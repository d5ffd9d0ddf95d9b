package Postvalve::NextHop;

# The mail server behind ours: it knows which users exist, takes mail for them and refuses the
# others, and keeps a list of whom it was asked for.
#
#   my $next = Postvalve::NextHop->new(users => ['alice'])->start;
#   main => { relay_transport => 'smtp:' . $next->address, ... }
#   $next->set_users(qw(alice bob));
#   $next->asked('bob');        # how many RCPT commands there were for bob@...
#   $next->delivered('bob');    # messages
#   $next->stop; $next->start;  # it is down, and back on the same port
#
# One process serves all connections, so that probes in parallel do not wait for each other.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use Postvalve::Test ();

my $count = 0;

sub new {
    my ($class, %option) = @_;
    my $dir = Postvalve::Test::temp_dir('nexthop' . ++$count);
    my $self = bless {
        dir      => $dir,
        port     => Postvalve::Test::free_port(),
        delay_s  => $option{delay_s} // 0,    # before each answer to RCPT
    }, $class;
    $self->set_users(@{ $option{users} // [] });
    Postvalve::Test::spew("$dir/asked", '');
    return $self;
}

sub address { return "[127.0.0.1]:$_[0]{port}" }

sub set_users {
    my ($self, @users) = @_;
    Postvalve::Test::spew("$self->{dir}/users", join '', map { lc . "\n" } @users);
    return $self;
}

sub _lines {
    my ($self, $kind, $user) = @_;
    my @lines = split /\n/, Postvalve::Test::slurp("$self->{dir}/asked");
    return scalar grep { defined $user ? lc eq "$kind $user" : /\A\Q$kind\E / } @lines;
}

# Without a user: of all.
sub asked     { return $_[0]->_lines('rcpt', $_[1]) }
sub delivered { return $_[0]->_lines('mail', $_[1]) }

sub start {
    my ($self) = @_;
    my $listener = Postvalve::Test::wait_until(
        sub {
            IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 100,
                ReuseAddr => 1);
        }, 10, 'the port of the next hop') or die "next hop: $!";
    $self->{process} = Postvalve::Test::start(
        name => 'nexthop', keep => [$listener], code => sub { $self->_serve($listener) });
    return $self;
}

sub stop { return $_[0]{process}->stop }

sub _serve {
    my ($self, $listener) = @_;
    open my $log, '>>', "$self->{dir}/asked" or die "asked: $!";
    my $select = IO::Select->new($listener);
    my %state;
    while (1) {
        for my $socket ($select->can_read) {
            if ($socket == $listener) {
                my $client = $listener->accept or next;
                $select->add($client);
                $state{$client} = { input => '', to => [] };
                syswrite $client, "220 next.example ESMTP\r\n";
                next;
            }
            my $state = $state{$socket};
            my $got = sysread $socket, $state->{input}, 65536, length $state->{input};
            my $is_over = !$got;
            while (!$is_over && $state->{input} =~ s/\A(.*?)\r?\n//) {
                my $reply = $self->_answer($state, $1, $log);
                syswrite $socket, "$reply\r\n" if defined $reply;
                $is_over = ($reply // '') =~ /\A221/;
            }
            next if !$is_over;
            $select->remove($socket);
            delete $state{$socket};
            close $socket;
        }
    }
    return;
}

sub _answer {
    my ($self, $state, $line, $log) = @_;
    if ($state->{in_data}) {
        return undef if $line ne '.';
        syswrite $log, "mail $_\n" for @{ $state->{to} };
        @{$state}{qw(in_data to)} = (0, []);
        return '250 2.0.0 taken';
    }
    my ($command) = $line =~ /\A(\w+)/;
    $command = uc($command // '');
    return '250 next.example' if $command =~ /\A(?:HELO|EHLO|LHLO)\z/;
    return '221 2.0.0 bye'    if $command eq 'QUIT';
    if ($command eq 'RCPT') {
        my ($address) = $line =~ /<(.*)>/;
        my ($user) = lc($address // '') =~ /\A(.*)\@/;
        $user //= '';
        syswrite $log, "rcpt $user\n";
        select undef, undef, undef, $self->{delay_s} if $self->{delay_s};
        my $exists = grep { $_ eq $user } split /\n/, Postvalve::Test::slurp("$self->{dir}/users");
        return "550 5.1.1 <$address>: no such user here" if !$exists;
        push @{ $state->{to} }, $user;
        return '250 2.1.5 ok';
    }
    if ($command eq 'DATA') {
        return '503 5.5.1 no recipients' if !@{ $state->{to} };
        $state->{in_data} = 1;
        return '354 go on';
    }
    $state->{to} = [] if $command =~ /\A(?:RSET|MAIL)\z/;
    return '250 2.0.0 ok';
}

1;
