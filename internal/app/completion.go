package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// generatedNote is the comment in each generated file.
const generatedNote = "Generated from the command table in internal/app (go test ./internal/app -update)."

// Completions returns the completion scripts of a binary by their paths below etc/completion, one for each of bash, zsh and fish.
func Completions(binary string) map[string]string {
	c := completion{rows: commands(), binary: binary, function: "_" + strings.ReplaceAll(binary, "-", "_")}
	return map[string]string{
		"bash/" + binary:           c.bash(),
		"zsh/_" + binary:           c.zsh(),
		"fish/" + binary + ".fish": c.fish(),
	}
}

// completion makes the completion scripts of one binary.
type completion struct {
	rows             table
	binary, function string
}

// general returns the options that need no command.
func general() []string { return []string{"command", "help", "version", "copyright"} }

// choices returns the values that an option of the command can have; nil if it can have others.
func (r row) choices(option string) []string {
	switch option {
	case "format":
		return r.formats
	case "subcommand":
		return []string{"available", "pricelist", "itemtype"}
	case "itemtype":
		return []string{"certificate"}
	}
	return nil
}

// valued returns the long and short names of all options that have a value other than those of the exceptions.
func valued(exceptions ...string) []string {
	var names []string
	(&arguments{}).flags().VisitAll(func(flag *pflag.Flag) {
		if flag.NoOptDefVal != "" || flag.Hidden || slices.Contains(exceptions, flag.Name) {
			return
		}
		names = append(names, "--"+flag.Name)
		if flag.Shorthand != "" {
			names = append(names, "-"+flag.Shorthand)
		}
	})
	return names
}

// chosen returns the names of the options for which a command has choices.
func (c completion) chosen() []string {
	var names []string
	for _, r := range c.rows {
		for _, option := range r.takes() {
			if r.choices(option) != nil && !slices.Contains(names, option) {
				names = append(names, option)
			}
		}
	}
	return names
}

// bash returns the script for bash. It needs no other file: bash-completion loads it by the name of the binary.
func (c completion) bash() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# bash completion for %s. %s\n\n%s() {\n", c.binary, generatedNote, c.function)
	b.WriteString(`    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' i
    # bash breaks a word at "=".
    if [ "$prev" = "=" ]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi
    if [ "$cur" = "=" ]; then cur=''; fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --command | -c)
                command=${COMP_WORDS[i + 1]}
                if [ "$command" = "=" ]; then command=${COMP_WORDS[i + 2]}; fi
                ;;
        esac
    done
    case $prev in
`)
	fmt.Fprintf(&b, "        --command | -c | --help | -h) words='%s' ;;\n", strings.Join(c.rows.list(), " "))
	for _, option := range c.chosen() {
		fmt.Fprintf(&b, "        --%s)\n            case $command in\n", option)
		for _, r := range c.rows {
			if values := r.choices(option); values != nil && slices.Contains(r.takes(), option) {
				fmt.Fprintf(&b, "                %s) words='%s' ;;\n", r.name, strings.Join(values, " "))
			}
		}
		b.WriteString("            esac\n            ;;\n")
	}
	fmt.Fprintf(&b, "        %s)\n            compopt -o default\n            return\n            ;;\n        *)\n            case $command in\n",
		strings.Join(valued(append(c.chosen(), "command")...), " | "))
	for _, r := range c.rows {
		fmt.Fprintf(&b, "                %s) words='%s' ;;\n", r.name, strings.TrimSpace(listedOptions(r.takes())+" --help"))
	}
	fmt.Fprintf(&b, "                '') words='%s' ;;\n            esac\n            ;;\n    esac\n", listedOptions(general()))
	fmt.Fprintf(&b, "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n\ncomplete -F %s %s\n", c.function, c.binary)
	return b.String()
}

// listedOptions returns the long names with their dashes, separated by blanks.
func listedOptions(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "--" + strings.Join(names, " --")
}

// zsh returns the function for zsh, which is found in a folder of fpath.
func (c completion) zsh() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#compdef %s\n# zsh completion for %s. %s\n\n", c.binary, c.binary, generatedNote)
	b.WriteString(`local command='' i
local -a commands options
for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
        (-c|--command) command=$words[i+1] ;;
        (--command=*) command=${words[i]#--command=} ;;
    esac
done
commands=(
`)
	for _, r := range c.rows {
		fmt.Fprintf(&b, "    %s\n", quotedZsh(r.name, r.about))
	}
	b.WriteString(")\ncase $words[CURRENT-1] in\n    (-c|--command|-h|--help)\n        _describe command commands\n        return\n        ;;\n")
	for _, option := range c.chosen() {
		fmt.Fprintf(&b, "    (--%s)\n        case $command in\n", option)
		for _, r := range c.rows {
			if values := r.choices(option); values != nil && slices.Contains(r.takes(), option) {
				fmt.Fprintf(&b, "            (%s) compadd -- %s ;;\n", r.name, strings.Join(values, " "))
			}
		}
		b.WriteString("        esac\n        return\n        ;;\n")
	}
	fmt.Fprintf(&b, "    (%s)\n        _files\n        return\n        ;;\nesac\ncase $command in\n", strings.Join(valued(append(c.chosen(), "command")...), "|"))
	for _, r := range c.rows {
		fmt.Fprintf(&b, "    (%s)\n        options=(\n%s        )\n        ;;\n", r.name, zshOptions(append(r.takes(), "help"), r.name))
	}
	fmt.Fprintf(&b, "    ('')\n        options=(\n%s        )\n        ;;\nesac\n_describe option options\n", zshOptions(general(), ""))
	return b.String()
}

func zshOptions(names []string, command string) string {
	var b strings.Builder
	flags := (&arguments{}).flags()
	for _, name := range names {
		fmt.Fprintf(&b, "            %s\n", quotedZsh("--"+name, meaning(flags.Lookup(name).Usage, command)))
	}
	return b.String()
}

// quotedZsh returns a word and its description as _describe reads them, quoted.
func quotedZsh(word, about string) string { return quotedShell(word + ":" + about) }

// quotedShell returns a text in single quotes for bash and zsh.
func quotedShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// fish returns the script for fish, which is found in its folders of completions by the name of the binary.
func (c completion) fish() string {
	var b strings.Builder
	is := "_" + c.function + "_is"
	fmt.Fprintf(&b, "# fish completion for %s. %s\n\n", c.binary, generatedNote)
	fmt.Fprintf(&b, `function %s --description 'reports whether the command line has this command'
    set -l tokens (commandline -opc)
    set -l command ''
    for i in (seq 2 (count $tokens))
        if contains -- $tokens[$i] -c --command; and test $i -lt (count $tokens)
            set command $tokens[(math $i + 1)]
        else if string match -q -- '--command=*' $tokens[$i]
            set command (string replace -- '--command=' '' $tokens[$i])
        end
    end
    test "$command" = "$argv[1]"
end

`, is)
	fmt.Fprintf(&b, "complete -c %s -f\n", c.binary)
	for _, r := range c.rows {
		about := quotedFish(r.about)
		fmt.Fprintf(&b, "complete -c %s -n '%s \"\"' -s c -l command -x -a %s -d %s\n", c.binary, is, r.name, about)
		fmt.Fprintf(&b, "complete -c %s -n 'contains -- (commandline -opc)[-1] -h --help' -a %s -d %s\n", c.binary, r.name, about)
	}
	for _, name := range general()[1:] {
		fmt.Fprintf(&b, "complete -c %s -n '%s \"\"' %s\n", c.binary, is, fishOption(name, "", nil))
	}
	for _, r := range c.rows {
		for _, name := range append(r.takes(), "help") {
			fmt.Fprintf(&b, "complete -c %s -n '%s %s' %s\n", c.binary, is, r.name, fishOption(name, r.name, r.choices(name)))
		}
	}
	return b.String()
}

// fishOption returns the words of a complete command about an option.
func fishOption(name, command string, choices []string) string {
	flag := (&arguments{}).flags().Lookup(name)
	words := "-l " + name
	if flag.Shorthand != "" {
		words = "-s " + flag.Shorthand + " " + words
	}
	switch {
	case choices != nil:
		words += " -x -a " + quotedFish(strings.Join(choices, " "))
	case flag.NoOptDefVal == "":
		words += " -r"
	}
	return words + " -d " + quotedFish(meaning(flag.Usage, command))
}

// quotedFish returns a text in single quotes for fish.
func quotedFish(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
