"""Completion of `batchf1 train` in a shell: scripts that ask Hydra for the candidates.

Hydra's own scripts complete a command without subcommands.
"""

from __future__ import annotations

import re

BASH = """_batchf1_train() {
    if [ "${COMP_WORDS[1]}" = train ]; then
        local choices
        choices=$(COMP_LINE=$COMP_LINE "${COMP_WORDS[0]}" train -sc query=bash 2> /dev/null)
        COMPREPLY=($(compgen -o nospace -o default -W "$choices" -- "${COMP_WORDS[COMP_CWORD]}"))
    fi
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o nospace -o default -F _batchf1_train batchf1
"""
FISH = """function _batchf1_train
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
