# Bash completion for weft: programs and pipelines, their options and what may follow each of them (asked from themselves), files.

# _weft_options NAME: a line an option, "--norm", a tab, and what may follow: none|last|mean, FILE, VALUE or nothing; operands that are words stand in a line without
# a name ("", tab, show|csv). A program knows (--help=complete); of a pipeline it is read off its usage.
_weft_options() {
    local libexec=@LIBEXEC@ pipeline=@SHARE@/pipelines/$1.sh
    if [ -x "$libexec/$1" ]; then
        "$libexec/$1" --help=complete
        "$libexec/$1" --help | sed '/^$/q'
    else
        WEFT_CALLED="weft $1" "$pipeline" --help
    fi | awk -v name="$1" '
        /^-/ { print; next }
        /^(usage:|      ) weft / && $(3 - /^ /) == name { if ($(4 - /^ /) ~ /^[a-z]+([|-][a-z]+)*$/) print "\t" $(4 - /^ /); next }
        /^  +(-[a-zA-Z], )?--[a-z-]+/ {
            option = $1; short = ""
            if (option ~ /,$/) { short = substr(option, 1, 2); option = $2 }
            after = $0; sub(/.*--[a-z-]+ ?/, "", after); sub(/ .*/, "", after)
            value = after ~ /^[a-z0-9]+([|][a-z0-9]+)+$/ ? after : after ~ /^(FILE|DIR)/ ? "FILE" : after ~ /^[A-Z]+/ ? "VALUE" : ""
            if (!(option in said)) print option "\t" value
            if (short != "") print short "\t" value
            said[option] = 1
        }'
}

_weft() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} name=${COMP_WORDS[1]} names options value
    # --norm=last comes as three words.
    [ "$word" != = ] || word=
    [ "$before" != = ] || before=${COMP_WORDS[COMP_CWORD-2]}
    names="$(ls @LIBEXEC@ | grep -vx weft) $(find @SHARE@/pipelines -name '*.sh' -perm -u+x -printf '%f ' | sed 's/\.sh / /g')"
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "help pipelines --help --version $names" -- "$word")
        return
    elif [ "$name" = help ]; then
        mapfile -t COMPREPLY < <(compgen -W "$names exit stream" -- "$word")
        return
    elif [[ " ${names//$'\n'/ } " != *" $name "* ]]; then
        return
    elif [ "$before" = -- ]; then # work -- PROGRAM
        mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
        return
    fi
    options=$(_weft_options "$name")
    value=FILE
    [[ $before != -* ]] || value=$(awk -F'\t' -v o="$before" '$1 == o { print $2 == "" ? "FILE" : $2; exit }' <<<"$options")
    if [[ $word == -* && ( $value == FILE || -z $value ) ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(cut -f 1 <<<"$options" | grep -e -- || true)" -- "$word")
    elif [[ $value == *"|"* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${value//|/ }" -- "$word")
    elif [ "$value" != VALUE ]; then
        mapfile -t COMPREPLY < <(
            [ "$COMP_CWORD" -ne 2 ] || compgen -W "$(sed -n 's/^\t//p' <<<"$options" | tr '|' ' ')" -- "$word"
            compgen -f -- "$word"
        )
    fi
}
complete -o filenames -F _weft weft
