# Bash completion for weft: programs and pipelines, their options (asked from themselves), files.
_weft() {
    local libexec=@LIBEXEC@ pipelines=@SHARE@/pipelines word=${COMP_WORDS[COMP_CWORD]} name=${COMP_WORDS[1]} names
    names="$(ls "$libexec") $(find "$pipelines" -name '*.sh' -perm -u+x -printf '%f ' | sed 's/\.sh / /g')"
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "help pipelines --help --version $names" -- "$word"))
    elif [ "$name" = help ]; then
        COMPREPLY=($(compgen -W "$names" -- "$word"))
    elif [[ $word == -* ]] && [ -x "$libexec/$name" ]; then
        COMPREPLY=($(compgen -W "$("$libexec/$name" --help=names)" -- "$word"))
    elif [[ $word == -* ]] && [ -x "$pipelines/$name.sh" ]; then
        COMPREPLY=($(compgen -W "$("$pipelines/$name.sh" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -e '--[a-z-]+')" -- "$word"))
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}
complete -o filenames -F _weft weft
