"""Completion in a shell: the commands, and for `batchf1 train` what Hydra answers.

Hydra's own scripts complete a command without subcommands.
"""

from __future__ import annotations

import re

COMMANDS = "bound forensics scan audit expect compare train new fetch provenance restore verify"
"""Commands for people."""
BASH = """_batchf1_train() {
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "@COMMANDS" -- "${COMP_WORDS[1]}"))
    elif [ "${COMP_WORDS[1]}" = train ]; then
        local choices
        choices=$(COMP_LINE=$COMP_LINE "${COMP_WORDS[0]}" train -sc query=bash 2> /dev/null)
        COMPREPLY=($(compgen -o nospace -o default -W "$choices" -- "${COMP_WORDS[COMP_CWORD]}"))
    fi
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o nospace -o default -F _batchf1_train batchf1
""".replace("@COMMANDS", COMMANDS)
FISH = f"""complete -c batchf1 -n __fish_use_subcommand -x -a '{COMMANDS}'
function _batchf1_train
    set -lx COMP_LINE (commandline -cp)
    batchf1 train -sc query=fish
end
complete -c batchf1 -n '__fish_seen_subcommand_from train' -x -a '(_batchf1_train)'
"""
SCRIPTS = {
    "install=bash": BASH,
    "install=zsh": f"autoload -U +X bashcompinit && bashcompinit\n{BASH}",
    "install=fish": FISH,
    "uninstall=bash": "complete -r batchf1\nunset -f _batchf1_train\n",
    "uninstall=zsh": "complete -r batchf1\nunset -f _batchf1_train\n",
    "uninstall=fish": "complete -e -c batchf1\nfunctions -e _batchf1_train\n",
}
"""Argument of `--shell-completion` -> what the shell evaluates."""


def without_command(line: str) -> str:
    """Return a command line as Hydra reads it: the program, then the overrides."""
    return re.sub(r"^(\s*\S+)\s+train(?=\s)", r"\1", line)
