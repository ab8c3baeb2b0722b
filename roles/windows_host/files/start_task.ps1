# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Starts a distribution by its scheduled task, and waits until it runs. JSON in: program (wsl.exe), distribution, folder and task, seconds, and must (whether it
# is an error if the task cannot). JSON out: changed, by_task.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)] [string] $Wanted
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$env:WSL_UTF8 = '1'
$wish = $Wanted | ConvertFrom-Json

function Invoke-Native {
    # Windows PowerShell makes an error of each line that a program writes to its standard error, a warning of wsl.exe as well, and would end here
    # (PowerShell/PowerShell issue 3996). Whether a program has failed says how it ended.
    param ([scriptblock] $Call)
    $ErrorActionPreference = 'Continue'
    & $Call
}

function Test-Running {
    # Names are the same in every language; zeros are those of UTF-16.
    $names = @(Invoke-Native { & $wish.program --list --running --quiet } | ForEach-Object -Process { ([string] $_).Replace([string] [char] 0, '').Trim() })
    return $names -contains $wish.distribution
}

$changed = -not (Test-Path -LiteralPath $wish.program) -or -not (Test-Running)
$byTask = $false
if ($changed -and $PSCmdlet.ShouldProcess($wish.distribution, 'Start the distribution')) {
    $why = ''
    try {
        Start-ScheduledTask -TaskPath $wish.folder -TaskName $wish.task
        for ($turn = 0; $turn -lt [int] $wish.seconds -and -not $byTask; $turn++) {
            Start-Sleep -Seconds 1
            $byTask = Test-Running
        }
        $why = 'it ended with {0}' -f (Get-ScheduledTaskInfo -TaskPath $wish.folder -TaskName $wish.task).LastTaskResult
    }
    catch {
        $why = [string] $_.Exception.Message
    }
    if (-not $byTask) {
        if ($wish.must) { throw ("The task '$($wish.task)' does not start $($wish.distribution): $why. If the Windows password has changed since, remove the task " +
            "(Unregister-ScheduledTask -TaskPath '$($wish.folder)' -TaskName '$($wish.task)'), and run this again.") }
        # A task that waits for somebody to log in cannot begin before; what runs then stays, for nothing stops it.
        $null = Invoke-Native { & $wish.program --distribution $wish.distribution --user root --exec true }
        if ($LASTEXITCODE -ne 0) { throw "$($wish.distribution) does not start (wsl.exe ended with $LASTEXITCODE)." }
    }
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed; by_task = $byTask }
