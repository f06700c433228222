# bash completion for kubectl-largescale. For `kubectl largescale` see `kubectl largescale completion --help`.

_kubectl_largescale() {
    local line=${COMP_LINE:0:COMP_POINT} words=() word blanks count=0 i

    # What bash has split at `=` and `:` is one word where no blank stands in between.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        blanks=${line%%[![:blank:]]*}
        line=${line#"$blanks"}
        word=${COMP_WORDS[i]}
        if ((i == COMP_CWORD)); then word=$line; fi
        line=${line#"$word"}
        if ((count > 0)) && [[ -z $blanks ]]; then
            words[count - 1]+=$word
        else
            words[count]=$word
            count=$((count + 1))
        fi
    done

    local typed=${words[count - 1]} plain=()
    for word in "${words[@]}"; do
        case $word in
        \"*) word=${word#\"} word=${word%\"} ;;
        \'*) word=${word#\'} word=${word%\'} ;;
        *) word=${word//\\/} ;;
        esac
        plain+=("$word")
    done

    local answer directive=4 values=()
    while IFS= read -r answer; do
        case $answer in
        :[0-9]*) directive=${answer#:} ;;
        *) values+=("${answer%%$'\t'*}") ;;
        esac
    done < <("${plain[0]}" __complete "${plain[@]:1}" 2>/dev/null)

    # bash replaces only what stands behind the last of its own separators.
    local done_before= breaks=
    if [[ $typed != [\"\']* ]]; then
        if [[ $COMP_WORDBREAKS == *=* ]]; then breaks+='='; fi
        if [[ $COMP_WORDBREAKS == *:* ]]; then breaks+=':'; fi
        if [[ -n $breaks && $typed == *[$breaks]* ]]; then done_before=${typed%"${typed##*[$breaks]}"}; fi
    fi

    COMPREPLY=()
    case $directive in
    0 | 16)
        local action=-f
        if ((directive == 16)); then action=-d; fi
        compopt -o filenames 2>/dev/null
        while IFS= read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen "$action" -- "${2-}")
        return
        ;;
    esac
    for word in "${values[@]}"; do
        if [[ $typed != [\"\']* ]]; then printf -v word %q "$word"; fi
        COMPREPLY+=("${word#"$done_before"}")
    done
}

complete -F _kubectl_largescale kubectl-largescale
