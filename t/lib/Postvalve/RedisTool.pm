package Postvalve::RedisTool;

# One of the small programs around our Redis code: commands of one line, answers of one line.
#
#   my $tool = Postvalve::RedisTool->new('redis_link_tool', server => 'unix:/path', retry_ms => 50);
#   my $answer = $tool->ask('read 192.0.2.1');    # { state => 'known', ms => '0.4', ... }
#   $tool->log_lines;                             # what it has logged since the last call

use strict;
use warnings;

use IO::Handle ();
use IO::Select ();
use IO::Socket::UNIX ();
use Postvalve::Test ();
use Test::More ();

use constant ANSWER_DEADLINE_S => 20;

my $count = 0;

sub new {
    my ($class, $program, %setting) = @_;
    my $path = Postvalve::Test::top_builddir() . "/t/tools/$program";
    -x $path or die "$path: not built (make check-programs)\n";
    pipe my $stdin, my $to or die "pipe: $!";
    pipe my $from, my $stdout or die "pipe: $!";
    my $process = Postvalve::Test::start(
        cmd    => [ $path, map { "$_=$setting{$_}" } sort keys %setting ],
        name   => $program . ++$count,
        stdin  => $stdin,
        stdout => $stdout,
    );
    $to->autoflush(1);
    return bless { process => $process, to => $to, from => $from, logged => 0 }, $class;
}

sub process { return $_[0]{process} }

sub send_line {
    my ($self, $line) = @_;
    print { $self->{to} } "$line\n" or die "the tool has ended: $!";
    return;
}

sub read_line {
    my ($self) = @_;
    my $buffer = '';
    my $select = IO::Select->new($self->{from});
    until ($buffer =~ /\n/) {
        $select->can_read(ANSWER_DEADLINE_S) or die "no answer from the tool\n";
        sysread $self->{from}, $buffer, 65536, length $buffer
            or die "the tool has ended: " . $self->{process}->log_text;
    }
    chomp $buffer;
    return $buffer;
}

# The raw line, for what is not NAME=VALUE.
sub ask_line {
    my ($self, $line) = @_;
    $self->send_line($line);
    return $self->read_line;
}

sub ask {
    my ($self, $line) = @_;
    my %answer = map { /^([^=]+)=(.*)\z/ ? ($1, $2) : () } split ' ', $self->ask_line($line);
    return \%answer;
}

sub log_lines {
    my ($self) = @_;
    my $text = $self->{process}->log_text;
    my $new = substr $text, $self->{logged};
    $self->{logged} = length $text;
    return map { s/^\S+ //r } split /\n/, $new;
}

# A test that exactly these lines (regexes) were logged since the last look at the log.
sub log_is {
    my ($self, $what, @expected) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @lines = $self->log_lines;
    my $is_as_expected = @lines == @expected;
    $is_as_expected &&= $lines[$_] =~ $expected[$_] for 0 .. $#expected;
    Test::More::ok($is_as_expected, "log: $what") or Test::More::diag(map { "  $_\n" } @lines);
    return;
}

# A server that says the same whatever it is asked, and before, if it is_greeting. Returns its
# endpoint.
sub scripted_server {
    my ($name, $reply, $is_greeting) = @_;
    my $path = Postvalve::Test::temp_dir($name) . '/s';
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 10) or die "$path: $!";
    Postvalve::Test::start(
        name => $name,
        keep => [$listener],
        code => sub {
            local $SIG{PIPE} = 'IGNORE';
            while (my $connection = $listener->accept) {
                syswrite $connection, $reply if $is_greeting;
                while (sysread $connection, my $buffer, 65536) {
                    last if !syswrite $connection, $reply;
                }
            }
        },
    );
    return "unix:$path";
}

# Ends it as a daemon ends; returns the wait(2) status.
sub finish {
    my ($self) = @_;
    close $self->{to};
    return $self->{process}->wait_exit(5);
}

1;
