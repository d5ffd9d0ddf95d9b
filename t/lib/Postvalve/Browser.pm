package Postvalve::Browser;

# Headless Chromium, driven over a pipe with the DevTools protocol.
#
#   my $browser = Postvalve::Browser->start(width => 1280, height => 900);
#   $browser->open('http://127.0.0.1:10080/');
#   $browser->wait_for(q{document.querySelector('h1').textContent === 'Mail is flowing.'});
#   $browser->evaluate('document.title');
#   $browser->press('Tab');
#   $browser->screenshot('page.png');
#   $browser->problems;                   # what the console and the network complained about

use strict;
use warnings;

use IO::Handle ();
use IO::Select ();
use IO::Socket ();
use JSON::PP ();
use MIME::Base64 ();
use POSIX ();
use Postvalve::Test ();
use Socket ();
use Time::HiRes ();

use constant { DEADLINE_S => 30, POLL_S => 0.05 };

my $json = JSON::PP->new->utf8;

sub program {
    for my $path (map { "$_/chromium" } split /:/, $ENV{PATH}) { return $path if -x $path }
    return;
}

# Options: width, height; dark => 1.
sub start {
    my ($class, %option) = @_;
    my $program = program() // die "chromium is not installed\n";
    my $dir = Postvalve::Test::temp_dir('browser' . Time::HiRes::time());
    socketpair my $ours, my $theirs, Socket::AF_UNIX(), Socket::SOCK_STREAM(), 0
        or die "socketpair: $!";
    my @command = (
        $program,
        qw{--headless=new --remote-debugging-pipe --no-sandbox --disable-gpu --no-first-run
            --disable-dev-shm-usage --disable-background-networking --disable-sync
            --disable-component-update --disable-extensions --hide-scrollbars
            --force-color-profile=srgb},
        "--user-data-dir=$dir/profile", 'about:blank',
    );
    my $self = bless { pipe => $ours, buffer => '', id => 0, problems => [], dir => $dir }, $class;
    # The browser reads commands from descriptor 3 and answers on 4.
    $self->{process} = Postvalve::Test::start(
        name => 'chromium', log => "$dir/log", group => 1, keep => [$theirs],
        env  => { HOME => $dir, DBUS_SESSION_BUS_ADDRESS => 'disabled:' },
        code => sub {
            my $pipe = POSIX::dup(fileno $theirs) // die "dup: $!";
            POSIX::dup2($pipe, $_) // die "dup2: $!" for 3, 4;
            no warnings 'exec';
            exec {$program} @command or die "$program: $!";
        },
    );
    close $theirs;
    my $target = $self->command('Target.createTarget', { url => 'about:blank' })->{targetId};
    $self->{session} =
        $self->command('Target.attachToTarget', { targetId => $target, flatten => \1 })->{sessionId};
    $self->command("$_.enable") for qw(Page Runtime Log Network);
    $self->resize($option{width} // 1280, $option{height} // 900);
    $self->set_dark($option{dark});
    return $self;
}

sub stop {
    my ($self) = @_;
    eval { $self->{process}->stop };
    return;
}

# -- the protocol --------------------------------------------------------------

sub _note {
    my ($self, $event) = @_;
    my ($method, $data) = @{$event}{qw(method params)};
    my $problems = $self->{problems};
    if ($method eq 'Runtime.exceptionThrown') {
        my $details = $data->{exceptionDetails};
        push @{$problems}, 'exception: ' . ($details->{exception}{description} // $details->{text});
    }
    elsif ($method eq 'Runtime.consoleAPICalled' && $data->{type} =~ /\A(?:error|warning|assert)\z/) {
        push @{$problems}, "console: " . join ' ', map { $_->{value} // $_->{description} // '?' } @{ $data->{args} };
    }
    elsif ($method eq 'Log.entryAdded' && $data->{entry}{level} =~ /\A(?:error|warning)\z/) {
        push @{$problems}, "log: $data->{entry}{text} " . ($data->{entry}{url} // '');
    }
    elsif ($method eq 'Network.requestWillBeSent') {
        push @{ $self->{requests} }, $data->{request}{url};
    }
    return;
}

# One message, or undef when none comes in time.
sub _receive {
    my ($self, $deadline_s) = @_;
    my $select = IO::Select->new($self->{pipe});
    while ($self->{buffer} !~ /\0/) {
        my $left_s = $deadline_s - Postvalve::Test::now_s();
        return if $left_s <= 0 || !$select->can_read($left_s);
        my $got = sysread $self->{pipe}, $self->{buffer}, 1 << 20, length $self->{buffer};
        die "chromium is gone: " . Postvalve::Test::slurp("$self->{dir}/log") if !$got;
    }
    $self->{buffer} =~ s/\A(.*?)\0//s;
    return $json->decode($1);
}

sub command {
    my ($self, $method, $parameters) = @_;
    my $id = ++$self->{id};
    my $message = $json->encode({
        id => $id, method => $method, params => $parameters // {},
        defined $self->{session} ? (sessionId => $self->{session}) : (),
    });
    print { $self->{pipe} } "$message\0" or die "chromium: $!";
    $self->{pipe}->flush;
    my $deadline_s = Postvalve::Test::now_s() + DEADLINE_S;
    while (my $answer = $self->_receive($deadline_s)) {
        if (!defined $answer->{id}) { $self->_note($answer); next }
        next if $answer->{id} != $id;
        die "$method: $answer->{error}{message}\n" if $answer->{error};
        return $answer->{result};
    }
    die "$method: no answer of chromium\n";
}

# -- the page ------------------------------------------------------------------

sub open {
    my ($self, $url) = @_;
    $self->command('Page.navigate', { url => $url });
    $self->wait_for('document.readyState === "complete"');
    return $self;
}

# The value of an expression; promises are waited for.
sub evaluate {
    my ($self, $expression) = @_;
    my $result = $self->command('Runtime.evaluate',
        { expression => $expression, returnByValue => \1, awaitPromise => \1 });
    die "$expression: $result->{exceptionDetails}{exception}{description}\n" if $result->{exceptionDetails};
    return $result->{result}{value};
}

sub wait_for {
    my ($self, $expression, $what) = @_;
    return Postvalve::Test::wait_until(sub { eval { $self->evaluate("!!($expression)") } },
        DEADLINE_S, $what // $expression);
}

sub text { my ($self, $selector) = @_; return $self->evaluate("document.querySelector('$selector').textContent") }

sub click {
    my ($self, $selector) = @_;
    my $box = $self->evaluate(<<"SCRIPT");
(() => { const e = document.querySelector('$selector'); e.scrollIntoView({ block: 'center' });
const r = e.getBoundingClientRect(); return { x: r.x + r.width / 2, y: r.y + r.height / 2 } })()
SCRIPT
    for my $type (qw(mousePressed mouseReleased)) {
        $self->command('Input.dispatchMouseEvent',
            { type => $type, %{$box}, button => 'left', clickCount => 1 });
    }
    return;
}

sub type {
    my ($self, $text) = @_;
    $self->command('Input.insertText', { text => $text });
    return;
}

my %key_code = (Tab => 9, Enter => 13, ArrowLeft => 37, ArrowRight => 39, End => 35, Home => 36);

sub press {
    my ($self, $key) = @_;
    my %event = (key => $key, code => $key, windowsVirtualKeyCode => $key_code{$key});
    $event{text} = "\r" if $key eq 'Enter';
    $self->command('Input.dispatchKeyEvent', { type => 'keyDown', %event });
    $self->command('Input.dispatchKeyEvent', { type => 'keyUp', %event });
    return;
}

sub resize {
    my ($self, $width, $height) = @_;
    $self->command('Emulation.setDeviceMetricsOverride',
        { width => $width, height => $height, deviceScaleFactor => 1, mobile => $width < 600 ? \1 : \0 });
    return;
}

sub set_dark {
    my ($self, $is_dark) = @_;
    $self->command('Emulation.setEmulatedMedia',
        { features => [
            { name => 'prefers-color-scheme', value => $is_dark ? 'dark' : 'light' },
            { name => 'prefers-reduced-motion', value => 'reduce' },
        ] });
    return;
}

# The whole page, or what is visible (visible => 1), as PNG.
sub screenshot {
    my ($self, $path, %option) = @_;
    my $shot = $self->command('Page.captureScreenshot',
        { format => 'png', captureBeyondViewport => $option{visible} ? \0 : \1 });
    Postvalve::Test::spew($path, MIME::Base64::decode_base64($shot->{data}));
    return $path;
}

sub problems {
    my ($self) = @_;
    $self->evaluate('1');    # events before it have arrived
    return @{ $self->{problems} };
}

sub requests { return @{ $_[0]{requests} // [] } }

1;
