# Bash completion for weft: programs, their options (asked from the program itself), files.
_weft() {
    local libexec=@LIBEXEC@ word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[1]}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "help pipelines --help --version $(ls "$libexec")" -- "$word"))
    elif [ "$program" = help ]; then
        COMPREPLY=($(compgen -W "$(ls "$libexec")" -- "$word"))
    elif [[ $word == -* ]] && [ -x "$libexec/$program" ]; then
        COMPREPLY=($(compgen -W "$("$libexec/$program" --help=names)" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}
complete -o filenames -F _weft weft
