# fish completion for kubectl-largescale. For `kubectl largescale` see `kubectl largescale completion --help`.

function __kubectl_largescale_complete
    # The words without their quotes; fish before 4 has another flag for that.
    set -l words (commandline -xpc 2>/dev/null)
    or set words (commandline -opc)
    set -l typed (commandline -ct | string unescape)
    set -l answers ($words[1] __complete $words[2..] "$typed" 2>/dev/null)
    set -l flag (string match -r -- '^--[^=]*=' $typed)
    set -l path (string replace -- "$flag" '' "$typed")
    switch "$answers[-1]"
        case ':0'
            string replace -r '^' -- "$flag" (__fish_complete_path $path)
        case ':16'
            string replace -r '^' -- "$flag" (__fish_complete_directories $path)
        case '*'
            set -e answers[-1]
            printf '%s\n' $answers
    end
end

complete -c kubectl-largescale -e
complete -c kubectl-largescale -f -k -a '(__kubectl_largescale_complete)'
