# Completion of ehlo for fish. What there is to complete the program itself tells, from the tables that it parses its
# options by.
function __ehlo_options
    set -l words (commandline -opc)
    test (count $words) -ge 2; or return
    for line in ($words[1] $words[2] --help=complete 2>/dev/null)
        set -l parts (string split \t -- $line)
        echo $parts[1]\t$parts[3]
    end
end

function __ehlo_values
    set -l words (commandline -opc)
    test (count $words) -ge 3; or return 1
    for line in ($words[1] $words[2] --help=complete 2>/dev/null)
        set -l parts (string split \t -- $line)
        if test "$parts[1]" = "$words[-1]"; and string match -q '*|*' -- $parts[2]
            string split '|' -- $parts[2]
            return 0
        end
    end
    return 1
end

# Not behind an option that takes something of its own.
function __ehlo_wants_operand
    set -l words (commandline -opc)
    test (count $words) -ge 2; or return 1
    for line in ($words[1] $words[2] --help=complete 2>/dev/null)
        set -l parts (string split \t -- $line)
        if test "$parts[1]" = "$words[-1]"
            test -z "$parts[2]"
            return
        end
    end
    return 0
end

function __ehlo_accounts
    set -l base $XDG_CONFIG_HOME
    test -n "$base"; or set base $HOME/.config
    sed -n 's/^[[:blank:]]*\[\(.*\)\][[:blank:]]*$/\1/p' $base/ehlo/config 2>/dev/null
end

function __ehlo_commands
    set -l words (commandline -opc)
    for line in ($words[1] --help=complete 2>/dev/null)
        set -l parts (string split \t -- $line)
        echo $parts[1]\t$parts[3]
    end
end

complete -c ehlo -n 'test (count (commandline -opc)) -eq 1' -f -a '(__ehlo_commands)'
complete -c ehlo -n 'test (count (commandline -opc)) -ge 2; and string match -q -- "-*" (commandline -ct)' -f -a '(__ehlo_options)'
complete -c ehlo -n 'test (count (commandline -opc)) -ge 3' -a '(__ehlo_values)'
complete -c ehlo -n __ehlo_wants_operand -a '(__ehlo_accounts)'
