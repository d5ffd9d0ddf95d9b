#!/usr/bin/perl
# Templates and reply maps mean to us what they mean to Postfix: the same ones given to
# postconf(1) and postmap(1). No daemon runs.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Test;

my $tool      = top_builddir() . '/t/tools/rbl_tool';
my $directory = temp_dir('config');

# Values as main.cf has them: no "$", since postconf expands values, smtpd does not.
my %value = (
    rbl_code       => '554',
    rbl_domain     => 'zen.example',
    rbl_class      => 'Client host',
    rbl_what       => '192.0.2.1',
    rbl_reason     => '',
    rbl_txt        => 'see https://list.example/?a=b;c',
    client_address => '192.0.2.1',
    client_name    => 'unknown',
    helo_name      => '{odd}',
    client_port    => '0100',
    sender         => '<>',
);
spew("$directory/main.cf",
    join '', "compatibility_level = 3.6\n", map { "$_ = $value{$_}\n" } sort keys %value);
spew("$directory/master.cf", '');

# Starts a program; capture() waits for it: exit status and what it said. As run_command(), but
# several may run at once, since postconf sleeps for a second before it gives up.
sub begin {
    my @command = @_;
    my $pid = open(my $output, '-|') // die "fork: $!";
    return $output if $pid;
    open STDERR, '>&', \*STDOUT or die "stderr: $!";
    exec { $command[0] } @command or die "$command[0]: $!";
}

sub capture {
    my ($output) = @_;
    my $text = do { local $/; <$output> };
    close $output;
    return ($?, $text // '');
}

# White space is folded: postconf does that when it prints.
sub fold {
    my ($text) = @_;
    $text =~ s/\s+/ /g;
    return $text =~ s/^ | $//gr;
}

# Postfix's expansions, or 'refused'. A name that does not exist is none for smtpd.
sub postfix_expands {
    my @running = map {
        begin('postconf', '-c', $directory, '-xh', '-o', "smtpd_banner=<$_>", 'smtpd_banner')
    } @_;
    return map {
        my ($status, $output) = capture($_);
        $status || $output =~ /undefined parameter: /
            ? 'refused'
            : join '', grep { !/^postconf: warning: / } split /^/, $output;
    } @running;
}

sub postvalve_expands {
    my ($template) = @_;
    my ($status, $output) =
        capture(begin($tool, 'expand', "<$template>", map { "$_=$value{$_}" } sort keys %value));
    return $status ? 'refused' : $output;
}

my $default = '$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain';

subtest 'templates that expand' => sub {
    my @templates = (
        "$default\${rbl_reason?; \$rbl_reason}",
        "$default\${rbl_txt?; \$rbl_txt}",
        '521 4.7.1 $rbl_class [$rbl_what] blocked using $rbl_domain, see $rbl_txt',
        'plain text',
        'dollar $$ and $$$$rbl_code',
        '$$${rbl_code}$$',
        '$(rbl_code) ${rbl_code} $rbl_code.',
        '${ rbl_code } $( rbl_code )',
        '${rbl_code}0',
        '[$rbl_reason]',
        '$helo_name ${helo_name} }{',
        '$client_name[$client_address]',
        '${rbl_reason?yes}${rbl_reason:no}',
        '${rbl_txt?yes}${rbl_txt:no}',
        '${rbl_txt?{yes}:{no}} ${rbl_reason?{yes}:{no}}',
        '${rbl_txt ? {yes} : {no} } ${ rbl_reason ? {yes} : {no} }',
        '${rbl_txt?{yes}:no} ${rbl_reason?{yes}:no way}',
        '${rbl_reason?{yes}: no }|',
        '$(rbl_txt?yes) $(rbl_reason:no)',
        '${rbl_txt?$rbl_code $rbl_txt}',
        '${rbl_txt?a:b}',
        '${rbl_txt??a:{b}c}',
        '${rbl_reason::a}',
        '${rbl_txt?a{b}c}',
        '${rbl_txt?{a{b}c}}',
        '${rbl_txt?{${rbl_reason?{a}:{${helo_name?{b}:{c}}}}}:{d}}',
        '${rbl_txt?}${rbl_txt?{}}|',
        '${{$rbl_code} == {554}}',
        '${{$rbl_code} == {555}}|',
        '${{$rbl_code} == {554} ? {yes} : {no}}',
        '${ {$rbl_code} == {0554} ? {yes} : {no} }',
        '${{$rbl_code}=={554}?{yes}:{no}}',
        '${{$rbl_code} != {554} ? {yes} : no}',
        '${{$rbl_code} < {1000}}${{$rbl_code} > {99}}${{$rbl_code} <= {554}}${{$rbl_code} >= {554}}',
        '${{$client_port} == {100} ? {number}:{text}}',
        '${{$client_port} < {99} ? {text}:{number}}',
        '${{${client_port}x} < {99x} ? {text}:{number}}',
        '${{$rbl_class} == {Client host} ? {host}}${{$rbl_class} == {Sender address}:{other}}',
        '${{$rbl_class} < {Client hosts} ? {before}:{after}}',
        '${{$rbl_class} > {client host} ? {after}:{before}}',
        '${{$rbl_reason} == {} ? {none} : {some}}',
        '${{} < {a}}${{a} < {ab}}${{ab} < {b}}',
        '${{$rbl_code$rbl_code} == {554554}?{twice}}',
        '${{${{$rbl_code} == {554} ? {x} : {y}}} == {x} ? {deep}}',
        '${{ $rbl_code } == {554}?{yes}:{no}}',
        '${{a} == {a}:{no}}|',
        '${{a} == {b}?yes}|${{a} == {b}:no}',
        '${sender?{$sender}:{none}}',
    );
    my @expected = postfix_expands(@templates);
    for my $template (@templates) {
        my $expected = shift @expected;
        isnt $expected, 'refused', "Postfix expands $template";
        is fold(postvalve_expands($template)), fold($expected), "... and so do we: " . fold($expected);
    }
};

subtest 'templates that are refused' => sub {
    my @templates = (
        '$', 'a $ b', '${}', '$()', '${rbl_code', '$(rbl_code', '${rbl_code)', '${{a} == {a}',
        '$nosuch', '${nosuch}', '${rbl_txt?$nosuch}', '${{$nosuch} == {}}',
        '${rbl_code x}', '${rbl-code}', '${rbl_code.}', '${rbl_code{x}}',
        '${rbl_txt?{a}b}', '${rbl_txt?{a}:{b}c}', '${rbl_txt?{a}?{b}}', '${rbl_txt:{a}b}',
        '${{a}}', '${{a}?{b}}', '${{a} = {a}}', '${{a} === {a}}', '${{a} <> {a}}', '${{a} x {a}}',
        '${{a} == a}', '${{a} ==}', '${{a} == {a}x}', '${{a} == {a} ? {b} c}', '${{a} == {a} : {b} c}',
        '${rbl_txt?{a}${rbl_txt}}', '${rbl_txt?{${}}}',
    );
    my @expected = postfix_expands(@templates);
    for my $template (@templates) {
        is shift @expected, 'refused', "Postfix refuses $template";
        is postvalve_expands($template), 'refused', '... and so do we';
    }
};

# A map as postmap(1) reads it. Only keys of maps that have no mistakes: we refuse the others.
sub read_both {
    my ($text) = @_;
    my $file = temp_dir() . '/map';
    spew($file, $text);
    utime time - 60, time - 60, $file or die "$file: $!";    # postmap waits for a file to rest
    my (undef, $postfix)  = capture(begin('postmap', '-c', $directory, '-s', "texthash:$file"));
    my ($status, $output) = capture(begin($tool, 'map', $file));
    my @lines             = map { [ sort split /\n/, $_ ] } $postfix, $output;
    return (@lines, $status, $postfix);
}

subtest 'reply maps' => sub {
    my %map = (
        'STRESS_README' => <<'MAP',
# With Postfix 2.3-2.5 use "421" to hang up connections.
zen.example=127.0.0.10 521 4.7.1 Service unavailable;
 $rbl_class [$rbl_what] blocked using
 $rbl_domain${rbl_reason?; $rbl_reason}

zen.example=127.0.0.11 521 4.7.1 Service unavailable;
 $rbl_class [$rbl_what] blocked using
 $rbl_domain${rbl_reason?; $rbl_reason}
MAP
        'a comment and empty lines in an entry' =>
            "a.example 554 x\n# comment\n   # another\n\n   \t\n\ty\nb.example 554 z\n",
        'template on the next line' => "a.example\n    554 x\n",
        'no newline at the end'     => "a.example 554 x\nb.example 554 y",
        'CRLF'                      => "a.example 554 x\r\n\r\nb.example 554 y\r\n",
        'blanks'                    => "a.example \t 554  x  y \t \n",
        'keys in upper case'        => "A.Example=127.0.0.2 554 X\nB 554 Y\n",
        'quotes'                    => "\"a b\" 554 x\na\\ b 554 y\n\"a\"b\"c \" 554 z\n",
        'comment signs'             => "a#b 554 x # y\n",
        'nothing'                   => "# nothing\n\n",
        'UTF-8'                     => "a.example 554 gr\xc3\xbc\xc3\x9f\n",
    );
    for my $name (sort keys %map) {
        my ($postfix, $ours, $status) = read_both($map{$name});
        is $status, 0, "$name: read";
        is_deeply $ours, $postfix, '... as Postfix reads it' or diag explain [ $postfix, $ours ];
    }
};

subtest 'reply maps that Postfix warns of' => sub {
    my %map = (
        'orphan'           => " 554 x\n",
        'no template'      => "a.example\n",
        'unbalanced quote' => "a\"b 554 x\n",
        'twice'            => "a.example 554 x\nA.example 554 y\n",
        'colon'            => "a.example: 554 x\n",
        'not UTF-8'        => "a.example 554 gr\xfc\xdf\n",
    );
    for my $name (sort keys %map) {
        my (undef, undef, $status, $warning) = read_both($map{$name});
        like $warning, qr/warning: /, "$name: Postfix warns";
        isnt $status, 0, '... we refuse';
    }
};

finish();
