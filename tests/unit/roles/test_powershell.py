# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts for Windows: what a reader may rely on in each of them, since nothing here can run them.

A real PowerShell runs them with stubs of what `tests/powershell/commands.json` names (`tests/powershell/run.ps1`), elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from powershell.grammar import ROOT, Command, Script, around, scripts, text, walk

ELSEWHERE = ROOT / "tests/powershell"
PARTS = ("cmdlets", "changes", "programs")
# The verbs of cmdlets that change something, and those of their cmdlets that change nothing outside the script.
CHANGING = re.compile(
    r"(Add|Clear|Copy|Disable|Enable|Import|Install|Move|New|Out|Register|Remove|Rename|Restart|Set|Start|Stop|Uninstall|"
    r"Unregister|Update|Write)-"
)
HARMLESS = {
    *(
        "Add-Member",
        "Import-Module",
        "New-Object",
        "New-TimeSpan",
        "Out-Null",
        "Out-String",
        "Set-StrictMode",
        "Set-Variable",
    ),
    *("Start-Sleep", "Write-Error", "Write-Output", "Write-Verbose", "Write-Warning"),
}
# And what changes something of what is told to wsl.exe and netsh.exe.
TOLD = re.compile(
    r"--(import|install|manage|set-\w+|shutdown|terminate|unregister|update)\b|\b(add|delete|set) v\dtov\d|base64 --decode"
)
# What makes code or a command of a text, or hides what is called.
FORBIDDEN = re.compile(
    r"(?i)\b(Invoke-Expression|Invoke-Command|Invoke-Item|Start-Process|Start-Job|Add-Type|Write-Host|cmd(\.exe)?|powershell(\.exe)?|pwsh(\.exe)?)$"
)
OF_TEXT = re.compile(r"(?i)\[scriptblock\]::Create|InvokeCommand|InvokeScript|-EncodedCommand")
# What Windows PowerShell 5.1, which each Windows has, does not read.
NEWER = {
    "ternary_expression": "a ternary",
    "null_coalesce_expression": "??",
    "null_coalesce_assignment": "??=",
    "pipeline_chain_tail": "&& or ||",
}
NEWER_PARAMETERS = {"-AsHashtable", "-Parallel", "-AsByteStream", "-AsUTC", "-EnumsAsStrings", "-AdditionalChildPath"}
NEWER_WORDS = re.compile(
    r"\$Is(Windows|Linux|MacOS|CoreCLR)\b|\?\.|\?\[|utf8NoBOM|utf8BOM|System\.Text\.Json| (&&|\|\|) |\?\?"
)


def findings(script: Script) -> Iterator[str]:
    """All that is wrong with a script."""
    code = script.code
    yield from (f"it cannot be read, {error}" for error in script.errors)
    if not code.isascii():
        yield "it has a letter that Windows PowerShell reads otherwise than PowerShell 7: write ASCII"
    beginning = [text(node) for node in script.statements[:2]]
    if not beginning or not re.fullmatch(r"Set-StrictMode -Version (Latest|3\.0)", beginning[0]):
        yield "its first statement is not Set-StrictMode -Version Latest"
    if beginning[1:] != ["$ErrorActionPreference = 'Stop'"]:
        yield "its second statement is not $ErrorActionPreference = 'Stop'"
    for command in script.commands:
        yield from _of_a_command(script, command)
    yield from (f"{found} makes code of a text" for found in OF_TEXT.findall(code))
    yield from _newer(script)
    yield from _output(script)
    changes = {command.name for command in script.commands if _changes(script, command)}
    if changes and not script.asks_before_it_changes:
        yield f"it changes something ({', '.join(sorted(changes))}) and has no SupportsShouldProcess"


def _of_a_command(script: Script, command: Command) -> Iterator[str]:
    if FORBIDDEN.match(command.name):
        yield f"line {command.line}: {command.name} is not used here"
    elif command.called and not re.fullmatch(r"\$\w+(\.program)?|'?[\w.\\: ]+\.exe'?", command.name):
        yield f"line {command.line}: & {command.name} calls neither a variable nor a program by a plain text"
    elif not command.called and not (
        command.name in script.functions or re.fullmatch(r"[A-Z][A-Za-z]+-[A-Z]\w+", command.name)
    ):
        yield f"line {command.line}: {command.name} is an alias, or a program without &"
    if command.called and re.search(r"(?i)\s(-c|-command|/c)\s+(?!')", text(command.node)):
        yield f"line {command.line}: a shell is given a text that is not plain"
    if command.called and not _is_patient(command):
        yield f"line {command.line}: what {command.name} writes to its standard error would end the script"
    if _changes(script, command) and not _asked_for(script, command):
        yield f"line {command.line}: {command.name} is called without ShouldProcess having been asked"


def _changes(script: Script, command: Command) -> bool:
    if not command.called:
        return bool(CHANGING.match(command.name)) and command.name not in HARMLESS
    told = text(command.node)
    # A list that was put together before may hold any word of the script.
    return bool(TOLD.search(script.code if "@" in told else told))


def _is_patient(command: Command) -> bool:
    """Called within Invoke-Native, whose own call is that of a block, or in another function that is handed one."""
    for outer in around(command.node):
        if outer.type == "command" and text(outer).startswith("Invoke-Native {"):
            return True
        if outer.type == "function_statement" and f"[scriptblock] {command.name}" in text(outer):
            return command.name != "$Call" or "$ErrorActionPreference = 'Continue'" in text(outer)
    return False


def _asked_for(script: Script, command: Command) -> bool:
    """Within a branch of ShouldProcess, or in a function that is called in such branches only."""
    for outer in around(command.node):
        if outer.type == "if_statement" and "ShouldProcess(" in text(outer.named_children[0]):
            return True
        if outer.type == "function_statement":
            name = next(text(node) for node in outer.named_children if node.type == "function_name")
            calls = [call for call in script.commands if call.name == name]
            return bool(calls) and all(_asked_for(script, call) for call in calls)
    return False


def _newer(script: Script) -> Iterator[str]:
    for node in walk(script.root):
        if node.type in NEWER:
            yield f"line {node.start_point.row + 1}: Windows PowerShell 5.1 does not know {NEWER[node.type]}"
    for command in script.commands:
        for parameter in sorted({*command.parameters} & NEWER_PARAMETERS):
            yield f"line {command.line}: Windows PowerShell 5.1 does not know {command.name} {parameter}"
    without_comments = "\n".join(line.partition("#")[0] for line in script.code.splitlines())
    for found in NEWER_WORDS.finditer(without_comments):
        yield f"Windows PowerShell 5.1 does not know {found.group().strip()}"


def _output(script: Script) -> Iterator[str]:
    told = [command for command in script.commands if command.name == "ConvertTo-Json"]
    last = text(script.statements[-1]) if script.statements else ""
    if len(told) != 1 or "ConvertTo-Json" not in last:
        yield "its last statement is not the only one that tells something, by ConvertTo-Json"
    elif "-Compress" not in told[0].parameters:
        yield "ConvertTo-Json lacks -Compress, so that its document is many lines"
    if "Write-Output" in script.cmdlets:
        yield "Write-Output tells something beside the document"
    for node in walk(script.root):
        if node.type == "flow_control_statement" and text(node).startswith("exit"):
            yield f"line {node.start_point.row + 1}: exit leaves without a document"


def changing(script: Script) -> set[str]:
    """The cmdlets among them."""
    calls = [command for command in script.commands if not command.called]
    return {command.name for command in calls if _changes(script, command)} - script.functions


GOOD = """\
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)]
    [ValidateSet('present', 'absent')]
    [string] $State
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
function Set-Line {
    param ([string] $Line)
    Add-Content -Path 'C:\\x' -Value $Line
}
function Invoke-Native {
    param ([scriptblock] $Call)
    $ErrorActionPreference = 'Continue'
    & $Call
}
$program = Join-Path -Path $env:SystemRoot -ChildPath 'System32\\netsh.exe'
$shown = @(Invoke-Native { & $program interface portproxy show all })
$changed = $shown.Count -gt 0
if ($changed -and $PSCmdlet.ShouldProcess('the list', 'clear')) {
    Set-Line -Line 'x'
    Remove-Item -Path 'C:\\x'
    $null = Invoke-Native { & $program interface portproxy delete v4tov4 'listenport=443' }
}
[ordered] @{ changed = $changed } | ConvertTo-Json -Depth 4 -Compress
"""


def test_what_is_right_has_no_finding() -> None:
    script = Script(GOOD)
    assert list(findings(script)) == []
    assert [(one.name, one.type, one.mandatory, one.choices) for one in script.parameters] == [
        ("State", "string", True, ("present", "absent"))
    ]
    assert script.cmdlets == {"Set-StrictMode", "Add-Content", "Join-Path", "Remove-Item", "ConvertTo-Json"}
    assert script.programs == {"netsh.exe"}
    assert changing(script) == {"Add-Content", "Remove-Item"}


@pytest.mark.parametrize(
    ("instead_of", "written", "found"),
    [
        ("$changed = $shown.Count -gt 0", "$changed = (", "it cannot be read"),
        ("'the list'", "'die Größe'", "write ASCII"),
        ("Set-StrictMode -Version Latest\n", "", "Set-StrictMode"),
        ("'Stop'", "'Continue'", "$ErrorActionPreference"),
        ("Remove-Item -Path", "rm", "rm is an alias"),
        ("Remove-Item -Path", "netsh.exe", "netsh.exe is an alias"),
        ("Remove-Item -Path 'C:\\x'", "Invoke-Expression $x", "Invoke-Expression is not used here"),
        ("Remove-Item -Path 'C:\\x'", "cmd /c $x", "cmd is not used here"),
        ("& $program", '& "$program $x"', "calls neither a variable nor"),
        ("& $program interface portproxy show all", '& $program --exec sh -c "echo $x"', "a text that is not plain"),
        ("$changed = $shown.Count -gt 0", "$changed = & ([scriptblock]::Create($x))", "makes code of a text"),
        ("$changed = $shown.Count -gt 0", "$changed = $shown ? 1 : 0", "does not know a ternary"),
        ("$changed = $shown.Count -gt 0", "$changed = $shown ?? 0", "does not know ??"),
        ("$changed = $shown.Count -gt 0", "$changed = $shown | ConvertFrom-Json -AsHashtable", "-AsHashtable"),
        ("$changed = $shown.Count -gt 0", "Remove-Item -Path 'C:\\y'", "called without ShouldProcess"),
        ("$shown.Count -gt 0", "& $program interface portproxy set v4tov4", "without ShouldProcess"),
        ("$shown.Count -gt 0", "& $program @('--unregister', 'x')", "without ShouldProcess"),
        ("Invoke-Native { & $program interface portproxy show all }", "& $program", "would end the script"),
        ("    $ErrorActionPreference = 'Continue'\n", "", "would end the script"),
        ("if ($changed", "Set-Line -Line 'y'\nif ($changed", "Add-Content is called without ShouldProcess"),
        ("(SupportsShouldProcess)", "()", "has no SupportsShouldProcess"),
        (
            "$changed -and $PSCmdlet.ShouldProcess('the list', 'clear')",
            "$changed",
            "without ShouldProcess having been asked",
        ),
        (" -Compress", "", "-Compress"),
        ("| ConvertTo-Json -Depth 4 -Compress", "", "by ConvertTo-Json"),
        ("$changed = $shown.Count -gt 0", "$changed = 1; Write-Output 'done'", "beside the document"),
        ("$changed = $shown.Count -gt 0", "if ($shown) { exit 1 }", "exit leaves"),
    ],
)
def test_what_is_wrong_is_found(instead_of: str, written: str, found: str) -> None:
    assert instead_of in GOOD
    assert found in "\n".join(findings(Script(GOOD.replace(instead_of, written, 1))))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for path in scripts() if r"CurrentVersion\Lxss" in path.read_text()], ids=name)
def test_a_key_beside_the_distributions_that_is_none_is_passed_over(path: Path) -> None:
    """AppxInstallerCache, which the store makes there, has no values: reading them answers nothing, of which strict mode lets nothing be asked."""
    code = path.read_text()
    asked = code.partition("$entry = Get-ItemProperty -LiteralPath $key.PSPath\n")[2]
    assert re.match(
        r"\s*if \(\$null -ne \$entry -and |(\s*\$\w+ = .*Get-Value \$entry .*\n)+\s*#.*\n\s*if \(-not \$name -or -not \$base\) \{ continue \}",
        asked,
    )


OF_A_CASE = {"parameters", "programs", "answers", "tells", "changes", "calls", "only_dry", "needs_stubs", "fails"}


@pytest.mark.parametrize("path", scripts(), ids=name)
def test_each_script_keeps_the_rules(path: Path) -> None:
    assert list(findings(Script.of(path))) == []


def test_the_table_says_what_each_script_calls() -> None:
    """From it a real PowerShell knows which stubs a script needs, and a Windows whether it has them all."""
    said = json.loads((ELSEWHERE / "commands.json").read_text())
    found = {
        name(path): {
            part: sorted(one)
            for part, one in zip(PARTS, (script.cmdlets, changing(script), script.programs), strict=True)
        }
        for path in scripts()
        for script in [Script.of(path)]
    }
    assert said == found, json.dumps(found, indent=2)


def test_each_script_is_run_elsewhere() -> None:
    """`run.ps1` reads both files, and cannot be tried here: in the least what it is given is whole."""
    assert Script.of(ELSEWHERE / "run.ps1").errors == []
    cases = json.loads((ELSEWHERE / "cases.json").read_text())
    assert set(cases) == {name(path) for path in scripts()}
    for path in scripts():
        script = Script.of(path)
        assert cases[name(path)]
        for case in cases[name(path)]:
            assert {"tells"} <= set(case) <= OF_A_CASE
            assert {one.name for one in script.parameters if one.mandatory} <= set(case.get("parameters", {}))
            assert set(case.get("parameters", {})) <= {one.name for one in script.parameters}
            # What it reads of its wish is there: in strict mode the rest is an error.
            read = set(re.findall(r"\$wish\.(\w+)", script.code))
            assert read <= set(case.get("parameters", {}).get("Wanted", {}))
            assert set(case.get("changes", ())) <= changing(script)
            assert set(case.get("answers", {})) <= script.cmdlets
            assert set(case.get("programs", {})) <= script.programs
            assert case["tells"]
        # At least one of each: what it leaves as it is, or what it is to change.
        assert bool(changing(script)) == any(case.get("changes") for case in cases[name(path)])
