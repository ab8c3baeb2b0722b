# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs each script for Windows by a real PowerShell, as CI does: on Windows with Windows' own cmdlets, in a dry run, so that nothing is changed;
# elsewhere with stubs of them, in a dry run and then for real. What a script calls says commands.json, and cases.json how it is run: its parameters, what
# the stubs answer, what it has to tell, and which changes it has to ask for. Ends with 1 and all that was found.
[CmdletBinding()]
param ()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$root = Split-Path -Path (Split-Path -Path $PSScriptRoot -Parent) -Parent
$table = Get-Content -LiteralPath (Join-Path -Path $PSScriptRoot -ChildPath 'commands.json') -Raw | ConvertFrom-Json
$cases = Get-Content -LiteralPath (Join-Path -Path $PSScriptRoot -ChildPath 'cases.json') -Raw | ConvertFrom-Json
# Windows PowerShell has no such variable, and is nowhere else.
$isOnWindows = $PSVersionTable.PSVersion.Major -lt 6 -or $IsWindows
$findings = New-Object -TypeName System.Collections.ArrayList
$global:hearthCalls = New-Object -TypeName System.Collections.ArrayList
$global:hearthAnswers = @{}
$firstPath = $env:PATH

function Add-Finding {
    param ([string] $Script, [string] $Words)
    [void] $findings.Add("${Script}: $Words")
}

function Get-Value {
    param ([object] $From, [string] $Name, [object] $Otherwise = $null)
    $property = if ($null -ne $From) { $From.PSObject.Properties[$Name] }
    if ($null -eq $property) { return $Otherwise }
    return $property.Value
}

function Get-Case {
    # What a case leaves out is empty.
    param ([object] $Written)
    $nothing = [pscustomobject] @{}
    return [pscustomobject] @{
        parameters = Get-Value $Written 'parameters' $nothing
        programs = Get-Value $Written 'programs' $nothing
        answers = Get-Value $Written 'answers' $nothing
        tells = Get-Value $Written 'tells' $nothing
        changes = @(Get-Value $Written 'changes' @())
        calls = @(Get-Value $Written 'calls' @())
        fails = [string] (Get-Value $Written 'fails' '')
        only_dry = [bool] (Get-Value $Written 'only_dry' $false)
        needs_stubs = [bool] (Get-Value $Written 'needs_stubs' $false)
    }
}

function Get-Plain {
    # A value as a text that does not depend on the order of names.
    param ([object] $Value)
    if ($Value -is [System.Management.Automation.PSCustomObject]) {
        $pairs = @($Value.PSObject.Properties | Sort-Object -Property Name | ForEach-Object -Process { '{0}: {1}' -f $_.Name, (Get-Plain $_.Value) })
        return '{' + ($pairs -join ', ') + '}'
    }
    if ($Value -is [array]) { return '[' + (@($Value | ForEach-Object -Process { Get-Plain $_ }) -join ', ') + ']' }
    return ConvertTo-Json -InputObject $Value -Compress
}

function Test-Reading {
    # PowerShell's own parser, and what it finds called: the table is made by another grammar.
    param ([string] $Script, [string] $Path, [object] $Said)
    $tokens = $null
    $wrong = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseFile($Path, [ref] $tokens, [ref] $wrong)
    foreach ($one in $wrong) { Add-Finding $Script "line $($one.Extent.StartLineNumber): $($one.Message)" }
    $own = @($tree.FindAll({ $args[0] -is [System.Management.Automation.Language.FunctionDefinitionAst] }, $true) | ForEach-Object -Process { $_.Name })
    $calls = $tree.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)
    $called = @(
        $calls | Where-Object -FilterScript { $_.InvocationOperator -eq 'Unknown' } | ForEach-Object -Process { $_.GetCommandName() } |
            Where-Object -FilterScript { $own -notcontains $_ } | Sort-Object -Unique
    )
    $difference = @(Compare-Object -ReferenceObject @($Said.cmdlets) -DifferenceObject $called | ForEach-Object -Process { $_.InputObject })
    if ($difference.Count -gt 0) { Add-Finding $Script "commands.json and the script differ in $($difference -join ', ')" }
}

function Set-Stub {
    # Each notes that it was called, and answers what the case says.
    param ([string] $Name)
    $body = {
        [void] $global:hearthCalls.Add($MyInvocation.MyCommand.Name)
        $global:hearthAnswers[$MyInvocation.MyCommand.Name]
    }
    Set-Item -Path "function:global:$Name" -Value $body
}

function Set-World {
    # Where a Windows has its programs and settings, below a directory that is made for it.
    param ([object] $Said, [object] $Case)
    $world = Join-Path -Path ([System.IO.Path]::GetTempPath()) -ChildPath ([System.Guid]::NewGuid().ToString())
    foreach ($place in 'ProgramFiles', 'SystemRoot', 'USERPROFILE', 'APPDATA', 'ProgramData') {
        $directory = Join-Path -Path $world -ChildPath $place
        [void] (New-Item -Path $directory -ItemType Directory -Force)
        Set-Item -Path "env:$place" -Value $directory
    }
    $env:PROCESSOR_ARCHITECTURE = 'AMD64'
    $env:HEARTH_TEST_CALLS = Join-Path -Path $world -ChildPath 'calls'
    foreach ($directory in "$($env:SystemRoot)/System32/drivers/etc", "$($env:ProgramFiles)/WSL") { [void] (New-Item -Path $directory -ItemType Directory -Force) }
    [System.IO.File]::WriteAllText("$($env:SystemRoot)/System32/drivers/etc/hosts", "127.0.0.1 localhost # itself`n")
    [System.IO.File]::WriteAllText("$world/ext4.vhdx", 'a disk')
    $env:HEARTH_TEST_WORLD = $world
    $env:PATH = "$($env:SystemRoot)/System32$([System.IO.Path]::PathSeparator)$firstPath"
    foreach ($program in $Said.programs) {
        $answer = [string] (Get-Value $Case.programs $program '')
        $directory = if ($program -eq 'wsl.exe') { "$($env:ProgramFiles)/WSL" } else { "$($env:SystemRoot)/System32" }
        # A shell's own quoting is not needed: what they answer has no quotes.
        [System.IO.File]::WriteAllText("$directory/$program", "#!/bin/sh`necho $program `"`$@`" >>`"`$HEARTH_TEST_CALLS`"`nprintf '%s' '$answer'`n")
        & '/bin/chmod' +x "$directory/$program"
    }
}

function Test-Case {
    # One run of a script, in a dry run or for real: what it tells, and what it calls.
    param ([string] $Script, [string] $Path, [object] $Said, [object] $Case, [switch] $Dry)
    $kind = if ($Dry) { 'a dry run' } else { 'a run' }
    $global:hearthCalls.Clear()
    if (-not $isOnWindows) { [System.IO.File]::WriteAllText($env:HEARTH_TEST_CALLS, '') }
    $places = @{ '{wsl}' = "$($env:ProgramFiles)/WSL/wsl.exe"; '{world}' = [string] $env:HEARTH_TEST_WORLD }
    $parameters = @{}
    foreach ($one in $Case.parameters.PSObject.Properties) {
        $text = ConvertTo-Json -InputObject $one.Value -Depth 8 -Compress
        foreach ($place in $places.Keys) { $text = $text.Replace($place, $places[$place].Replace('\', '\\')) }
        $parameters[$one.Name] = $text
    }
    if ($Dry) { $parameters['WhatIf'] = $true }
    $told = $null
    $failed = ''
    try {
        $told = @(& $Path @parameters)
    }
    catch {
        $failed = "$($_.Exception.Message) $($_.ScriptStackTrace)"
    }
    # What is to fail does so when it acts.
    $fails = if ($Dry) { '' } else { [string] $Case.fails }
    if ($failed -or $fails) {
        if (-not $fails -or -not $failed.Contains($fails)) { Add-Finding $Script "$kind fails with '$failed', and '$fails' is wanted" }
    }
    elseif ($told.Count -ne 1 -or $told[0] -isnot [string]) {
        Add-Finding $Script "$kind tells $($told.Count) things, and one document is wanted"
    }
    elseif (-not $isOnWindows) {
        $document = $told[0] | ConvertFrom-Json
        foreach ($wanted in $Case.tells.PSObject.Properties) {
            $found = Get-Plain (Get-Value $document $wanted.Name)
            $right = Get-Plain $wanted.Value
            if ($found -ne $right) { Add-Finding $Script "$kind tells $($wanted.Name) as $found, and $right is wanted" }
        }
    }
    $changes = @($global:hearthCalls | Where-Object -FilterScript { $Said.changes -contains $_ }) -join ' '
    $right = if ($Dry) { '' } else { @($Case.changes) -join ' ' }
    if ($changes -ne $right) { Add-Finding $Script "$kind calls '$changes', and '$right' is wanted" }
    if (-not $isOnWindows) {
        $called = [System.IO.File]::ReadAllText($env:HEARTH_TEST_CALLS)
        foreach ($call in $Case.calls) {
            if ($called.Contains($call) -eq [bool] $Dry) { Add-Finding $Script "$kind calls '$called', and '$call' is for a run that is none" }
        }
    }
}

foreach ($entry in $table.PSObject.Properties) {
    $script = $entry.Name
    $path = Join-Path -Path $root -ChildPath $script
    $said = $entry.Value
    Test-Reading $script $path $said
    if ($isOnWindows) {
        foreach ($name in $said.cmdlets) {
            if ($null -eq (Get-Command -Name $name -ErrorAction SilentlyContinue)) { Add-Finding $script "this Windows has no $name" }
        }
    }
    foreach ($written in $cases.$script) {
        $case = Get-Case $written
        if ($isOnWindows) {
            if (-not $case.needs_stubs) { Test-Case $script $path $said $case -Dry }
            continue
        }
        Set-World $said $case
        $strange = @($said.cmdlets | Where-Object -FilterScript { -not (Get-Command -Name $_ -CommandType Cmdlet -ErrorAction SilentlyContinue) })
        $answered = @($case.answers.PSObject.Properties | ForEach-Object -Process { $_.Name })
        $global:hearthAnswers = @{}
        foreach ($name in @($strange + $said.changes + $answered) | Sort-Object -Unique) {
            Set-Stub $name
            $global:hearthAnswers[$name] = Get-Value $case.answers $name
        }
        Test-Case $script $path $said $case -Dry
        if (-not $case.only_dry) { Test-Case $script $path $said $case }
        # The next case has stubs of its own. By its whole name, for it may have one itself.
        foreach ($name in $global:hearthAnswers.Keys) { Microsoft.PowerShell.Management\Remove-Item -Path "function:$name" }
    }
    "$script was run in $(@($cases.$script).Count) cases"
}
foreach ($finding in $findings) { Write-Warning -Message $finding }
exit [int] ($findings.Count -gt 0)
